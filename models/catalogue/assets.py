"""Changing assets: folders and files, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from models.catalogue import asset_bytes
from models.catalogue.changes import ABSENT, ASSETS, NOTE, SHOWN, STAMP, Done, Work, note_parents
from models.catalogue.metadata import Entry, parse_metadata, with_entry, without_entry
from models.catalogue.rows import AssetNode, missing
from models.catalogue.words import asset_words
from models.errors import InvalidType, InvalidValue, ItemDeleted, NameTaken, NoParent, RootFixed, pointer_to

LONGEST = 250
NEW_FOLDER = "New folder"
INSERT = """
WITH made AS (
    INSERT INTO assets (gid, project_id, parent_id, name, is_file, type, body, words, created_on, updated_on)
    VALUES (
        %(gid)s, %(project)s, %(parent)s, %(name)s, %(is_file)s, %(type)s, %(body)s::jsonb, %(words)s::tsvector, %(now)s, %(now)s
    )
    RETURNING id, gid, updated_on
), noted AS (
    {note} SELECT id, gid, 'INSERT', updated_on, id, '{absent}' FROM made
) SELECT id FROM made
"""
TAKEN = "SELECT name FROM assets WHERE parent_id = %(parent)s AND status = 'published'"
BODY = "SELECT body FROM assets WHERE id = %(id)s"
WRITE = """
WITH before AS (SELECT id, name, type, version, body FROM assets WHERE id = %(id)s), written AS (
    UPDATE assets r SET name = %(name)s, type = %(type)s, version = r.version + %(newer)s, body = %(body)s::jsonb,
        words = %(words)s::tsvector, updated_on = {stamp} WHERE id = %(id)s RETURNING id, gid, updated_on
)
{note} SELECT w.id, w.gid, 'UPDATE', w.updated_on, w.id, to_jsonb(b) - 'id' FROM written w, before b
"""
BELOW = """
WITH RECURSIVE below (id, gid) AS (
    SELECT id, gid FROM assets WHERE parent_id = ANY(%(ids)s)
    UNION ALL SELECT r.id, r.gid FROM below b JOIN assets r ON r.parent_id = b.id
)
{shown} SELECT DISTINCT id, gid, 'UPDATE' FROM below
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file whose bytes are stored: the key of these, and what there is to know of them."""

    name: str
    info: Mapping[str, Any]


def check_name(name: object) -> str:
    """Return the name of an asset. Raises InvalidType, InvalidValue."""
    if not isinstance(name, str):
        raise InvalidType("`name` is a text.", pointer="/name")
    if not 1 <= len(name) <= LONGEST or not name.isprintable() or "/" in name or "\\" in name or name.strip(" .") == "":
        raise InvalidValue(f"A name has up to {LONGEST} printable characters and no slash.", pointer="/name")
    return name


def file_name(given: str | None) -> str:
    """Return the name of an uploaded file, whatever path its sender put before it."""
    return check_name((given or "").replace("\\", "/").rpartition("/")[2].strip())


def extension_of(name: str) -> str:
    """Return a name's extension in lower case, without the dot."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""


def free_name(name: str, taken: Collection[str]) -> str:
    """Return the name if it is free, else the first with a number before its extension that is."""
    extension = name[len(name) - len(extension_of(name)) :]
    stem = name[: len(name) - len(extension)].removesuffix(".")
    dot = f".{extension}" if extension else ""
    number, free = 2, name
    while free in taken:
        free, number = f"{stem} ({number}){dot}", number + 1
    return free


def folder(node: AssetNode | None) -> AssetNode:
    """Return a folder that something can be put into. Raises NotFound, ItemDeleted, NoParent."""
    if node is None:
        raise missing(ASSETS)
    if node.deleted:
        raise ItemDeleted("The folder is deleted.", pointer="/parent")
    if node.is_file:
        raise NoParent("A file holds nothing.", pointer="/parent")
    return node


def names_in(work: Work, parent_id: int) -> set[str]:
    """Return the names of what is in a folder."""
    return {row[0] for row in work.execute(TAKEN, {"parent": parent_id})}


def create(work: Work, parent: AssetNode, gid: str, name: str | None) -> Done:
    """Make a folder; without a name it gets the first free one."""
    taken = names_in(work, parent.id)
    if name is not None and check_name(name) in taken:
        raise NameTaken("Something in this folder has the name.", pointer="/name")
    return _insert(work, parent, gid, (name or free_name(NEW_FOLDER, taken), None))


