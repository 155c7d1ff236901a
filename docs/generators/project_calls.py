"""The calls of the project face, from the OpenAPI document that the server serves of it: what each takes and what it gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from docs.generators.markdown import code, heading, table
from web.app import create_app
from web.projects import openapi
from web.projects.described import ABSENT

Shape = Mapping[str, Any]
AREAS = {
    "Signing in": ("auth", "login", "init", "apikeys/"),
    "Records": ("records/",),
    "Assets": ("assets/",),
    "Schema": ("schema/", "definitions/", "classes/", "fields/", "layouts/"),
    "Queries": ("queries/",),
    "Jobs": ("jobs/",),
    "Settings of a project": ("channels/", "orderings/", "fieldlists/", "languages/"),
    "Of no project": ("/api/",),
    "Changes": ("/sync/",),
    "Files": ("/dam/", "/media/"),
}
NOT_OFFERED = "Not offered"


@lru_cache(maxsize=1)
def _parsed() -> Shape:
    found: Shape = json.loads(json.dumps(openapi.build(create_app())))
    return found


def document() -> str:
    """Return the OpenAPI document as the server serves it."""
    return json.dumps(_parsed(), indent=1)


def read() -> list[tuple[str, str, Shape]]:
    """Return method, path and description of each call: that by POST, where there is one."""
    paths = _parsed()["paths"]
    preferred = {path: "post" if "post" in methods else "get" for path, methods in paths.items()}
    return [(method.upper(), path, paths[path][method]) for path, method in sorted(preferred.items())]


def _area(path: str, call: Shape) -> str:
    if call["summary"] == ABSENT:
        return NOT_OFFERED
    return next(area for area, starts in AREAS.items() if path.removeprefix(openapi.PROJECT).startswith(starts))


def pages() -> Iterator[str]:
    """Give a table for each area, and a list of what is not offered."""
    calls: dict[str, list[tuple[str, str, Shape]]] = {area: [] for area in (*AREAS, NOT_OFFERED)}
    for method, path, call in read():
        calls[_area(path, call)].append((method, path, call))
    absent = calls.pop(NOT_OFFERED)
    for area, members in calls.items():
        yield from heading(area)
        yield from table(("call", "what it does", "takes", "gives"), (_row(*member) for member in members))
    yield from heading(NOT_OFFERED)
    yield from ("These are answered 501; why is told in [what was chosen](../project-choices.md).", "")
    yield from (f"- {code(f'{method} {path}')}" for method, path, _ in absent)
    yield ""


def _row(method: str, path: str, call: Shape) -> tuple[str, str, str, str]:
    return code(f"{method} {path}"), call["summary"], _taken(call), _given(call)


def _taken(call: Shape) -> str:
    """Return the names of what a call takes in its query or body, a question mark behind what may be missing."""
    parameters = {one["name"]: one.get("required", False) for one in call["parameters"] if one["in"] == "query"}
    shapes = [content["schema"] for content in call.get("requestBody", {}).get("content", {}).values()]
    bodies = [_open(one) for shape in shapes for one in shape.get("anyOf", [shape])]
    taken = parameters | {name: name in body.get("required", ()) for body in bodies for name in body.get("properties", ())}
    return ", ".join(code(name if required else f"{name}?") for name, required in taken.items())


def _given(call: Shape) -> str:
    """Return the names of what is in `result` and in `data`; what is no envelope by its media type."""
    answer = _parsed()["components"]["responses"][call["responses"]["200"]["$ref"].rpartition("/")[2]]
    [(kind, content)] = answer["content"].items()
    told = content["schema"].get("properties")
    if told is None:
        return code(kind)
    result, data = (", ".join(map(code, told[part]["properties"])) for part in ("result", "data"))
    return "; data: ".join(filter(None, [result, data]))


def _open(shape: Shape) -> Shape:
    found: Shape = _parsed()["components"]["schemas"][shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape
    return found
