"""What an id names (contract section 3): text, number or object in a body, text in a URL.

Text is `[lab/]record[.version]`: the first dot starts the version and the last slash before it ends the lab. A record id may hold
any other character, and dots, slashes and percent signs too where they are written as `%2E`, `%2F` and `%25`: `dump_id` writes
them so, and every id it writes is read back as the same record. In an object the parts stand apart and are taken as they are.
"""

from __future__ import annotations

import re
from typing import Any
from unicodedata import normalize

from models.classifications.state import Target
from models.errors import AmbiguousId, InvalidId, Refused, pointer_to
from models.ids import parse_version

MAX_CHARACTERS = 1_000
MAX_BYTES = 2_600  # what a PostgreSQL index entry holds, with some room
MAX_RID = 2**63 - 1
ADDRESS = "/classification/api/classifications/v2/record/{}"  # of a record by its number
MEMBERS = frozenset(("lab_id", "lab_record_id", "rid", "record_id", "version"))

_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and halves of surrogate pairs
_ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")
_TO_ESCAPE = re.compile(r"[./]|%(?=[0-9A-Fa-f]{2})")
_LAB_TO_ESCAPE = re.compile(r"\.|%(?=[0-9A-Fa-f]{2})")


def parse_id(value: Any, pointer: str | None = "/id") -> Target:
    """Return what a body id names. A version is kept, for the decision to refuse. Raises InvalidId or AmbiguousId."""
    if type(value) is str:
        return _parse_text(value, pointer)
    if type(value) is int:
        return Target(rid=_rid(value, pointer))
    if isinstance(value, dict):
        return _parse_object(value, pointer)
    raise InvalidId("An id is a text, a whole number or an object.", pointer=pointer)


def parse_url_id(path: str) -> Target:
    """Return what the id part of a URL names, the URL's own escapes already undone: `org/lab/record` or `1453`, and a version."""
    return _parse_text(path, None)


def lane_key(value: Any) -> str | int | None:
    """Return what decides a body id's lane: `org/lab/record`, a rid, or None where it names no one record. Never raises.

    Two ids of one record give one key; that two records may share a key (`a/b` + `c/d`, `a/b/c` + `d`) costs only time.
    """
    try:
        target = parse_id(value)
    except Refused:
        return None
    if target.lab_record_id is None:
        return target.rid
    return f"{target.lab}/{target.lab_record_id}"


def dump_id(lab_group: str, lab_record_id: str) -> str:
    """Return the text form of an id."""
    return _LAB_TO_ESCAPE.sub(_escape, lab_group) + "/" + _TO_ESCAPE.sub(_escape, lab_record_id)


def _escape(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _parse_text(text: str, pointer: str | None) -> Target:
    name, dot, version_text = text.partition(".")
    version = _version(version_text, pointer) if dot else None
    lab, slash, record = name.rpartition("/")
    if slash:
        return Target(lab=_name(lab, pointer), lab_record_id=_name(record, pointer), version=version)
    if name.isascii() and name.isdigit() and len(name) <= 19:
        return Target(rid=_rid(int(name), pointer), version=version)
    raise InvalidId("An id is a number or org/lab/record; this is neither.", pointer=pointer)


def _parse_object(value: dict[str, Any], pointer: str | None) -> Target:
    given = {name: part for name, part in value.items() if part is not None}
    for name in given:
        if name not in MEMBERS:
            raise InvalidId(f"An id has no member {name[:100]!r}.", pointer=_below(pointer, name))
    version = _object_version(given["version"], pointer) if "version" in given else None
    if "rid" in given or "record_id" in given:
        return Target(rid=_object_rid(given, pointer), version=version)
    if "lab_id" not in given:
        raise InvalidId("An id needs a lab_id, or a rid alone.", pointer=pointer)
    record = _record_name(given["lab_record_id"], pointer) if "lab_record_id" in given else None
    return Target(lab=_lab_name(given["lab_id"], pointer), lab_record_id=record, version=version)


def _object_rid(given: dict[str, Any], pointer: str | None) -> int:
    if len(given.keys() & {"rid", "record_id", "lab_id", "lab_record_id"}) > 1:
        raise AmbiguousId("A rid stands alone: no lab_id, no lab_record_id, no second rid.", pointer=pointer)
    name = "rid" if "rid" in given else "record_id"
    value = given[name]
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if type(value) is not int:
        raise InvalidId("A rid is a whole number.", pointer=_below(pointer, name))
    return _rid(value, _below(pointer, name))


def _lab_name(value: Any, pointer: str | None) -> str:
    if type(value) is not str:
        raise InvalidId("A lab_id is a text.", pointer=_below(pointer, "lab_id"))
    return _fit(value, _below(pointer, "lab_id"))


def _record_name(value: Any, pointer: str | None) -> str:
    if type(value) is int and abs(value) < 10**MAX_CHARACTERS:
        value = str(value)
    if type(value) is not str:
        raise InvalidId(
            "A lab_record_id is a text or a whole number of a sensible size.", pointer=_below(pointer, "lab_record_id")
        )
    return _fit(value, _below(pointer, "lab_record_id"))


def _object_version(value: Any, pointer: str | None) -> int:
    if type(value) is float or (type(value) is int and 0 <= value <= MAX_RID):
        value = repr(value)
    return _version(value if type(value) is str else "", _below(pointer, "version"))


def _version(text: str, pointer: str | None) -> int:
    version = parse_version(text)
    if version is None:
        raise InvalidId(
            "What follows the first dot of an id is a version, UNIX seconds such as 1557189685.485863; a dot that belongs to "
            "the record id is written %2E, or the id as an object.",
            pointer=pointer,
        )
    return version


def _rid(value: int, pointer: str | None) -> int:
    if not 0 < value <= MAX_RID:
        raise InvalidId("No record has this number.", pointer=pointer)
    return value


def _name(text: str, pointer: str | None) -> str:
    if "%" not in text:
        return _fit(text, pointer)
    try:
        return _fit(_ESCAPES.sub(_unescape, text), pointer)
    except UnicodeDecodeError:
        raise InvalidId("The percent signs of this id spell no UTF-8 text.", pointer=pointer) from None


def _unescape(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode()


def _fit(text: str, pointer: str | None) -> str:
    """Return a part of an id in the form in which ids are compared (NFC)."""
    if not (text.isascii() and text.isprintable()):
        if _UNFIT.search(text):
            raise InvalidId("An id holds no control characters and no half surrogate pairs.", pointer=pointer)
        text = normalize("NFC", text)
    if not text:
        raise InvalidId("A part of this id is empty.", pointer=pointer)
    if len(text) > MAX_CHARACTERS or len(text.encode()) > MAX_BYTES:
        raise InvalidId(f"An id part has at most {MAX_CHARACTERS:,} characters and {MAX_BYTES:,} bytes.", pointer=pointer)
    return text


def _below(pointer: str | None, name: str) -> str | None:
    return None if pointer is None else pointer + pointer_to(name)
