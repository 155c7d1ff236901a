"""Storing records: many at once by COPY, and changes of what they say, with the words that they are found by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.catalogue.changes import ABSENT, NOTE, STAMP, Work
from models.catalogue.content import Content, Form
from models.db import copy_number, copy_rows, copy_text

TABLE = """catalogue_records (id, gid, project_id, parent_id, canonical_id, definition_id, channels, positions, content,
    created_on, updated_on)"""
WORDS_TABLE = "catalogue_words (record_id, words)"
KEEP_WORDS = """
INSERT INTO catalogue_words (record_id, words) SELECT id, words::tsvector FROM {source}
ON CONFLICT (record_id) DO UPDATE SET words = excluded.words WHERE catalogue_words.words <> excluded.words
"""
UNWORDED = ", unworded AS (DELETE FROM catalogue_words w USING {gone} gone WHERE w.record_id = gone.id)"
NEXT = "SELECT nextval(pg_get_serial_sequence('catalogue_records', 'id')) FROM generate_series(1, %(count)s)"
ENCODE = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be stored. `words` is the text of a tsvector; a link has none, as it has no content."""

    id: int
    gid: str
    parent_id: int
    definition_id: int
    channels: Sequence[str]
    positions: Mapping[str, int]
    canonical_id: int | None = None
    content: Content = field(default_factory=dict)
    words: str = ""
    member_id: int | None = None  # the item that it was made of


def next_ids(work: Work, count: int) -> list[int]:
    """Return ids for records to be made."""
    return [row[0] for row in work.execute(NEXT, {"count": count})] if count else []


def insert(work: Work, records: Sequence[NewRecord]) -> None:
    """Store new records, and note them."""
    if not records:
        return
    moment = work.moment.isoformat().encode()
    copy_rows(work.session, TABLE.replace("\n", " "), [_line(record, work.project.id, moment) for record in records])
    copy_rows(
        work.session, WORDS_TABLE,
        [b"%d\t%s\n" % (record.id, copy_text(record.words)) for record in records if record.canonical_id is None],
    )  # fmt: skip
    made = f"{NOTE} SELECT id, gid, 'INSERT', %(now)s, member_id, '{ABSENT}' FROM unnest(%(ids)s::bigint[], %(gids)s::uuid[], "
    members = [record.member_id or record.id for record in records]
    values = {"ids": [record.id for record in records], "gids": [record.gid for record in records], "members": members}
    work.execute(f"{made} %(members)s::bigint[]) AS made (id, gid, member_id)", values)


def _line(record: NewRecord, project_id: int, moment: bytes) -> bytes:
    channels = "{" + ",".join(f'"{key}"' for key in record.channels) + "}"
    canonical = copy_number(record.canonical_id)
    fields = (
        b"%d\t%s\t%d\t%d" % (record.id, record.gid.encode(), project_id, record.parent_id),
        canonical,
        b"%d" % record.definition_id,
        copy_text(channels),
        copy_text(ENCODE(record.positions)),
        copy_text(ENCODE(record.content)),
        moment + b"\t" + moment + b"\n",
    )
    return b"\t".join(fields)


@dataclass(frozen=True, slots=True)
class Said:
    """A record's content to be stored, under the form that its words are made by."""

    record_id: int
    form: Form
    content: Content
    member_id: int


WRITE = """
WITH said AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(definitions)s::bigint[], %(contents)s::text[], %(words)s::text[], %(members)s::bigint[]
    ) AS said (id, definition_id, content, words, member_id)
), before AS (
    SELECT r.id, r.definition_id, r.content FROM catalogue_records r JOIN said ON said.id = r.id
), worded AS ({worded}), written AS (
    UPDATE catalogue_records r SET definition_id = said.definition_id, content = said.content::jsonb, updated_on = {stamp}
    FROM said WHERE r.id = said.id RETURNING r.id, r.gid, r.updated_on, said.member_id
), linked AS (
    UPDATE catalogue_records r SET definition_id = said.definition_id, updated_on = {stamp}
    FROM said WHERE r.canonical_id = said.id RETURNING r.id, r.gid, r.updated_on, said.member_id, (
        SELECT before.definition_id FROM before WHERE before.id = r.canonical_id
    ) AS definition_id
)
{note} SELECT w.id, w.gid, 'UPDATE', w.updated_on, w.member_id,
    jsonb_build_object('definition_id', b.definition_id, 'content', b.content) FROM written w JOIN before b ON b.id = w.id
UNION ALL SELECT id, gid, 'UPDATE', updated_on, member_id, jsonb_build_object('definition_id', definition_id) FROM linked
"""


def write(work: Work, said: Sequence[Said]) -> None:
    """Store what records say now, and by which definition; links to them change along."""
    if not said:
        return
    values = {
        "ids": [one.record_id for one in said],
        "definitions": [one.form.definition.id for one in said],
        "contents": [ENCODE(one.content).decode() for one in said],
        "words": [one.form.words(one.content) for one in said],
        "members": [one.member_id for one in said],
    }
    work.execute(WRITE.format(stamp=STAMP, note=NOTE, worded=KEEP_WORDS.format(source="said")), values)


def contents(work: Work, record_ids: Iterable[int]) -> dict[int, tuple[int, dict[str, Any]]]:
    """Return definition id and content of records by their ids."""
    rows = work.execute(
        "SELECT id, definition_id, content::text FROM catalogue_records WHERE id = ANY(%(ids)s)", {"ids": list(set(record_ids))}
    )
    return {row[0]: (row[1], msgspec.json.decode(row[2])) for row in rows}
