"""Envelopes as the OpenAPI document of the project face shows them: failures by status, and an example of each shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import Refused
from web.answers import STATUSES
from web.projects.replies import LOWEST_OWN, code_of
from web.projects.shapes import AN_ID, COMPONENTS


def failures() -> dict[int, Any]:
    """Return the shapes of failures by HTTP status, each with the codes and words that it may have."""
    words: dict[int, dict[str, set[Any]]] = {}
    for word in STATUSES:
        refused = Refused("")
        refused.code = word
        code = code_of(refused)
        known = words.setdefault(code if code < LOWEST_OWN else 422, {"codes": set(), "words": set()})
        known["codes"].add(code)
        known["words"].add(word)
    return {status: _failure(sorted(known["codes"]), sorted(known["words"])) for status, known in words.items()}


def _failure(codes: Sequence[int], words: Sequence[str]) -> dict[str, Any]:
    info = {"type": "object", "properties": {"code": {"enum": words}, "pointer": {"type": "string"}}, "required": ["code"]}
    result = {"code": {"enum": codes}, "message": {"type": "string"}, "info": info}
    example = {"code": codes[0], "message": "What is wrong, in words.", "info": {"code": words[0]}}
    return envelope({"type": "object", "properties": result, "required": list(result)}, {"type": "object"}, success=False) | {
        "examples": [{"success": False, "result": example, "data": {}}]
    }


def envelope(result: Any, data: Any, *, success: bool = True) -> dict[str, Any]:
    """Return the shape of an answer."""
    members = {"success": {"const": success}, "result": result, "data": data}
    return {"type": "object", "properties": members, "required": list(members)}


def with_example(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a body is, with an example."""
    return {"schema": schema, "examples": {"one": {"value": example_of(schema)}}}


def example_of(shape: Mapping[str, Any]) -> Any:
    """Return an example of a shape: its own, or one made of those of its members, those that may be missing left out."""
    if "$ref" in shape:
        return example_of(COMPONENTS[shape["$ref"].rpartition("/")[2]])
    if "examples" in shape:
        return shape["examples"][0]
    if "const" in shape or "enum" in shape:
        return shape["const"] if "const" in shape else shape["enum"][0]
    if isinstance(shape.get("additionalProperties"), dict) and "properties" not in shape:
        return {AN_ID: example_of(shape["additionalProperties"])}
    if "properties" in shape:
        return {name: example_of(shape["properties"][name]) for name in shape.get("required") or [*shape["properties"]][:1]}
    return {"string": "text", "array": [], "integer": 1, "boolean": True, "null": None}.get(str(shape.get("type")), {})
