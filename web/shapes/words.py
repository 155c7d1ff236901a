"""What all shapes are made of."""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]
TEXT: Shape = {"type": "string"}
COUNT: Shape = {"type": "integer", "minimum": 0}
FLAG: Shape = {"type": "boolean"}
TOKEN: Shape = {"type": "string", "format": "uuid"}
MOMENT: Shape = {"type": "string", "format": "date-time"}
EVIDENCE: Shape = {"$ref": "#/components/schemas/Evidence"}


def null(shape: Shape) -> Shape:
    """Return a shape that may also be null."""
    return {"anyOf": [shape, {"type": "null"}]}


def obj(members: dict[str, Shape], *, optional: dict[str, Shape] | None = None) -> Shape:
    """Return an object that has some members, and may have others."""
    return {"type": "object", "properties": members | (optional or {}), "required": list(members)}


def ref(name: str) -> Shape:
    """Return a shape by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(shape: Shape) -> Shape:
    """Return a list."""
    return {"type": "array", "items": shape}


SHORT: Shape = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]+$"}
PAGE = {"page.size": COUNT, "page.cursor": null(TEXT)}
ERROR = obj({"code": TEXT}, optional={"detail": null(TEXT), "pointer": null(TEXT), "index": COUNT, "line": COUNT})
