"""The members of an export that is not in the order of its rids: grouped into zip entries, or by REDCap record.

They are listed once in a temporary table, with the name of the entry each goes into, and put in order there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from models.classifications.record_id import dump_id
from models.classifications.variants import VARIANT_KEYS, variant_key
from models.db import Session, copy_rows, copy_text, driver
from models.exports import names
from models.exports.ask import Shape
from models.exports.redcap import redcap_id
from models.exports.rows import CELLS, EVIDENCE, Row
from models.exports.source import Source, scan
from models.exports.texts import part_text

TABLE = """
DROP TABLE IF EXISTS pg_temp.exported;
CREATE TEMP TABLE exported (
    record_id bigint NOT NULL, told text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, fold text COLLATE "C" NOT NULL,
    redcap text COLLATE "C"
) ON COMMIT DROP
"""
ORDERED = """
SELECT e.record_id, e.told, e.name, known.twin, e.redcap FROM exported e JOIN (
    SELECT told, row_number() OVER (PARTITION BY fold ORDER BY told) > 1 AS twin
    FROM (SELECT DISTINCT told, fold FROM exported) groups
) known ON known.told = e.told ORDER BY e.told, e.redcap, e.record_id
"""
PAGE = 1_000
WHOLE = "classifications"  # the entry that holds everything
NO_VARIANT, NO_VALUE = "no_variant", "no_value"


class Member(NamedTuple):
    """A record and the entry that it goes into; `redcap` is its REDCap record, None in other formats."""

    record_id: int
    entry: str
    redcap: str | None


def freeze(session: Session, source: Source, shape: Shape, look: Callable[[Sequence[Row]], object] = len) -> int:
    """List all rows of a source in the temporary table; return how many. Without a REDCap record a row is no part of REDCap.

    Rows are shown to `look` as they go by, which spares who wants to see them all from reading them again.
    """
    driver(session).execute(TABLE)
    total = 0
    for batch in scan(source):
        lines = [line for row in batch if (line := _line(row, shape))]
        copy_rows(session, "exported", lines)
        look(batch)
        total += len(lines)
    return total


def _line(row: Row, shape: Shape) -> bytes | None:
    redcap = None
    if shape.output == "redcap":
        redcap = redcap_id(row.evidence())
        if redcap is None:
            return None
    told, name = group_of(row, shape.group_by)
    fields = (b"%d" % row.id, *map(copy_text, (told, name, names.fold(name), redcap)))
    return b"\t".join(fields) + b"\n"


def group_of(row: Row, group_by: str | None) -> tuple[str, str]:
    """Return what a row's group is told by, and the name that its entry has unless another group's is the same."""
    match group_by:
        case None | "all":
            return "", WHOLE
        case "none":
            path = (*row.lab.group_name.split("/"), row.lab_record_id)
            return dump_id(row.lab.group_name, row.lab_record_id), names.entry(path)
        case "variant":
            key = variant_key(_variant_cells(row))
            return ("-", NO_VARIANT) if key is None else (f"={key}", names.entry([key]))
        case _:
            text = _value(row, group_by)
            return (f"={text}", names.entry([text])) if text else ("-", NO_VALUE)


def _variant_cells(row: Row) -> dict[str, dict[str, str]]:
    cells = CELLS.decode(row.raw)
    return {name: msgspec.json.decode(cells[name]) for name in VARIANT_KEYS if name in cells}


def _value(row: Row, key: str) -> str:
    return part_text(EVIDENCE.decode(row.raw).get(key), key, "value")


def ordered(session: Session) -> Iterator[list[Member]]:
    """Give the members by group, REDCap record and rid, a page at a time."""
    with driver(session).cursor("exported_members") as cursor:
        cursor.execute(ORDERED)
        while page := cursor.fetchmany(PAGE):
            yield [_member(row) for row in page]


def _member(row: Sequence[object]) -> Member:
    record_id, told, name, twin, redcap = row
    entry = names.told_apart(str(name), str(told)) if twin else str(name)
    return Member(int(str(record_id)), entry, None if redcap is None else str(redcap))
