"""Files of operations: every kind and packing gives the same operations, with the lines that the file has."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import click
import pytest
from backports import zstd

from waybill.mapping import Mapped
from waybill.sources import open_source, survey

KEYS = ("gene_symbol", "condition", "acmg:bp4", "age")
OPERATIONS = [{"id": f"a/b/{number}", "upsert": {"gene_symbol": 'X\n"é'}} for number in range(3)]


def mapped(**more: Any) -> Mapped:
    return Mapped(keys=lambda: KEYS, **more)


def read(path: Path, kind: str | None = None, **more: Any) -> list[Any]:
    """Return what a file's lines say; None for a blank one."""
    lines = open_source(path, path.name, kind, mapped(**more)).lines()
    return [json.loads(line) if line.strip() else None for line in lines]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
@pytest.mark.parametrize(("name", "text"), [
    ("o.ndjson", "\n".join(json.dumps(one) for one in OPERATIONS)), ("o.json", json.dumps(OPERATIONS, indent=3)),
    ("o.json", json.dumps({"records": OPERATIONS})), ("unnamed", "[" + ",".join(map(json.dumps, OPERATIONS)) + "]"),
    ("unnamed", "\n".join(json.dumps(one) for one in OPERATIONS) + "\n"),
])  # fmt: skip
def test_all_kinds_say_the_same(tmp_path: Path, name: str, text: str, pack: Any) -> None:
    path = tmp_path / name
    path.write_bytes(pack(text.encode()))
    assert read(path) == OPERATIONS


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "o.ndjson"
    path.write_bytes(b'\xef\xbb\xbf{"id": 1}\r\n\r\n\n{"id": 2}')
    assert read(path) == [{"id": 1}, None, None, {"id": 2}]
    path = tmp_path / "o.csv"
    path.write_text('id,age\na,"1\n2"\n\nb,\nc,"7, 8"\n')
    found = read(path)
    assert found[0] is None, "the names of the columns are a line too"
    assert [(number, one["id"]) for number, one in enumerate(found, 1) if one] == [(2, "a"), (5, "b"), (6, "c")]


def test_a_large_array_is_read_item_by_item(tmp_path: Path) -> None:
    path = tmp_path / "o.json"
    operations = [{"id": number, "text": "x" * 1_000, "n": 1.5} for number in range(3_000)] + [7, "text", None]
    path.write_text(json.dumps(operations))
    assert read(path) == operations


@pytest.mark.parametrize("text", ["[1, 2", "[1 2]", "[1, }", "[{]", '{"records": 3}', '{"records": [], "more": 1}', "3", "["])
def test_what_is_no_json_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "o.json"
    path.write_text(text)
    with pytest.raises(click.ClickException):
        read(path)


@pytest.mark.parametrize("data", [gzip.compress(b'{"id": 1}\n' * 9, mtime=0)[:-9], gzip.compress(b"x" * 99, mtime=0)[:20]])
def test_a_damaged_file_is_said_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "o.ndjson.gz"
    path.write_bytes(data)
    with pytest.raises(click.ClickException, match="cut short"):
        read(path)


def test_the_digest_is_of_the_operations_whatever_they_are_packed_with(tmp_path: Path) -> None:
    text = b'{"id": 1}\n\n{"id": 2}\n'
    found = set()
    for name, data in (("a.ndjson", text), ("b.ndjson.gz", gzip.compress(text, mtime=0)), ("c.ndjson.zst", zstd.compress(text))):
        (tmp_path / name).write_bytes(data)
        made = survey(open_source(tmp_path / name, name, None, mapped()))
        found.add((made.operations, made.digest))
    assert {operations for operations, _ in found} == {2}
    assert len(found) == 1


def test_columns_are_evidence_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "lab_record_id,Gene Symbol,gene_symbol.note,bp4,publish,ref,if_version\n1,TP53,seen,yes,public,r1,12.5\nx/y/2,,,,,,\n"
    )
    first, second = filter(None, read(path, lab="a/b", verb="patch"))
    evidence = {"gene_symbol": {"value": "TP53", "note": "seen"}, "acmg:bp4": "yes"}
    assert first == {"id": "a/b/1", "publish": "public", "ref": "r1", "if_version": 12.5, "patch": evidence}
    assert second == {"id": "x/y/2", "patch": {}}


def test_columns_can_be_mapped_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "o.tsv"
    path.write_text("number\tGene\tjunk\n1\tTP53\tx\n")
    assert read(path, id_column="number", columns={"Gene": "gene_symbol", "junk": ""})[1:] == [
        {"id": "1", "upsert": {"gene_symbol": "TP53"}}
    ]
    with pytest.raises(click.UsageError, match="did you mean gene_symbol") as caught:
        path.write_text("id\tgene_symbl\tjunk\n1\tTP53\tx\n")
        read(path)
    assert "--ignore-unknown" in caught.value.message
    assert read(path, ignore_unknown=True)[1:] == [{"id": "1", "upsert": {}}]


@pytest.mark.parametrize(("text", "told"), [("age\n1\n", "id"), ("id,age\n1,2,3\n", "line 2"), ('id,age\n1,"2\n', "line 2")])
def test_a_bad_table_is_said_so(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "o.csv"
    path.write_text(text)
    with pytest.raises(click.ClickException, match=told):
        read(path)
