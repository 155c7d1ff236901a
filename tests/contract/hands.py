"""What every test of the contract does: send one operation, look at what is stored, read codes off an answer."""

from __future__ import annotations

from typing import Any

from tests.web.conftest import GOOD, Caller

V1, V2 = ("/classification/api/classifications/" + version for version in ("v1/", "v2/"))
A = "north/one/A"


def send(caller: Caller, operation: dict[str, Any], name: str = A) -> Any:
    """Carry out one operation on a record, which must not be refused; return the answer."""
    answer = caller.post(V2 + "record/", {"id": name, **operation})
    assert answer.status_code == 200, answer.text
    return answer.json


def refused(caller: Caller, operation: dict[str, Any], name: str | None = A) -> tuple[int, str]:
    """Send one operation, which must be refused with a text; return status and code."""
    answer = caller.post(V2 + "record/", operation if name is None else {"id": name, **operation})
    assert answer.status_code >= 400, answer.text
    assert answer.json["internal_error"]
    return answer.status_code, answer.json["code"]


def make(caller: Caller, evidence: dict[str, Any] | None = None, name: str = A, **more: Any) -> Any:
    """Make a record that can be shared, with more evidence."""
    return send(caller, {"create": GOOD | (evidence or {}), **more}, name)


def read(caller: Caller, name: str = A, query: str = "") -> Any:
    """Read a record."""
    answer = caller.get(V2 + f"record/{name}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def cell(caller: Caller, key: str, name: str = A) -> Any:
    """Return one stored cell without what reading adds, None where there is none."""
    found = read(caller, name)["data"].get(key)
    return found and {member: value for member, value in found.items() if member != "db_refs"}


def kept(caller: Caller, key: str, value: Any) -> Any:
    """Send a value and return what is stored as (value, codes of its validation)."""
    send(caller, {"upsert": {key: value}})
    found = cell(caller, key) or {}
    return found.get("value"), [entry["code"] for entry in found.get("validation", ())]


def codes(answer: Any) -> list[str]:
    """Return the codes of an answer's patch messages."""
    return [message["code"] for message in answer.get("patch_messages", ())]


def wrongs(answer: Any) -> set[tuple[str, str, str]]:
    """Return an answer's messages as (key, code, severity)."""
    return {(message["key"], message["code"], message["severity"]) for message in answer["messages"]}
