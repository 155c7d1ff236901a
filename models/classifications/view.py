"""A record as the wire shows it (contract sections 14 to 16): nested for v2 and v3, flat at the top for v1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from models.classifications import checks, disclosure, references, sharing
from models.classifications.keys import key_set
from models.classifications.record_id import dump_id
from models.classifications.state import Actor, Cell, Decision, Evidence, Level, Message, Operation, Record, Status, Target
from models.ids import MICRO, iso, version_number

ORIGIN_BUCKETS = {None: "G", "germline": "G", "somatic": "S"}  # without an origin a record counts as germline (8.1)
TEXTS = {
    "patched": "Changed: {keys}.",
    "no_patch": "The evidence is what it was; nothing changed.",
    "immutable": "{key} is locked and was not changed.",
    "unrecognised_key": "Unknown evidence keys, left out: {keys}.",
    "unexpected_parameters": "Members that nobody reads: {keys}.",
    "shared": "Shared at level {level}.",
    "share_failure": "Not shared: the record has errors, see messages.",
    "test_mode": "Test only: nothing of this was stored.",
}
MAX_NAMED = 400  # keys named in one text
UNREAD = Operation(Target())  # stands for an operation that was refused when it was read


@dataclass(frozen=True, slots=True)
class PastVersion:
    """What a read of one named version tells of it, and of the record today: versions in microseconds."""

    level: int
    published: bool
    last_edited: int


@dataclass(frozen=True, slots=True)
class View:
    """Who reads, and how much is asked for. `data` is full, flat, changes or None; the last takes its cells from `changes`.

    `status` is for answers to a POST alone; the messages, `deleted` and `test` come from there too.
    """

    actor: Actor
    data: str | None = "full"
    changes: Mapping[str, Cell | None] = field(default_factory=dict)
    status: str | None = None
    messages: tuple[Message, ...] = ()
    deleted: bool = False
    test: bool = False
    config: bool = False
    version: PastVersion | None = None


class Posted(msgspec.Struct, frozen=True, gc=False):
    """What became of an operation: the record after it (with its rid) and before it, None where there is none.

    One that could not even be read is `UNREAD`.
    """

    operation: Operation
    decision: Decision
    record: Record | None
    before: Record | None


def dump_posted(posted: Posted, actor: Actor) -> dict[str, Any]:
    """Return what a POST answers about one operation that was not refused."""
    record = shown(posted)
    if record is None:
        gone: dict[str, Any] = {} if posted.operation.test else {"deleted": True}
        return gone | patch_messages(posted.decision.messages, Level.LAB)
    return dump_record(record, _view(posted, actor))


def shown(posted: Posted) -> Record | None:
    """Return the record to show: one that is gone as it was, and under `test` as if not published, deleted or withdrawn (14)."""
    before, decision = posted.before, posted.decision
    if decision.deleted or (posted.operation.test and decision.withdrew):
        return before
    record = posted.record
    if record is None or not posted.operation.test or decision.published is None:
        return record
    if before is None:
        return replace(record, share_level=Level.LAB, live_level=Level.LAB, published_version=None, published_on=None)
    live = before.live_level if record.version == before.version else int(Level.LAB)
    earlier = (before.share_level, before.published_version, before.published_on)
    return replace(record, share_level=earlier[0], published_version=earlier[1], published_on=earlier[2], live_level=live)


def _view(posted: Posted, actor: Actor) -> View:
    operation, decision = posted.operation, posted.decision
    return View(
        actor=actor,
        data=operation.return_data or ("full" if operation.test else None),
        changes=decision.revision.after if decision.revision else {},
        status=status_word(posted),
        messages=decision.messages,
        deleted=decision.deleted and not operation.test,
        test=operation.test,
        config=operation.config,
    )


def status_word(posted: Posted) -> str:
    """Return in one word what an operation that was not refused did."""
    decision, before = posted.decision, posted.before
    if decision.deleted:
        return "deleted"
    if decision.withdrew:
        return "withdrawn"
    if decision.status is Status.NOOP:
        return "unchanged"
    if before is None:
        return "created"
    return "unwithdrawn" if before.withdrawn else "updated"


def dump_record(record: Record, view: View) -> dict[str, Any]:
    """Return a record in the nested layout (v2). Cells beyond the reader's ceiling are hidden (12.1)."""
    cells = _readable(record.evidence, record, view)
    answer: dict[str, Any] = {
        "id": dump_id(record.lab.group_name, record.lab_record_id),
        "meta": _meta(record, view),
        "publish": sharing.level_name(record.share_level),
        **_version_facts(record, view),
        "withdrawn": record.withdrawn,
        "cr_lab_id": record.lab_record_id,
        "org_name": record.lab.organisation_name,
        "allele_origin_bucket": origin_bucket(_value(cells, "allele_origin")),
        "resolved_condition": None,
        "condition_text_match": None,
        "allele": {"resolved": {"status": "P", "include": False, "full": _value(cells, "c_hgvs")}, "genome_builds": {}},
        "messages": _checks(record, cells),
    }
    answer.update(_posted_members(record, view))
    if view.data is not None:
        answer["data"] = _data(cells, record, view)
    return answer


