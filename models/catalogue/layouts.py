"""Layouts: a tree of components that says how the fields of a definition or class are shown. Pure.

`components` maps a component's gid to {"type", "content"}; a content is a list of gids, of components, fields or classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from models import ids
from models.catalogue.gids import read_gid
from models.errors import InvalidValue, pointer_to

VERTICAL = "vertical"
LONGEST_TYPE = 100
Body = Mapping[str, Any]


def new_layout(content: Iterable[str]) -> dict[str, Any]:
    """Return a layout that shows everything below each other."""
    root = str(ids.new_token())
    return {"root": root, "components": {root: {"type": VERTICAL, "content": list(content)}}}


def with_shown(layout: Body, gid: str) -> dict[str, Any]:
    """Return the layout with one more thing, last in its root, if it does not show it yet."""
    root = layout.get("root")
    components = layout.get("components") or {}
    if root not in components or any(gid in part.get("content", ()) for part in components.values()):
        return dict(layout)
    shown = {**components[root], "content": [*components[root].get("content", ()), gid]}
    return {**layout, "components": {**components, root: shown}}


def without_shown(layout: Body, gids: Collection[str]) -> dict[str, Any]:
    """Return the layout without some things."""
    components = {
        key: {**part, "content": [shown for shown in part.get("content", ()) if shown not in gids]}
        for key, part in (layout.get("components") or {}).items()
    }
    return {**layout, "components": components}


def parse_layout(root: str | None, components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a layout. Raises InvalidValue for a component that is none, a root that is none, or a circle."""
    for key, part in components.items():
        _check_component(key, part)
    if root is not None and root not in components:
        raise InvalidValue("The root is none of the components.", pointer="/root")
    _check_tree(components)
    return {"root": root, "components": dict(components)}


def _check_component(key: str, part: Any) -> None:
    place = pointer_to("components", key)
    content = part.get("content", []) if isinstance(part, dict) else None
    if read_gid(key) != key or not isinstance(content, list) or not all(read_gid(gid) for gid in content):
        raise InvalidValue('A component is {"type": text, "content": [gids]} under a gid.', pointer=place)
    kind = part.get("type")
    if not isinstance(kind, str) or not 1 <= len(kind) <= LONGEST_TYPE:
        raise InvalidValue("A component has a type.", pointer=f"{place}/type")


def _check_tree(components: Mapping[str, Any]) -> None:
    """Refuse components that hold themselves, at any depth."""
    left = {key: {gid for gid in part.get("content", ()) if gid in components} for key, part in components.items()}
    while left:
        done = {key for key, inside in left.items() if not inside}
        if not done:
            raise InvalidValue("The components hold each other in a circle.", pointer="/components")
        left = {key: inside - done for key, inside in left.items() if key not in done}
