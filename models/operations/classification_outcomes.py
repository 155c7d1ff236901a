"""Outcomes of classification operations: narrow rows when written, the answer a single call would have given when read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from models import ids
from models.classifications import history, view
from models.classifications.loading import find_labs
from models.classifications.record_id import dump_id, parse_id
from models.classifications.state import Actor, Cell, Lab, Message, Operation, Record, Status
from models.db import Session
from models.jobs.frozen import Drift
from models.jobs.ledger import Chunk, Outcome
from models.jobs.reads import error_of
from models.jobs.values import Result


class Info(msgspec.Struct, omit_defaults=True, rename={"published_version": "pv", "published_on": "po"}):
    """What an answer needs beside the record at its version. `evidence` is there for tests alone, of which nothing is stored."""

    status: str
    share: int = 1
    live: int = 1
    withdrawn: bool = False
    published_version: int | None = None
    published_on: float | None = None
    data: str | None = None
    messages: list[list[Any]] = []
    revised: bool = False
    deleted: bool = False
    test: bool = False
    config: bool = False
    evidence: dict[str, Any] | None = None
    changes: dict[str, Any] | None = None
    version: int | None = None  # of the record that a test would have made
    owner: int = 0


class Named(msgspec.Struct):
    """An item of which no more than its id matters."""

    id: str | int | None = None


class Place(NamedTuple):
    """Where an item stood in what was sent."""

    at: int
    line: int | None
    ref: str | None


NOTHING = "nothing"  # as `return_data` of our own: no evidence, not even that which a test always shows
DRIFTED = {
    "changed": "The record was changed between the plan and its turn.",
    "gone": "The record was not there any more when its turn came.",
    "unmatched": "The record did not match the selection any more when its turn came.",
}
MOST_SHOWN = 200  # characters of an id that names nothing
IDS: msgspec.json.Decoder[Named | str | int] = msgspec.json.Decoder(Named | str | int)
ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder(Info)


def rows(chunk: Chunk, done: Sequence[view.Posted]) -> list[Outcome]:
    """Return a chunk's outcome rows."""
    each = zip(done, chunk.items, chunk.indexes, chunk.lines, chunk.refs, strict=True)
    return [_row(item, raw, Place(index, line, ref)) for item, raw, index, line, ref in each]


def drifted(chunk: Chunk, place: int, drift: Drift) -> Outcome:
    """Return the outcome of a member that is left alone since it is not what was frozen."""
    detail = DRIFTED[drift.change]
    rid = int(chunk.items[place])
    return Outcome(chunk.indexes[place], Status.SKIPPED, rid, str(rid), code="drifted", detail=detail)


def _row(done: view.Posted, raw: bytes, place: Place) -> Outcome:
    decision, record = done.decision, done.record
    seen = record or done.before
    target = dump_id(*seen.key) if seen else _target(done.operation, raw)
    rid = seen.id if seen else None
    if decision.status in (Status.FAILED, Status.SKIPPED):
        why = (decision.code, decision.pointer, decision.detail)
        return Outcome(place.at, decision.status, rid, target, *why, line=place.line, ref=place.ref)
    stored = record is not None and record.id is not None
    return Outcome(
        place.at, decision.status, rid, target, version=record.version if record and stored else None,
        info=ENCODER.encode(_info(done)), line=place.line, ref=place.ref,
    )  # fmt: skip


def _target(operation: Operation, raw: bytes) -> str | None:
    """Return what an item named, as far as it can be told; a member of a selection is its id."""
    if operation is view.UNREAD:
        return _sent_id(raw)
    target = operation.target
    return str(target.rid) if target.rid is not None else "/".join(filter(None, (target.lab, target.lab_record_id)))


def _sent_id(raw: bytes) -> str | None:
    try:
        sent = IDS.decode(raw)
    except (msgspec.DecodeError, RecursionError):  # no id in a form that can be shown; the outcome's pointer says more
        return None
    name = sent.id if isinstance(sent, Named) else sent
    return None if name is None or "\0" in str(name) else str(name)[:MOST_SHOWN]


