"""A row as the nested object that single reads answer (contract section 16), spliced together around the stored evidence.

`view.dump_record` says the same of values. A test compares the two; what is slow there, and left out here unless it is asked
for, is to look for references in every text and for messages in every cell.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from models import ids
from models.classifications import sharing
from models.classifications.record_id import ADDRESS, dump_id
from models.classifications.state import Actor, Lab, Level, Record
from models.classifications.view import View, dump_record, origin_bucket
from models.exports.format import Context
from models.exports.rows import ENCODER, Gone, Row
from models.exports.table import ACTIVE

NAMED = re.compile(rb'"(?:acmg):([^"\\]+)":( ?\{)')  # a cell's name: inside a text the quotes would be escaped
LEVELS = [b'"%s"' % name.encode() for name in sharing.PAGE_NAMES]
BOOLEANS = {True: b"true", False: b"false"}


META = (
    b'"id":%d,"lab_record_id":%s,%s,"title":%s%s,"version":%s,"published_version":%s,"published_on":%s,"has_changes":%s,'
    b'"can_write":%s,"can_write_latest":%s,"clinical_context":null,"flag_collection":null%s'
)
FACTS = (
    b'"version_publish_level":%s,"version_is_published":null,"is_last_published":%s,"withdrawn":false,"cr_lab_id":%s,'
    b'"org_name":%s,"allele_origin_bucket":"%s","resolved_condition":null,"condition_text_match":null,'
    b'"allele":{"resolved":{"status":"P","include":false,"full":%s},"genome_builds":{}},'
)
SOURCE = b'"source_url":"%s",%%s' % ADDRESS.format("%d").encode()
DISCORDANT = b'"discordant":true,"discordant_status":"%s",' % ACTIVE.encode()


class LabText(NamedTuple):
    """What is the same for all records of a lab: its names, how a title begins, its organisation's name."""

    named: bytes
    title: bytes
    organisation: bytes


class Cell(msgspec.Struct):
    """A cell's value as it is stored."""

    value: msgspec.Raw = msgspec.Raw(b"null")


class Heads(msgspec.Struct):
    """The two cells that a record's envelope repeats."""

    c_hgvs: Cell = msgspec.field(default_factory=Cell)
    allele_origin: Cell = msgspec.field(default_factory=Cell)


HEADS: msgspec.json.Decoder[Heads] = msgspec.json.Decoder(Heads)


class RecordText:
    """Writes rows of one export as JSON objects."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.nested = context.shape.layout != "v1"
        self.plain = not (context.shape.short_keys or context.shape.full_detail)
        self.labs: dict[int, LabText] = {}

    def dump(self, row: Row) -> bytes:
        """Return a row as an object."""
        lab = self.labs.get(row.lab.id) or self._lab(row.lab)
        name = _text(row.lab_record_id)
        version = _version(row.version)
        published = version if row.published_version == row.version else _version(row.published_version)
        meta = META % (
            row.id, name, lab.named, lab.title, name[1:], version, published, _time(row.published_on),
            BOOLEANS[row.writer and row.edited != row.published_version],
            BOOLEANS[row.writer and row.version == row.edited],
            BOOLEANS[row.writer],
            self._edits(row, version) if row.writer else b"",
        )  # fmt: skip
        heads = HEADS.decode(row.raw)
        facts = FACTS % (
            LEVELS[row.live_level], BOOLEANS[row.version == row.published_version], name, lab.organisation,
            _bucket(heads.allele_origin.value), bytes(heads.c_hgvs.value),
        )  # fmt: skip
        if self.nested:
            shown = _text(dump_id(row.lab.group_name, row.lab_record_id))
            opening = b'{"id":%s,"meta":{%s},"publish":%s,' % (shown, meta, LEVELS[row.share_level])
        else:
            opening = b'{%s,"publish_level":%s,' % (meta, LEVELS[row.share_level])
        return b"".join((opening, facts, self._source(row), self._data(row)))

    def _edits(self, row: Row, version: bytes) -> bytes:
        edited = version if row.edited == row.version else _version(row.edited)
        return b',"last_edited":%s,"created_on":%s,"updated_on":%s' % (edited, _time(row.created_on), _time(row.updated_on))

    def _lab(self, lab: Lab) -> LabText:
        names = (_text(lab.group_name), _text(lab.name), _text(lab.organisation_name))
        named = b'"lab_id":%s,"lab_name":%s,"institution_name":%s' % names
        made = self.labs[lab.id] = LabText(named, _text(lab.group_name)[:-1] + b"/", names[2])
        return made

    def _source(self, row: Row) -> bytes:
        if self.context.shape.face != "export":
            return b""
        told = DISCORDANT if row.id in self.context.discordant else b""
        return SOURCE % (row.id, told)

    def _data(self, row: Row) -> bytes:
        if self.plain:
            return b'"data":%s}' % row.raw
        detail, data = b"", row.raw
        if self.context.shape.full_detail:
            shown = dump_record(record_of(row, self.context.actor), View(self.context.actor))
            detail, data = b'"messages":%s,' % ENCODER.encode(shown["messages"]), ENCODER.encode(shown["data"])
        if self.context.shape.short_keys:
            data = NAMED.sub(rb'"\1":\2', data)
        return b'%s"data":%s}' % (detail, data)

    def dump_gone(self, gone: Gone) -> bytes:
        """Return a tombstone: what it was called, under the names that records have."""
        parts = (gone.id, _text(gone.lab_record_id), _text(gone.lab.group_name))
        facts = b'"id":%d,"lab_record_id":%s,"lab_id":%s' % parts
        if not self.nested:
            return b'{%s,"delete":true}' % facts
        return b'{"id":%s,"meta":{%s},"delete":true}' % (_text(dump_id(gone.lab.group_name, gone.lab_record_id)), facts)


def record_of(row: Row, actor: Actor) -> Record:
    """Return a row as a record. Its evidence is already what the caller may see; of its owner no more is known than that."""
    return Record(
        id=row.id,
        lab=row.lab,
        lab_record_id=row.lab_record_id,
        owner_id=actor.user_id if row.ceiling == Level.USER else 0,
        version=row.version,
        evidence=row.evidence(),
        share_level=row.share_level,
        live_level=row.live_level,
        published_version=row.published_version,
        published_on=_moment(row.published_on),
        created_on=_moment(row.created_on),
        updated_on=_moment(row.updated_on),
    )


def _bucket(value: msgspec.Raw) -> bytes:
    return _bucket_of(bytes(value))


@lru_cache(maxsize=1_024)
def _bucket_of(value: bytes) -> bytes:
    return origin_bucket(msgspec.json.decode(value)).encode()


def _text(text: str) -> bytes:
    return ENCODER.encode(text)


def _version(version: int | None) -> bytes:
    return b"null" if version is None else b"%d.%06d" % divmod(version, ids.MICRO)


def _time(moment: bytes | None) -> bytes:
    return b"null" if moment is None else b'"%s"' % moment


def _moment(moment: bytes | None) -> datetime | None:
    return None if moment is None else datetime.fromisoformat(moment.decode())
