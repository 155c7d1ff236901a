"""How a chunk of a project's items is applied: rights looked at again, the project locked, decided and written at once.

The feed is told of everything that changed, and images of how it was are kept, so that the job can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import msgspec
from marshmallow import fields

from models import ids
from models.catalogue import changes
from models.catalogue.changes import ASSETS, RECORDS, Done, Work
from models.catalogue.placing import Target, get_target
from models.catalogue.project import Project
from models.catalogue.projects import lock_project, project_by_id
from models.catalogue.rows import Member, gids_of
from models.catalogue.schema import load_schema
from models.db import Session, driver
from models.errors import ItemDeleted, NotDeleted, Refused
from models.identity.people import Actor
from models.identity.principal import Principal
from models.identity.service import principal_of
from models.jobs.frozen import Drift
from models.jobs.ledger import Chunk, Outcome
from models.jobs.reads import as_result
from models.jobs.values import Result
from models.operations import catalogue_images as images
from models.operations.catalogue_drift import find_drifted
from models.operations.portions import Portion, Weigh, take
from models.operations.verb import SelectionParams

Decide: TypeAlias = Callable[[Work, Chunk, Sequence[Member]], list[Done]]
DATA_TYPES = {RECORDS: "records", ASSETS: "assets"}
NOUNS = {RECORDS: "record", ASSETS: "asset"}
LONG = "SET LOCAL statement_timeout = '10min'"  # one item may have half a million below it
DRIFTED = {
    "changed": "It was changed between the plan and its turn.",
    "gone": "It was not there any more when its turn came.",
    "unmatched": "It did not match the selection any more when its turn came.",
}


class TargetParams(SelectionParams):
    """Where items are to hang: below `parent`, before `before_record` by `ordering`, or last."""

    parent = fields.String(required=True)
    before_record = fields.String(allow_none=True)
    ordering = fields.String(allow_none=True)


@dataclass(frozen=True, slots=True)
class Item:
    """A member of a chunk's selection with its place."""

    index: int
    member: Member
    line: int | None = None
    ref: str | None = None


def run_over(table: str, decide: Decide, weigh: Weigh | None = None) -> Callable[[Session, Chunk], list[Outcome]]:
    """Return a runner of an operation over records or assets; `weigh` tells how much hangs on its members, if more than they."""

    def run(session: Session, chunk: Chunk) -> list[Outcome]:
        members = [msgspec.json.decode(raw) for raw in chunk.items]
        return run_members(session, chunk, table, (members, decide, weigh))

    return run


def run_members(
    session: Session, chunk: Chunk, table: str, asked: tuple[Sequence[Member], Decide, Weigh | None]
) -> list[Outcome]:
    """Apply an operation to a chunk's members, or to the first of them; where it cannot be applied at all, each of them fails."""
    members, decide, weigh = asked
    items = [Item(*each) for each in zip(chunk.indexes, members, chunk.lines, chunk.refs, strict=True)]
    try:
        work = open_work(session, principal_of(session, chunk.submitter_id), chunk)
        portion = take(work, chunk, table, (members, weigh))
        drifted = find_drifted(work, portion.chunk, DATA_TYPES[table], portion.members)
        done = iter(carry_out(work, portion.chunk, table, lambda: _decide(work, portion, drifted, decide)))
    except Refused as refused:
        names = gids_of(session, table, members)
        return [outcome(item, Done(names.get(item.member, str(item.member)), None, refused), table) for item in items]
    names = gids_of(session, table, drifted)
    return [
        skipped(item, drifted[item.member], names) if item.member in drifted else outcome(item, next(done), table)
        for item in items[: len(portion.members)]
    ]


def _decide(work: Work, portion: Portion, drifted: Collection[Member], decide: Decide) -> list[Done]:
    """Decide on the members of a portion that have not drifted; those that are too heavy are refused."""
    staying = [member for member in portion.members if member not in drifted]
    able = [member for member in staying if member not in portion.heavy]
    done = iter(decide(work, portion.chunk, able) if able else ())
    names = gids_of(work.session, portion.table, portion.heavy)
    return [
        Done(names.get(member, str(member)), _item_id(member), portion.heavy[member]) if member in portion.heavy else next(done)
        for member in staying
    ]