def _info(done: view.Posted) -> Info:
    decision, operation = done.decision, done.operation
    info = Info(status=view.status_word(done), deleted=decision.deleted)
    info.messages = [_message(message) for message in decision.messages]
    info.revised = decision.revision is not None
    shown = view.shown(done)
    if shown:
        info.share, info.live, info.withdrawn = shown.share_level, shown.live_level, shown.withdrawn
        info.published_version = shown.published_version
        info.published_on = shown.published_on.timestamp() if shown.published_on else None
    info.data, info.test, info.config = operation.return_data, operation.test, operation.config
    if info.data == NOTHING:
        info.data = None
    elif info.test and shown:
        info.data = info.data or "full"
        info.evidence = shown.evidence
        info.changes = dict(decision.revision.after) if decision.revision else {}
        if shown.id is None:
            info.version, info.owner = shown.version, shown.owner_id
    return info


def _message(message: Message) -> list[Any]:
    """Return a message without what its version tells anyway: the changed keys."""
    keys = () if message.code == "patched" else message.keys
    return [message.code, message.key, keys] if message.key or keys else [message.code]


def results(session: Session, actor: Actor, found: Sequence[Outcome]) -> list[Result]:
    """Return outcome rows as answers, each as a single call would have given it, to the extent the reader may see it now."""
    named = {(row.record_id, row.version) for row in found if row.record_id is not None and row.version is not None}
    past = history.moments(session, named)
    infos = {row.index: DECODER.decode(row.info) for row in found if row.info is not None}
    tried = _tried(session, [(row, infos[row.index]) for row in found if row.index in infos])
    moments = {row.index: tried.get(row.index) or past.get((row.record_id or 0, row.version or 0)) for row in found}
    return [_result(row, infos.get(row.index), moments[row.index], actor) for row in found]


def _tried(session: Session, read: Iterable[tuple[Outcome, Info]]) -> dict[int, history.Moment]:
    """Return, by the index of its item, each record that a test would have made."""
    named = {row.index: (parse_id(row.target), info) for row, info in read if info.version is not None}
    groups = {target.lab for target, _ in named.values() if target.lab}
    labs = {lab.group_name: lab for lab in find_labs(session, groups)} if groups else {}
    return {
        index: history.Moment(_made(labs[target.lab], str(target.lab_record_id), info), {})
        for index, (target, info) in named.items()
        if target.lab in labs
    }


def _made(lab: Lab, name: str, info: Info) -> Record:
    version = info.version or 0
    moment = ids.moment(version)
    return Record(None, lab, name, info.owner, version, info.evidence or {}, created_on=moment, updated_on=moment)


def _result(row: Outcome, info: Info | None, moment: history.Moment | None, actor: Actor) -> Result:
    if info is None:
        return Result(row.index, row.status, row.target, error=error_of(row), line=row.line, ref=row.ref)
    answer = _answer(row, info, moment, actor)
    return Result(row.index, row.status, row.target, result=answer, line=row.line, ref=row.ref)


def _answer(row: Outcome, info: Info, moment: history.Moment | None, actor: Actor) -> dict[str, Any]:
    if moment is None or not actor.writes(moment.record.lab):
        gone: dict[str, Any] = {"id": row.target, "status": info.status}
        return gone | ({"deleted": True} if info.deleted else {}) | _texts(info)
    changes: Mapping[str, Cell | None] = moment.changes if info.revised and not info.test else info.changes or {}
    shown = view.View(
        actor=actor, data=info.data, changes=changes, status=info.status, messages=tuple(_messages(info, changes)),
        deleted=info.deleted, test=info.test, config=info.config,
    )  # fmt: skip
    return view.dump_record(_record(moment.record, info), shown)


def _texts(info: Info) -> dict[str, Any]:
    return view.patch_messages(tuple(_messages(info, {})), info.share)


def _record(record: Record, info: Info) -> Record:
    past = replace(
        record,
        share_level=info.share,
        live_level=info.live,
        withdrawn=info.withdrawn,
        published_version=info.published_version,
        published_on=None if info.published_on is None else ids.moment(round(info.published_on * ids.MICRO)),
    )
    return past if info.evidence is None else replace(past, evidence=info.evidence)


def _messages(info: Info, changes: Iterable[str]) -> Iterable[Message]:
    for code, *rest in info.messages:
        key, keys = (rest[0], tuple(rest[1])) if rest else (None, ())
        yield Message(code, key, tuple(changes) if code == "patched" else keys)
