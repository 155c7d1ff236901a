"""An export as a job: each item is a part, a file of some thousand rows, whose members were listed when the job was stored.

A part that fails is one failed item; all others are there to be fetched, and the job can be retried for what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
import structlog

from models import exports, ids
from models.classifications.state import Status
from models.db import DATABASE_ERRORS, Session, driver
from models.errors import Refused
from models.exports import frozen, stream
from models.exports import service as rooms
from models.exports.ask import Ask, Shape, dump_ask, parse_ask
from models.exports.columns import all_columns, used_columns
from models.exports.files import Place, note_file, write_file
from models.exports.format import Column, Context
from models.exports.redcap import redcap_columns
from models.exports.rows import Gone, Row
from models.exports.source import Source, scan
from models.exports.stream import REDCAP, Section
from models.identity.people import Actor
from models.identity.principal import Principal
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.jobs.reads import as_result, get_job
from models.jobs.submit import new_job, set_totals
from models.jobs.values import Job, Result, Submission
from models.jobs.writing import INSERT_CHUNK
from models.operations.verb import NoParams, Verb
from models.settings import settings

log = structlog.get_logger()
NAME = "export_classifications"
MOST_SURVEYED = 200_000  # rows that are looked at for the columns that they use, within the time that a chunk may take
KEEP_COLUMNS = "UPDATE jobs SET params = params || jsonb_build_object('columns', %s::jsonb) WHERE id = %s"
ROWS = 10_000  # of one file, where the client says nothing
FETCHED = 1_000


class Part(msgspec.Struct, omit_defaults=True):
    """One file: members by rid, in groups by entry where the file is a zip, or tombstones (rid, lab id, lab record id)."""

    name: str
    ids: list[int] = []
    groups: list[tuple[str, list[int]]] = []
    gone: list[tuple[int, int, str]] = []


PART: msgspec.json.Decoder[Part] = msgspec.json.Decoder(Part)


def submit_export(session: Session, principal: Principal, submission: Submission, ask: Ask, since: datetime) -> Job:
    """Store an export as a job. `since` is what its owner asks the next changes since.

    The submission's digest, and not the params, tells it from another: these hold the moment at which it was asked for.
    """
    params = msgspec.json.encode({"ask": dump_ask(ask)}).decode()
    job_id, token, earlier = new_job(session, principal, submission, {"params": params})
    if earlier:
        return earlier
    source = rooms.open_source(session, principal, ask.scope)
    rows = number = 0
    lanes = 1 if _surveyed(ask.shape) else settings().lanes
    for number, (size, part) in enumerate(_parts(session, source, ask), 1):
        rows += size
        values = (job_id, number - 1, (number - 1) % lanes, 1, [number - 1], None, None, b"[" + msgspec.json.encode(part) + b"]")
        driver(session).execute(INSERT_CHUNK, values)
    info = {"records": rows, "next_since": ids.stamp(since) // ids.MICRO, "files": f"/api/jobs/{token}/files"}
    driver(session).execute("UPDATE jobs SET info = %s WHERE id = %s", (msgspec.json.encode(info).decode(), job_id))
    set_totals(session, job_id, {"total": number, "chunks": number, "lanes": lanes})
    return get_job(session, principal, str(token))


def _surveyed(shape: Shape) -> bool:
    """Say whether the columns depend on the rows, of all parts together: then the first part finds out for those after it."""
    return exports.get(shape.output).tabular and not shape.all_columns and shape.output != REDCAP


def _parts(session: Session, source: Source, ask: Ask) -> Iterator[tuple[int, Part]]:
    """Give each part with its number of rows; an export of nothing has one part without rows."""
    size = ask.shape.rows_per_file or ROWS
    number = 0
    for filled in _filled(session, source, ask, size):
        yield _size(filled), msgspec.structs.replace(filled, name=stream.file_name(ask, number))
        number += 1
    if number == 0:
        yield 0, Part(stream.file_name(ask, 0))


def _filled(session: Session, source: Source, ask: Ask, size: int) -> Iterator[Part]:
    shape = ask.shape
    if shape.group_by is None and shape.output != REDCAP:
        for page in _pages([source.listing().rids], size):
            yield Part("", ids=page)
    else:
        frozen.freeze(session, source, shape)
        for members in _pages(frozen.ordered(session), size) if shape.output != REDCAP else _whole(frozen.ordered(session)):
            if shape.group_by is None:
                yield Part("", ids=[member.record_id for member in members])
            else:
                by_entry = groupby(members, lambda member: member.entry)
                yield Part("", groups=[(entry, [member.record_id for member in group]) for entry, group in by_entry])
    for gone in _pages(source.gone(), size):
        yield Part("", gone=[(row.id, row.lab.id, row.lab_record_id) for row in gone])


def _pages(batches: Iterable[Sequence[Any]], size: int) -> Iterator[list[Any]]:
    held: list[Any] = []
    for batch in batches:
        for start in range(0, len(batch), size):
            held += batch[start : start + size]
            if len(held) >= size:
                yield held[:size]
                held = held[size:]
    if held:
        yield held


def _whole(batches: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """Give all at once: rows of REDCap are made of several records, and its columns of all of them."""
    held = [member for batch in batches for member in batch]
    if held:
        yield held


def _size(part: Part) -> int:
    return len(part.ids) + len(part.gone) + sum(len(members) for _, members in part.groups)


def _members_of(part: Part) -> list[int]:
    return part.ids or [record_id for _, members in part.groups for record_id in members]


def run(session: Session, chunk: Chunk) -> list[Outcome]:
    """Write a chunk's parts, with the rights that the submitter has now."""
    principal = principal_of(session, chunk.submitter_id)
    ask = parse_ask(chunk.params["ask"])
    writing = _Writing(session, chunk, ask, principal)
    outcomes = [writing.outcome(at) for at in range(len(chunk.items))]
    writing.keep_columns()
    return outcomes