def layout_v1(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat layout of a v2 object: `meta` spread out, the integer id, `publish_level`. Others pass unchanged."""
    if "meta" not in answer:
        return dict(answer)
    rest = {name: value for name, value in answer.items() if name not in ("meta", "publish", "id")}
    return {**answer["meta"], "publish_level": answer["publish"], **rest}


def _meta(record: Record, view: View) -> dict[str, Any]:
    writer = view.actor.writes(record.lab)
    stored = record.id is not None
    last_edited = view.version.last_edited if view.version else record.version
    meta: dict[str, Any] = {
        "id": record.id,
        "lab_record_id": record.lab_record_id,
        "lab_id": record.lab.group_name,
        "lab_name": record.lab.name,
        "institution_name": record.lab.organisation_name,
        "title": _title(record, view),
        "version": version_number(record.version),
        "published_version": _version(record.published_version),
        "published_on": iso(record.published_on),
        "has_changes": writer and last_edited != record.published_version,
        "can_write": writer and stored and view.version is None,
        "can_write_latest": writer and stored,
        "clinical_context": None,
        "flag_collection": None,
    }
    if writer:
        meta["last_edited"] = version_number(last_edited)
        meta["created_on"] = iso(record.created_on)
        meta["updated_on"] = iso(record.updated_on)
    return meta


def _title(record: Record, view: View) -> str:
    title = f"{record.lab.group_name}/{record.lab_record_id}"
    return f"{title}.{record.version // MICRO}.{record.version % MICRO:06d}" if view.version else title


def _version(version: int | None) -> float | None:
    return None if version is None else version_number(version)


def _version_facts(record: Record, view: View) -> dict[str, Any]:
    past = view.version
    return {
        "version_publish_level": sharing.level_name(past.level if past else record.live_level),
        "version_is_published": past.published if past else None,
        "is_last_published": record.version == record.published_version,
    }


def _posted_members(record: Record, view: View) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if view.deleted:
        members["deleted"] = True
    if view.status is not None:
        members["status"] = view.status
        members["changed_keys"] = list(view.changes)
    if view.config:
        members["config"] = {}
    return members | patch_messages(view.messages, record.share_level)


def patch_messages(messages: tuple[Message, ...], level: int) -> dict[str, Any]:
    """Return the member with the patch messages (8.2), nothing where there are none. `level` is the record's share level."""
    name = sharing.level_name(level)
    return {"patch_messages": [_text(message, name) for message in messages]} if messages else {}


def _text(message: Message, level: str) -> dict[str, Any]:
    keys = sorted(message.keys)
    named = ", ".join(key[:100] for key in keys[:MAX_NAMED])
    shown = named + ", ..." if len(keys) > MAX_NAMED else named
    text = TEXTS[message.code].format(key=message.key, keys=shown, level=level)
    dumped = {"code": message.code, "message": text}
    return dumped if message.key is None else {**dumped, "key": message.key}


def origin_bucket(value: object) -> str:
    """Return G, S or U (neither is known) for the value of `allele_origin`."""
    return ORIGIN_BUCKETS.get(value, "U") if value is None or isinstance(value, str) else "U"


def _value(cells: Mapping[str, Cell], key: str) -> Any:
    return cells.get(key, {}).get("value")


def _readable(cells: Evidence, record: Record, view: View) -> Evidence:
    level = sharing.ceiling(record, view.actor)
    return cells if level == Level.USER else disclosure.restrict(cells, level, key_set())


def _checks(record: Record, cells: Evidence) -> list[dict[str, Any]]:
    """Return the record's messages; none about a cell that the reader does not see, whose text might give it away."""
    found = checks.messages(record.evidence)
    if cells is record.evidence:
        return found
    return [message for message in found if not cells.get(message["key"], {}).get("hidden")]


def _data(cells: Evidence, record: Record, view: View) -> dict[str, Any]:
    if view.data != "changes":
        referenced = _with_references(cells)
        return disclosure.flatten(referenced) if view.data == "flat" else referenced
    changed = {key: cell for key, cell in view.changes.items() if cell is not None}
    seen = _with_references(_readable(changed, record, view))
    return {key: seen.get(key) for key in view.changes}


def _with_references(cells: Evidence) -> Evidence:
    """Return the cells, each with the identifiers that its texts name; those are found when read, never stored."""
    return {name: _with_reference(name, cell) for name, cell in cells.items()}


def _with_reference(name: str, cell: Cell) -> Cell:
    key = key_set().get(name)
    found = references.cell_references(cell, key.value_type if key else "F")
    return {**cell, "db_refs": found} if found else cell