def _item_id(member: Member) -> int | None:
    return member if isinstance(member, int) else None


def open_work(session: Session, principal: Principal, chunk: Chunk) -> Work:
    """Return what a chunk works in, with the project locked. Raises Forbidden where the submitter may not write any more."""
    driver(session).execute(LONG)
    project = project_by_id(session, principal, chunk.project_id or 0)
    project.check_writable()
    project = lock_project(session, project)
    return Work.on(session, project, load_schema(session, project))


def carry_out(work: Work, chunk: Chunk, table: str, decide: Callable[[], list[Done]]) -> list[Done]:
    """Decide and write; keep images and tell the feed."""
    changes.begin(work.session)
    done = decide()
    known = images.already_touched(work.session, chunk.claim.job_id, _again(done))
    images.keep(work.session, chunk)
    changes.publish(work, DATA_TYPES[table])
    return [_along(one, known) for one in done]


def _again(done: Sequence[Done]) -> list[int]:
    return [one.item_id for one in done if one.item_id is not None and isinstance(one.refused, ItemDeleted | NotDeleted)]


def _along(done: Done, known: set[int]) -> Done:
    """Say that nothing was left to do for an item that an earlier chunk of the same job took along."""
    taken = isinstance(done.refused, ItemDeleted | NotDeleted) and done.item_id in known
    return replace(done, refused=None, noop=True) if taken else done


def skipped(item: Item, drift: Drift, names: Mapping[Member, str]) -> Outcome:
    """Return the outcome of a member that is left alone since it is not what was frozen."""
    detail = DRIFTED[drift.change]
    name = names.get(item.member, str(item.member))
    return Outcome(item.index, "skipped", drift.rid, name, code="drifted", detail=detail, line=item.line, ref=item.ref)


def outcome(item: Item, done: Done, table: str) -> Outcome:
    """Return the row of the ledger for an item."""
    info = {NOUNS[table]: done.made or done.gid} | ({"original": done.gid} if done.made not in (None, done.gid) else {})
    info |= done.facts
    if done.refused is None:
        return Outcome(
            item.index, done.status, done.item_id, done.gid, info=msgspec.json.encode(info), line=item.line, ref=item.ref
        )
    refused: Refused = done.refused
    return Outcome(
        item.index, done.status, done.item_id, done.gid, refused.code, refused.pointer, refused.detail, line=item.line,
        ref=item.ref, info=msgspec.json.encode(done.facts) if done.facts else None,
    )  # fmt: skip


def results(_session: Session, _actor: Actor, found: Sequence[Outcome]) -> list[Result]:
    """Return outcomes as answers: what was made or changed by its gid, or why not."""
    return [_result(row) for row in found]


def _result(row: Outcome) -> Result:
    made = as_result(row)
    return replace(made, result=None, error={**made.error, **(made.result or {})}) if made.error else made


def new_gids(chunk: Chunk, members: Sequence[Member]) -> list[str]:
    """Return the gids of what is made of these members: the same at every attempt."""
    places = {msgspec.json.decode(raw): index for raw, index in zip(chunk.items, chunk.indexes, strict=True)}
    return [ids.derived_id(chunk.token, places[member]) for member in members]


Placing: TypeAlias = Callable[[Work, Chunk, Sequence[Member], Target], list[Done]]


def target_of(work: Work, params: Mapping[str, Any]) -> Target:
    """Return where a job's params say that members are to hang. Raises what is wrong with it."""
    return get_target(work, params["parent"], params.get("ordering"), params.get("before_record"))


def to_target(place: Placing) -> Decide:
    """Return what hangs members below the parent of a job's params."""

    def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
        return place(work, chunk, members, target_of(work, chunk.params))

    return decide


def checked(look: Callable[[Work, Mapping[str, Any]], object]) -> Callable[[Session, Project, Mapping[str, Any]], None]:
    """Return what looks at a job's params before it is stored, as its chunks will."""

    def check(session: Session, project: Project, params: Mapping[str, Any]) -> None:
        look(Work.on(session, project, load_schema(session, project)), params)

    return check