class _Writing:
    """A chunk's work."""

    def __init__(self, session: Session, chunk: Chunk, ask: Ask, principal: Principal) -> None:
        self.session = session
        self.chunk = chunk
        self.ask = ask
        self.principal = principal
        self.source = rooms.open_source(session, principal, ask.scope)
        self.found: tuple[Column, ...] | None = None

    def outcome(self, at: int) -> Outcome:
        """Write the part at a place. Trouble with its file is this item's outcome, trouble with the database the chunk's."""
        index, part = self.chunk.indexes[at], PART.decode(self.chunk.items[at])
        try:
            rooms.settle(self.session, self.principal, self.ask)
            rows, size = self._write(index, part)
        except DATABASE_ERRORS:
            raise
        except Refused as refused:
            return Outcome(index, Status.FAILED, target=part.name, code=refused.code, detail=refused.detail)
        except OSError as error:
            log.exception("export_part_not_written", token=str(self.chunk.token), part=index)
            detail = f"The file could not be written ({error.strerror or type(error).__name__}); a retry writes it again."
            return Outcome(index, Status.FAILED, target=part.name, code="not_written", detail=detail)
        except Exception:  # a bug costs its own part and no other; the trace is for us alone
            log.exception("export_part_failed", token=str(self.chunk.token), part=index)
            detail = "This part could not be written because of an error of ours."
            return Outcome(index, Status.FAILED, target=part.name, code="internal", detail=detail)
        info = msgspec.json.encode({"name": part.name, "rows": rows, "bytes": size})
        return Outcome(index, Status.SUCCEEDED, target=part.name, info=info)

    def _write(self, index: int, part: Part) -> tuple[int, int]:
        claim = self.chunk.claim
        place = Place(claim.job_id, self.chunk.token, index, claim.fence)
        form = exports.get(self.ask.shape.output)
        context = Context(
            self.ask.shape, self.principal.actor(), self._columns(part), with_gone=self.ask.scope.since is not None,
            discordant=self.source.discordant(_members_of(part)) if form.tells_discordances(self.ask.shape) else frozenset(),
        )  # fmt: skip
        counted = _Counted(self._sections(part))
        zipped = self.ask.shape.group_by is not None
        pieces = stream.bundled(form, context, counted, self.ask) if zipped else stream.single(form, context, counted)
        written = write_file(place, stream.gathered(pieces))
        media_type = "application/zip" if zipped else form.media_type
        note_file(self.session, place, (part.name, media_type, counted.rows), written)
        return counted.rows, written.size

    def _columns(self, part: Part) -> tuple[Column, ...]:
        """Return the columns of a table: of REDCap's those that its rows need, of others the same for all parts."""
        shape = self.ask.shape
        if shape.output == REDCAP:
            return redcap_columns(stream.numbered(self._batches(part)))
        if not exports.get(shape.output).tabular:
            return ()
        if not _surveyed(shape) or len(self.source.listing().rids) > MOST_SURVEYED:
            return all_columns()
        kept = self.chunk.params.get("columns")
        columns = used_columns(scan(self.source)) if kept is None else tuple(Column(key, name) for key, name in kept)
        self.found = columns if kept is None else None
        return columns

    def keep_columns(self) -> None:
        """Keep what the first part found out. The job's row is everybody's, so this comes last."""
        if self.found is not None:
            columns = msgspec.json.encode([(column.key, column.part) for column in self.found]).decode()
            driver(self.session).execute(KEEP_COLUMNS, (columns, self.chunk.claim.job_id))

    def _batches(self, part: Part) -> Iterator[tuple[str, list[Row]]]:
        for entry, members in part.groups or [(frozen.WHOLE, part.ids)]:
            for start in range(0, len(members), FETCHED):
                yield entry, self.source.fetch(members[start : start + FETCHED])

    def _sections(self, part: Part) -> Iterator[Section]:
        for entry, rows in self._batches(part):
            yield Section(entry, rows)
        if part.gone:
            yield Section("deleted", gone=self._gone(part.gone))

    def _gone(self, listed: Sequence[tuple[int, int, str]]) -> list[Gone]:
        labs = self.source.labs_of({lab_id for _, lab_id, _ in listed})
        return [Gone(rid, labs[lab_id], name) for rid, lab_id, name in listed if lab_id in labs]


class _Counted:
    """Sections, counted as they go by."""

    def __init__(self, sections: Iterator[Section]) -> None:
        self.sections = sections
        self.rows = 0

    def __iter__(self) -> Iterator[Section]:
        for section in self.sections:
            self.rows += len(section.rows) + len(section.gone)
            yield section


def results(_session: Session, _actor: Actor, found: Sequence[Outcome]) -> list[Result]:
    """Return parts as results: `result` is the file's name, rows and bytes."""
    return [as_result(row) for row in found]


VERB = Verb(NAME, NoParams, run, results, over_selection=False)
