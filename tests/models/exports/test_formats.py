"""What every format keeps, over the registry: nothing is a valid file, order, odd texts, little memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from models import exports
from models.errors import InvalidValue
from models.exports.columns import used_columns
from models.exports.rows import Row
from tests.models.exports.samples import context, row

ODD = "quotes \" and ' commas, semicolons; tabs\t lines\nCR\r\n ünïcödé 🧬 back\\slash </script> =1+1"


def read_redcap(data: bytes) -> list[Any]:
    return [line["vc_record_id"] for line in csv.DictReader(io.StringIO(data.decode(), newline=""))]


READERS: dict[str, Callable[[bytes], list[Any]]] = {
    "json": lambda data: [record["meta"]["lab_record_id"] for record in json.loads(data)["records"]],
    "ndjson": lambda data: [json.loads(line)["meta"]["lab_record_id"] for line in data.splitlines()],
    "csv": lambda data: [line["lab_record_id"] for line in csv.DictReader(io.StringIO(data.decode(), newline=""))],
    "parquet": lambda data: list(pd.read_parquet(io.BytesIO(data))["lab_record_id"]),
    "redcap": read_redcap,
}


def write(name: str, rows: Sequence[Row], **shape: Any) -> bytes:
    columns = used_columns([rows])
    writer = exports.get(name).open(replace(context(output=name, guard=False, **shape), columns=columns))
    return writer.begin() + b"".join(writer.write([one]) for one in rows) + writer.end()


def test_there_is_a_reader_here_for_each_format() -> None:
    assert set(exports.registry()) == set(READERS)
    with pytest.raises(InvalidValue):
        exports.get("xlsx")


@pytest.mark.parametrize("name", READERS)
def test_nothing_is_a_valid_file(name: str) -> None:
    assert READERS[name](write(name, [])) == []


@pytest.mark.parametrize("name", READERS)
def test_order_and_odd_texts_are_kept(name: str) -> None:
    names = ["b", "a", 'q"uote', "back\\slash", "tab\tbed", "line\nbreak", "ü🧬", "c"]
    rows = [row(at, {"redcap_record_id": text, "condition": ODD}, text) for at, text in enumerate(names)]
    assert READERS[name](write(name, rows)) == names


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_pandas_reads_a_table(name: str) -> None:
    rows = [row(1, {"condition": {"value": ODD, "note": "n"}, "age": "5"}), row(2, {"condition": "x"})]
    data = io.BytesIO(write(name, rows))
    table = pd.read_parquet(data) if name == "parquet" else pd.read_csv(data, dtype=str)
    assert list(table["condition"]) == [ODD, "x"]
    assert table["condition.note"][0] == "n" and pd.isna(table["condition.note"][1])
    assert [int(rid) for rid in table["id"]] == [1, 2]


@pytest.mark.parametrize("name", READERS)
def test_memory_does_not_grow_with_the_rows(name: str) -> None:
    def peak(number: int) -> int:
        writer = exports.get(name).open(replace(context(output=name, guard=False), columns=columns))
        tracemalloc.start()
        writer.begin()
        for at in range(number):
            writer.write([row(at, {"redcap_record_id": str(at), "condition": "x" * 500})])
        writer.end()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    columns = used_columns([[row(1, {"redcap_record_id": "1", "condition": "x"})]])
    peak(10)
    assert peak(9_000) < peak(3_000) * 1.3 + 200_000