def upload(work: Work, parent: AssetNode, gid: str, file: File) -> Done:
    """Put a file into a folder; a number is added to a name that is taken."""
    name = free_name(file.name, names_in(work, parent.id))
    return _insert(work, parent, gid, (name, file))


def _insert(work: Work, parent: AssetNode, gid: str, given: tuple[str, File | None]) -> Done:
    name, file = given
    body = {"info": dict(file.info)} if file else {}
    values = {
        "gid": gid, "parent": parent.id, "name": name, "is_file": file is not None, "body": _json(body),
        "type": extension_of(name) if file else None, "words": asset_words(work.project.id, name, body),
    }  # fmt: skip
    asset_id = work.execute(INSERT.format(note=NOTE, absent=ABSENT), values)[0][0]
    note_parents(work, ASSETS)
    return Done(gid, asset_id, made=gid)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def upload_update(work: Work, node: AssetNode, file: File) -> Done:
    """Put other bytes in the place of a file's; name and gid stay, and the version counts on."""
    if not node.is_file:
        raise NoParent("Only a file has bytes.", pointer="/asset")
    body = _body(work, node)
    old = (body.get("info") or {}).get("key")
    _write(work, node, (node.name, {**body, "info": dict(file.info)}), newer=1)
    asset_bytes.leave(work.session, [old] if old else [])
    return Done(node.gid, node.id)


def _body(work: Work, node: AssetNode) -> dict[str, Any]:
    return dict(work.execute(BODY, {"id": node.id})[0][0])


def _write(work: Work, node: AssetNode, said: tuple[str, Mapping[str, Any]], *, newer: int = 0) -> None:
    name, body = said
    values = {
        "id": node.id, "name": name, "type": extension_of(name) if node.is_file else None, "newer": newer, "body": _json(body),
        "words": asset_words(work.project.id, name, body),
    }  # fmt: skip
    work.execute(WRITE.format(note=NOTE, stamp=STAMP), values)
    if name != node.name:
        work.execute(BELOW.format(shown=SHOWN), {"ids": [node.id]})


def update(work: Work, node: AssetNode, given: Mapping[str, Any]) -> Done:
    """Change what is known of an asset, as far as it is given; localized parts merge. Not the root."""
    if node.parent_id is None:
        raise RootFixed("The root stays as it is.")
    body, name = _body(work, node), node.name
    for part in ("title", "description"):
        if given.get(part) is not None:
            body[part] = _texts(work, body.get(part) or {}, given[part], part)
    if given.get("metadata") is not None:
        body["metadata"] = parse_metadata(_object(given["metadata"], "metadata"), work.project.languages)
    if "transforms" in given:
        body["transforms"] = _transforms(given["transforms"])
    if given.get("name") is not None:
        name = check_name(given["name"])
        if name != node.name and name in names_in(work, node.parent_id):
            raise NameTaken("Something in this folder has the name.", pointer="/name")
    return _said(work, node, (name, body))


def _said(work: Work, node: AssetNode, said: tuple[str, dict[str, Any]]) -> Done:
    if said == (node.name, _body(work, node)):
        return Done(node.gid, node.id, noop=True)
    _write(work, node, said)
    return Done(node.gid, node.id)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidType(f"`{name}` is an object.", pointer=pointer_to(name))
    return value


def _texts(work: Work, before: Mapping[str, str], given: Any, name: str) -> dict[str, str]:
    merged = dict(before)
    for language, text in _object(given, name).items():
        if language not in work.project.languages:
            raise InvalidValue("This is no language of the project.", pointer=pointer_to(name, language))
        if not isinstance(text, str | None):
            raise InvalidType("This is a text.", pointer=pointer_to(name, language))
        merged[language] = text or ""
    return {language: text for language, text in merged.items() if text}


def _transforms(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    if not all(isinstance(one, dict) for one in _object(given, "transforms").values()):
        raise InvalidType("A transform is an object.", pointer="/transforms")
    return dict(given)


def set_metadata(work: Work, node: AssetNode, entry: Entry) -> Done:
    """Set one entry of an asset's metadata."""
    body = _body(work, node)
    return _said(
        work, node, (node.name, {**body, "metadata": with_entry(body.get("metadata") or {}, entry, work.project.languages)})
    )


def clear_metadata(work: Work, node: AssetNode, name: str) -> Done:
    """Remove one entry of an asset's metadata. Raises NotFound."""
    body = _body(work, node)
    return _said(work, node, (node.name, {**body, "metadata": without_entry(body.get("metadata") or {}, name)}))
