"""An OpenAPI document as what a template shows: groups of calls, and the shapes that they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "Problem"  # the shape of every refusal
GROUPS = (("/classification/", "Records"), ("/api/jobs", "Jobs"), ("/", "Service"))


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of the API. `body` and `answers` name shapes, "" where there is none; `refusals` are statuses of problems."""

    id: str
    method: str
    path: str
    summary: str
    open: bool
    parameters: list[Mapping[str, Any]]
    body: list[tuple[str, str]]
    answers: list[tuple[str, str, str]]
    refusals: list[str]


@dataclass(frozen=True, slots=True)
class Reference:
    """A whole document, in the order in which it is shown."""

    title: str
    version: str
    description: str
    groups: dict[str, list[Call]]
    shapes: dict[str, str]


def read_document(document: Mapping[str, Any]) -> Reference:
    """Return what is shown of an OpenAPI document."""
    info, components = document["info"], document.get("components", {})
    groups: dict[str, list[Call]] = {title: [] for _, title in GROUPS}
    for path, item in document["paths"].items():
        groups[_group(path)] += _calls(path, item, components)
    shapes = {name: _pretty(shape) for name, shape in sorted(components.get("schemas", {}).items())}
    return Reference(info["title"], info["version"], info.get("description", ""), {k: v for k, v in groups.items() if v}, shapes)


def _group(path: str) -> str:
    return next(title for prefix, title in GROUPS if path.startswith(prefix))


def _calls(path: str, item: Mapping[str, Any], components: Mapping[str, Any]) -> Iterable[Call]:
    for method in METHODS:
        if method not in item:
            continue
        call = item[method]
        parameters = [_resolved(one, components) for one in (*item.get("parameters", ()), *call.get("parameters", ()))]
        content = call.get("requestBody", {}).get("content", {})
        answers = list(_answers(call["responses"]))
        yield Call(
            call["operationId"], method.upper(), path, call.get("summary", ""), not call.get("security"), parameters,
            body=[(kind, _name(one.get("schema", {}))) for kind, one in content.items()],
            answers=[answer for answer in answers if answer[2] != PROBLEM],
            refusals=[status for status, _, name in answers if name == PROBLEM],
        )  # fmt: skip


def _answers(responses: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    for status, response in sorted(responses.items()):
        shapes = [_name(one.get("schema", {})) for one in response.get("content", {}).values()]
        yield status, response.get("description", ""), shapes[0] if shapes else ""


def _resolved(parameter: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a parameter with its shape in short."""
    reference = parameter.get("$ref")
    found = components["parameters"][reference.rpartition("/")[2]] if reference else parameter
    return {**found, "shape": _short(found.get("schema", {}))}


def _short(shape: Mapping[str, Any]) -> str:
    """Return a parameter's shape in a few words."""
    if "enum" in shape:
        return " | ".join(str(word) for word in shape["enum"])
    kind = shape.get("format") or shape.get("type") or "any"
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    default = shape.get("default")
    return text if default is None else f"{text}, {msgspec.json.encode(default).decode()} if left out"


def _name(shape: Mapping[str, Any]) -> str:
    return str(shape.get("$ref", "")).rpartition("/")[2]


def _pretty(shape: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(shape), indent=2).decode()
