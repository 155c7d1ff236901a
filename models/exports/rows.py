"""One record on its way out: what every format writes, and nothing that the caller may not see.

The evidence stays the text that the database gave: most of an export's time would else go into taking it apart and putting it
together again. What a ceiling hides (contract 12.1) is replaced here, cell by cell, before any format sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from models import ids
from models.classifications.keys import key_set
from models.classifications.state import Evidence, Lab, Level

CELLS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
EVIDENCE: msgspec.json.Decoder[dict[str, dict[str, Any]]] = msgspec.json.Decoder(dict[str, dict[str, Any]])
ENCODER = msgspec.json.Encoder()
HIDDEN = msgspec.Raw(b'{"value": "(hidden)", "hidden": true}')


class Row(msgspec.Struct, gc=False):
    """A record as the caller may see it. Times are ISO texts; `edited` is the working copy's version, `raw` the evidence."""

    id: int
    lab: Lab
    lab_record_id: str
    share_level: int
    live_level: int
    version: int
    published_version: int | None
    created_on: bytes | None
    updated_on: bytes | None
    published_on: bytes | None
    edited: int
    writer: bool
    ceiling: int
    raw: bytes

    def evidence(self) -> Evidence:
        """Return the evidence as cells."""
        return EVIDENCE.decode(self.raw)


class Gone(msgspec.Struct, gc=False):
    """A record that was there: withdrawn, or deleted for good."""

    id: int
    lab: Lab
    lab_record_id: str


class Said(msgspec.Struct):
    """A cell, as far as it matters whether it holds anything but a lock."""

    value: Any = None
    note: Any = None
    explain: Any = None


SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


def parse_row(values: Sequence[Any], labs: Mapping[int, Lab]) -> Row:
    """Return a row with the columns that `source.Records` asks for."""
    rid, lab_id, share, live, relation, ceiling, version, published, edited, created, updated, published_on, name, sent = values
    raw = sent[1:]  # behind the version of jsonb's binary form
    return Row(
        rid,
        labs[lab_id],
        name,
        share,
        live,
        version,
        published,
        iso(created),
        iso(updated),
        iso(published_on),
        edited,
        relation == Level.LAB,
        ceiling,
        raw if ceiling == Level.USER else restrict(raw, ceiling),
    )


@lru_cache(maxsize=8_192)
def iso(moment: datetime | None) -> bytes | None:
    """Return a time as single reads write it. Whole chunks of records share one."""
    text = ids.iso(moment)
    return None if text is None else text.encode()


@lru_cache(maxsize=8)
def _readable(level: int) -> frozenset[str]:
    return key_set().readable(Level(level))


def restrict(raw: bytes, ceiling: int) -> bytes:
    """Return evidence as text with the cells beyond a ceiling hidden, as `evidence.restrict` does with cells."""
    if ceiling == Level.USER:
        return raw
    cells = CELLS.decode(raw)
    readable = _readable(ceiling)
    if cells.keys() <= readable:
        return raw
    shown = {name: cell if name in readable else HIDDEN for name, cell in cells.items() if name in readable or _speaks(cell)}
    return ENCODER.encode(shown)


def _speaks(cell: msgspec.Raw) -> bool:
    said = SAID.decode(cell)
    return any(part is not None for part in (said.value, said.note, said.explain))
