"""Classification records and their snapshots as lines of COPY."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

import msgspec

from models.classifications.journal import RECORD
from models.classifications.state import Cell, Evidence, Record, Snapshot
from models.classifications.variants import significance, variant_key
from models.db import NULL, copy_number, copy_text

STORED_COLUMNS = RECORD + ", variant, significance"
SNAPSHOT_COLUMNS = "record_id, level, version, published_on, evidence, variant, significance, lab_id"


def dump(value: Mapping[str, Cell | None] | Record) -> bytes:
    """Return cells, or a whole record, as a COPY field of JSON. It escapes control characters: only backslashes need care."""
    data = msgspec.json.encode(value)
    return data.replace(b"\\", b"\\\\") if b"\\" in data else data


@lru_cache(maxsize=64)
def moment(value: datetime | None) -> bytes:
    """Return a time as a COPY field. Remembered, since most rows of a chunk have one moment."""
    return NULL if value is None else value.isoformat().encode()


def record_line(record: Record, evidence: bytes) -> bytes:
    """Return a record as STORED_COLUMNS but for its rid; `evidence` is its field."""
    return _line(record, evidence) + b"\n"


def staged_line(record: Record, stored: Evidence) -> bytes:
    """Return a record as STORED_COLUMNS and `removed`, but for its rid: of its evidence only what is not in `stored`.

    `removed` names the cells that are gone. Both are NULL where the evidence is what is stored.
    """
    if record.evidence is stored:
        return _line(record, NULL) + b"\t\\N\n"
    other = {name: cell for name, cell in record.evidence.items() if stored.get(name) is not cell}
    return b"%s\t%s\n" % (_line(record, dump(other)), _names(stored.keys() - record.evidence.keys()))


def _names(names: Iterable[str]) -> bytes:
    """Return names of keys as a COPY field of text[]."""
    return b"{%s}" % ",".join(f'"{name}"' for name in names).encode()


def _line(record: Record, evidence: bytes) -> bytes:
    fields = (
        b"%d" % record.lab.id,
        copy_text(record.lab_record_id),
        b"%d\t%d\t%d\t%d" % (record.owner_id, record.share_level, record.live_level, record.widest_level),
        b"t" if record.withdrawn else b"f",
        b"%d" % record.version,
        copy_number(record.published_version),
        moment(record.created_on),
        moment(record.updated_on),
        moment(record.published_on),
        copy_text(record.source_id),
        evidence,
        b"\\N\t\\N" if evidence is NULL else _variant(record.evidence),
    )
    return b"\t".join(fields)


def _variant(evidence: Evidence) -> bytes:
    """Return which variant the evidence is about and what it says of it, as two COPY fields."""
    variant, said = variant_key(evidence), significance(evidence)
    return b"%s\t%s" % (copy_text(variant), copy_text(said))


def snapshot_line(rid: int, lab_id: int, kept: Snapshot) -> bytes:
    """Return a snapshot as SNAPSHOT_COLUMNS."""
    head = b"%d\t%d\t%d\t%s" % (rid, kept.level, kept.version, moment(kept.published_on))
    return b"\t".join((head, dump(kept.evidence), _variant(kept.evidence), b"%d\n" % lab_id))
