"""The calls of the API, from the OpenAPI document that the server serves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any

from docs.generators.markdown import code, heading, table
from web import described, openapi

Operation = Mapping[str, Any]
AREAS = (
    ("/classification/", "Classifications"),
    ("/api/uploads", "Uploads"),
    ("/api/jobs", "Jobs"),
    ("/.well-known/", "Jobs"),
    ("/api/webhooks", "Webhooks"),
    ("/api/notices", "Notices"),
    ("/api/", "About the server"),
    ("", "Health and numbers"),
)
REFUSED = 400
USUAL = (*described.EVERYWHERE, *described.SIGNED_IN)  # told once, above the tables


@lru_cache(maxsize=1)
def _parsed() -> Operation:
    found: Operation = json.loads(json.dumps(openapi.document()))
    return found


def document() -> str:
    """Return the OpenAPI document as the server serves it."""
    return json.dumps(_parsed(), indent=1)


def read() -> list[tuple[str, str, Operation]]:
    """Return method, path and description of each call."""
    paths = _parsed()["paths"]
    methods = ("get", "post", "put", "patch", "delete")
    return [(name.upper(), path, paths[path][name]) for path in paths for name in methods if name in paths[path]]


def _area(path: str) -> str:
    return next(title for start, title in AREAS if path.startswith(start))


def usual() -> Iterator[str]:
    """Say with what any call may be refused."""
    yield f"Any call may be refused with {', '.join(map(_status, sorted(USUAL)))}; the others stand beside each call."


def pages() -> Iterator[str]:
    """Give a table for each area, and below it what its calls take."""
    order = [title for _, title in AREAS]
    found = sorted(read(), key=lambda call: order.index(_area(call[1])))
    for area, members in groupby(found, key=lambda call: _area(call[1])):
        calls = list(members)
        yield from heading(area)
        yield from table(("call", "what it does", "answers", "refusals"), (_row(*call) for call in calls))
        taking = [call for call in calls if _parameters(call[2])]
        if taking:
            yield from heading(f"Parameters: {area}", 3)
        for call in taking:
            yield from _section(*call)


def _row(method: str, path: str, call: Operation) -> tuple[str, str, str, str]:
    statuses = [int(status) for status in call["responses"] if status.isdecimal()]
    answers = ", ".join(str(status) for status in statuses if status < REFUSED)
    refusals = ", ".join(_status(status) for status in statuses if status >= REFUSED and status not in USUAL)
    return code(f"{method} {path}"), call.get("summary", ""), answers, refusals


def _status(status: int) -> str:
    return f"[{status}](errors.md#status-{status})"


def _parameters(call: Operation) -> list[Operation]:
    """Return what a call takes in its address and headers, the places of the path left out: the path shows them."""
    known = _parsed()["components"].get("parameters", {})
    named = [known[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in call.get("parameters", ())]
    return [one for one in named if one["in"] != "path"]


def _section(method: str, path: str, call: Operation) -> Iterator[str]:
    yield from (f"{code(f'{method} {path}')}", "")
    rows = [(code(one["name"]), one["in"], _kind(one["schema"]), _said(one)) for one in _parameters(call)]
    yield from table(("name", "in", "kind", "what it is"), rows)


def _kind(shape: Operation) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    if "enum" in shape:
        return ", ".join(code(str(value)) for value in shape["enum"])
    kind = shape.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _said(parameter: Operation) -> str:
    shape = parameter["schema"]
    limits = [
        f"{word} {shape[name]:,}"
        for name, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "characters at most"))
        if name in shape
    ]
    default = [f"{code(str(shape['default']))} where it is not given"] if shape.get("default") is not None else []
    said = parameter.get("description") or shape.get("description") or ""
    return "; ".join(filter(None, [said, " ".join(limits), *default]))
