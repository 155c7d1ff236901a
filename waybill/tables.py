"""Records, outcomes and jobs as rows of one level: for frames, CSV and tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from waybill.errors import MissingPackage
from waybill.values import JobState

ABOUT = ("title", "version", "published_version", "created_on", "updated_on")  # of a record's meta


@runtime_checkable
class Tabular(Protocol):
    """What knows itself as a row."""

    def row(self) -> dict[str, Any]:
        """Return it as a row."""
        ...


def row(item: Any) -> dict[str, Any]:
    """Return anything that comes in pages as a row."""
    if isinstance(item, Tabular):
        return item.row()
    return item.dump() if isinstance(item, JobState) else record_row(item)


def record_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as a row: `gene_symbol` for a value, `gene_symbol.note` for what was noted beside it."""
    meta = record.get("meta") or {}
    said = {"id": record.get("id"), "rid": meta.get("id"), "lab": meta.get("lab_id"), "publish": record.get("publish")}
    said |= {"withdrawn": record.get("withdrawn")} | {name: meta.get(name) for name in ABOUT}
    return said | dict(_cells(record.get("data") or {}))


def _cells(evidence: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, cell in evidence.items():
        if not isinstance(cell, Mapping):
            yield key, cell
            continue
        for name, value in cell.items():
            yield (key if name == "value" else f"{key}.{name}"), value


def to_pandas(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return rows as a pandas DataFrame. Raises MissingPackage."""
    try:
        import pandas as pd
    except ImportError:
        raise MissingPackage("pandas is not installed: pip install 'waybill[pandas]'") from None
    return pd.DataFrame.from_records(list(rows))


def to_polars(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return rows as a polars DataFrame. Raises MissingPackage."""
    try:
        import polars as pl
    except ImportError:
        raise MissingPackage("polars is not installed: pip install 'waybill[polars]'") from None
    return pl.from_dicts(list(rows), infer_schema_length=None)
