"""An export from its rows to its bytes: one file, or a zip of several. Nothing here grows with the number of records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from models import exports, ids
from models.classifications.state import Actor
from models.db import Session
from models.exports import frozen
from models.exports.ask import Ask
from models.exports.bundle import Zip
from models.exports.columns import Used, all_columns
from models.exports.format import Context, Format, Writer
from models.exports.frozen import Member
from models.exports.redcap import redcap_columns, redcap_id
from models.exports.rows import Gone, Row
from models.exports.source import Source

PIECE = 64 * 1024
REDCAP = "redcap"


@dataclass(slots=True)
class Section:
    """Rows that go into one file: its name without a suffix, and a batch of them. Sections of one name follow each other."""

    name: str
    rows: Sequence[Row] = ()
    gone: Sequence[Gone] = ()


@dataclass
class Export:
    """One export of one caller. `count` is how many rows were written so far."""

    session: Session
    ask: Ask
    actor: Actor
    source: Source
    count: int = field(default=0, init=False)

    @property
    def format(self) -> Format:
        """Return how it is written."""
        return exports.get(self.ask.shape.output)

    @property
    def zipped(self) -> bool:
        """Say whether the answer is a zip."""
        return self.ask.shape.group_by is not None or self.ask.shape.rows_per_file is not None

    @property
    def listed(self) -> bool:
        """Say whether the rows are in another order than that of their rids."""
        return self.ask.shape.group_by is not None or self.ask.shape.output == REDCAP

    def pieces(self) -> Iterator[bytes]:
        """Give all bytes."""
        context = self._begin()
        sections = self._counted(self._sections())
        return gathered(
            bundled(self.format, context, sections, self.ask) if self.zipped else single(self.format, context, sections)
        )

    def _begin(self) -> Context:
        """List the members where that is needed, and find the columns of a table: for those that are used, all rows are read."""
        shape, used = self.ask.shape, Used()
        surveyed = self.format.tabular and not shape.all_columns and shape.output != REDCAP
        if self.listed:
            frozen.freeze(self.session, self.source, shape, used.add if surveyed else len)
        elif surveyed:
            for batch in self.source.rows():
                used.add(batch)
        columns = used.columns() if surveyed else all_columns() if self.format.tabular else ()
        if shape.output == REDCAP:
            columns = redcap_columns(numbered((part.name, part.rows) for part in _grouped(self._members(), self.source)))
        discordant = self.source.discordant(self.source.listing().rids) if self.format.tells_discordances(shape) else frozenset()
        return Context(shape, self.actor, columns, with_gone=self.ask.scope.since is not None, discordant=discordant)

    def _members(self) -> Iterator[list[Member]]:
        return frozen.ordered(self.session)

    def _sections(self) -> Iterator[Section]:
        if self.listed:
            yield from _grouped(self._members(), self.source)
        else:
            yield from _parted((Section(frozen.WHOLE, batch) for batch in self.source.rows()), self.ask.shape.rows_per_file)
        yield from (Section("deleted" if self.zipped else frozen.WHOLE, gone=batch) for batch in self.source.gone())

    def _counted(self, sections: Iterable[Section]) -> Iterator[Section]:
        for section in sections:
            self.count += len(section.rows) + len(section.gone)
            yield section


def _grouped(members: Iterable[Sequence[Member]], source: Source) -> Iterator[Section]:
    for page in members:
        rows = {row.id: row for row in source.fetch([member.record_id for member in page])}
        for name, group in groupby(page, lambda member: member.entry):
            yield Section(name, [rows[member.record_id] for member in group if member.record_id in rows])


def numbered(batches: Iterable[tuple[str, Sequence[Row]]]) -> Iterator[tuple[int, Row]]:
    """Give each row with its place among those of its REDCap record in its file; rows come with their file's name."""
    before, place = None, 0
    for name, rows in batches:
        for row in rows:
            this = (name, redcap_id(row.evidence()))
            place = place + 1 if this == before else 1
            before = this
            yield place, row


def _parted(sections: Iterable[Section], size: int | None) -> Iterator[Section]:
    """Cut rows into files of a size; without one they stay together."""
    if size is None:
        yield from sections
        return
    number = held = 0
    for section in sections:
        rows = list(section.rows)
        while rows:
            number += held == 0
            part, rows = rows[: size - held], rows[size - held :]
            yield Section(f"{frozen.WHOLE}_{number:04}", part)
            held = (held + len(part)) % size


def single(form: Format, context: Context, sections: Iterable[Section]) -> Iterator[bytes]:
    """Give one file. What is refused, such as a format that is not installed, is refused before the first byte."""
    writer = form.open(context)
    return _single(writer, sections)


def _single(writer: Writer, sections: Iterable[Section]) -> Iterator[bytes]:
    yield writer.begin()
    for section in sections:
        yield _written(writer, section)
    yield writer.end()


def _written(writer: Writer, section: Section) -> bytes:
    return writer.write_gone(section.gone) if section.gone else writer.write(section.rows)


def bundled(form: Format, context: Context, sections: Iterable[Section], ask: Ask) -> Iterator[bytes]:
    """Give a zip with a file for each name; one of everything has its one file even where there are no rows."""
    form.open(context)
    return _bundled(lambda: form.open(replace(context, array=True)), sections, ask, "." + form.suffix)


def _bundled(opened: Callable[[], Writer], sections: Iterable[Section], ask: Ask, suffix: str) -> Iterator[bytes]:
    archive = Zip(_moment(ask))
    try:
        for name, group in groupby(sections, lambda section: section.name):
            writer = opened()
            yield archive.open(name + suffix) + archive.write(writer.begin())
            for section in group:
                yield archive.write(_written(writer, section))
            yield archive.write(writer.end()) + archive.close()
        if archive.count == 0 and ask.shape.group_by == "all":
            writer = opened()
            yield archive.open(frozen.WHOLE + suffix) + archive.write(writer.begin() + writer.end()) + archive.close()
        yield from archive.end()
    finally:
        archive.abandon()


def file_name(ask: Ask, part: int | None = None) -> str:
    """Return what an export's file is called, or that of one part, counted from 0."""
    shape = ask.shape
    day = _moment(ask).strftime("%Y-%m-%d")
    words = ["classifications", day, *([shape.build] if shape.build else []), shape.output]
    zipped = shape.group_by is not None or (shape.rows_per_file is not None and part is None)
    number = [] if part is None else [f"{part + 1:04}"]
    return "_".join([*words, *number]) + "." + ("zip" if zipped else exports.get(shape.output).suffix)


def _moment(ask: Ask) -> datetime:
    """Return the moment that an export shows: what is made of it is the same whenever it is made."""
    return ids.moment(ask.moment if ask.scope.as_of is None else ask.scope.as_of)


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give the first bytes as soon as there are some, and then no small pieces."""
    held: list[bytes] = []
    size, enough = 0, 1
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= enough:
            yield b"".join(held)
            held, size, enough = [], 0, PIECE
    if size:
        yield b"".join(held)
