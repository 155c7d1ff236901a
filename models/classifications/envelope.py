"""Reading one operation (contract section 4): a JSON object becomes an Operation, or is refused with a pointer to the place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from models.classifications.record_id import parse_id
from models.classifications.sharing import parse_level
from models.classifications.state import Operation, Source, Target
from models.errors import (
    AmbiguousId,
    AmbiguousOperation,
    InvalidId,
    InvalidOperation,
    InvalidRecord,
    InvalidSource,
    InvalidText,
    InvalidType,
    InvalidValue,
    pointer_to,
)
from models.ids import parse_version

VERBS = {name: name for name in ("create", "patch", "patch-empty", "upsert", "overwrite")} | {"data": "upsert"}
DELETE_REASONS = frozenset(("SHARED_BY_MISTAKE", "DUPLICATE", "SENSITIVE_DATA", "OTHER"))
RETURN_DATA = {"flat": "flat", "changes": "changes"}
SOURCES = {source.value: source for source in Source}
MAX_REF = 200
MAX_NAMED = 20  # unexpected members named in one message
KNOWN = frozenset(VERBS) | frozenset(
    (
        "id",
        "publish",
        "share",
        "delete",
        "delete_reason",
        "test",
        "editable",
        "return_data",
        "source",
        "config",
        "if_version",
        "ref",
        "group",
    )
)

_UNFIT = re.compile("[\x00\ud800-\udfff]")


def parse_operation(item: Any, url_target: Target | None = None) -> Operation:
    """Return one operation of a body. Null members count as absent; members nobody reads are collected in `unexpected`."""
    if not isinstance(item, dict):
        raise InvalidRecord("An operation is a JSON object.", pointer="")
    given = {name: value for name, value in item.items() if value is not None}
    target = _target(given, url_target)
    member = _member(given)
    if "group" in given:
        _word(given, "group")  # who shares it is looked at when the body is taken in
    return Operation(
        target=target,
        verb=VERBS[member] if member else None,
        member=member,
        evidence=_evidence(given, member),
        publish=_publish(given),
        delete=_delete(given),
        delete_reason=_delete_reason(given),
        test=bool(given.get("test")),
        editable=bool(given.get("editable")),
        return_data=_return_data(given),
        source=_source(given),
        if_version=_if_version(given),
        config=bool(given.get("config")),
        ref=_word(given, "ref"),
        unexpected=_unexpected(given, member),
    )


def _target(given: Mapping[str, Any], url_target: Target | None) -> Target:
    if url_target is not None:
        if "id" in given:
            raise AmbiguousId("The id is in the URL already; the body must not carry one too.", pointer="/id")
        return url_target
    if "id" not in given:
        raise InvalidId(f"No id, in the URL or in the body. Supplied: {_listed(list(given)) or 'nothing'}.", pointer="/id")
    return parse_id(given["id"])


def _member(given: Mapping[str, Any]) -> str | None:
    found = [name for name in given if name in VERBS]
    if len(found) > 1:
        raise AmbiguousOperation(f"At most one of {', '.join(VERBS)}; here: {', '.join(found)}.", pointer=pointer_to(found[1]))
    return found[0] if found else None


def _evidence(given: Mapping[str, Any], member: str | None) -> Mapping[str, Any]:
    evidence = given[member] if member else {}
    if not isinstance(evidence, dict):
        raise InvalidOperation("Evidence is a JSON object, from evidence key to value.", pointer=pointer_to(str(member)))
    return evidence


def _publish(given: Mapping[str, Any]) -> int | None:
    """`share` is looked at only where `publish` says nothing: it is absent, or `user`."""
    for name in ("publish", "share"):
        level = parse_level(given[name], pointer_to(name)) if name in given else None
        if level is not None:
            return level
    return None


def _delete(given: Mapping[str, Any]) -> bool | str | None:
    value = given.get("delete")
    if value is None or isinstance(value, bool) or value == "withdraw":
        return value
    raise InvalidValue('`delete` is true, false or "withdraw".', pointer="/delete")


def _delete_reason(given: Mapping[str, Any]) -> str | None:
    value = given.get("delete_reason")
    if value is None or (isinstance(value, str) and value in DELETE_REASONS):
        return value
    raise InvalidValue(f"`delete_reason` is one of {', '.join(sorted(DELETE_REASONS))}.", pointer="/delete_reason")


def _return_data(given: Mapping[str, Any]) -> str | None:
    value = given.get("return_data")
    if value is None or value is False:
        return None
    if value is True:
        return "full"
    if isinstance(value, str) and value in RETURN_DATA:
        return RETURN_DATA[value]
    raise InvalidValue('`return_data` is true, false, "flat" or "changes".', pointer="/return_data")


def _source(given: Mapping[str, Any]) -> Source:
    value = given.get("source")
    if value is None:
        return Source.API
    if isinstance(value, str) and value in SOURCES:
        return SOURCES[value]
    raise InvalidSource(f"`source` is one of {', '.join(SOURCES)}.", pointer="/source")


def _if_version(given: Mapping[str, Any]) -> int | None:
    value = given.get("if_version")
    if value is None:
        return None
    numeric = type(value) is float or (type(value) is int and 0 <= value < 10**11)
    text = repr(value) if numeric else value
    version = parse_version(text) if isinstance(text, str) else None
    if version is None:
        raise InvalidValue("`if_version` is a version, UNIX seconds such as 1557189685.485863.", pointer="/if_version")
    return version


def _word(given: Mapping[str, Any], name: str) -> str | None:
    """Return a name that the client gave: of the item, or of the group that it stands and falls with."""
    value = given.get(name)
    if value is None:
        return None
    if type(value) is int and abs(value) < 10**MAX_REF:
        value = str(value)
    if not isinstance(value, str):
        raise InvalidType(f"`{name}` is a text or a whole number.", pointer=pointer_to(name))
    if len(value) > MAX_REF:
        raise InvalidValue(f"`{name}` has at most {MAX_REF} characters.", pointer=pointer_to(name))
    if _UNFIT.search(value):
        raise InvalidText(f"`{name}` holds NUL or half a surrogate pair.", pointer=pointer_to(name))
    return value


def _unexpected(given: Mapping[str, Any], member: str | None) -> tuple[str, ...]:
    unknown = [name for name in given if name not in KNOWN]
    if "editable" in given and member is None:
        unknown.append("editable")
    return tuple(unknown)


def _listed(names: list[str]) -> str:
    return ", ".join(name[:100] for name in names[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")
