"""All of the sample data, loaded, published, exported in each format and group, and read back: the same records."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

from models import exports, ids
from models.classifications.envelope import parse_operation
from models.classifications.record_id import dump_id
from models.classifications.service import Ask, Origin, apply
from models.classifications.variants import variant_key
from models.db import transaction
from models.exports import names
from models.exports.redcap_fields import HEADER, dictionary
from models.identity.service import authenticate, import_accounts
from tests.conftest import clone
from tests.models.exports.redcap_rules import check_dictionary, check_file
from web.app import create_app

DATA = Path(__file__).parents[2] / "data"
ACCOUNTS = json.loads((DATA / "accounts.json").read_text(encoding="utf-8"))
KEY = next(user["api_key"] for user in ACCOUNTS["users"] if user["name"] == "clingen_loader")
BULK_GET = "/variantclassification/api/classifications/record/"
PATIENTS = 50


def operations() -> list[dict[str, Any]]:
    """Return what the file has; every fiftieth record belongs to a patient in REDCap, some to the same."""
    with gzip.open(DATA / "clingen_operations.ndjson.gz") as file:
        found = [json.loads(line) for line in file]
    for at, operation in enumerate(found[::PATIENTS]):
        operation["upsert"]["redcap_record_id"] = f"P{at // 3:03}"
    return found


class Loaded:
    """The web with the sample data in it, asked as their loader."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.sent = operations()
        self.records = {record["id"]: record for record in self.read("").json["records"]}

    def read(self, query: str) -> Any:
        response = self.client.get(f"{BULK_GET}{query}", headers={"Authorization": f"Bearer {KEY}"})
        assert response.status_code == 200, response.text
        return response

    def entries(self, query: str) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(self.read(query).data)) as archive:
            assert len(set(archive.namelist())) == len(archive.namelist())
            return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def loaded(own_database: str) -> Iterator[Loaded]:
    own_database_name = own_database.rpartition("/")[2].partition("?")[0]
    clone(own_database_name)
    with transaction() as session:
        import_accounts(session, ACCOUNTS)
        loader = authenticate(session, KEY)
    sent = operations()
    for start in range(0, len(sent), 1_000):
        with transaction() as session:
            asks = [Ask(parse_operation(operation), "") for operation in sent[start : start + 1_000]]
            apply(session, Origin(loader, ids.now()), asks)
    yield Loaded(create_app().test_client())
    clone(own_database_name)


def test_json_holds_what_was_sent(loaded: Loaded) -> None:
    sent = {operation["id"]: operation for operation in loaded.sent}
    assert len(loaded.records) == len(sent) == 6_078
    assert list(loaded.records.values()) == sorted(loaded.records.values(), key=lambda record: record["meta"]["id"])
    for name, operation in sent.items():
        record = loaded.records[name]
        assert record["publish"] == operation["publish"]
        for key in ("g_hgvs", "condition", "interpretation_summary", "clinical_significance"):
            value = operation["upsert"].get(key)
            if isinstance(value, str):
                assert "".join(record["data"][key]["value"].split()) == "".join(value.split())


def test_ndjson_holds_the_same(loaded: Loaded) -> None:
    lines = [json.loads(line) for line in loaded.read("?output=ndjson").data.splitlines()]
    assert lines == list(loaded.records.values())


@pytest.mark.parametrize("output", ["csv", "parquet"])
def test_pandas_reads_the_same(loaded: Loaded, output: str) -> None:
    data = io.BytesIO(loaded.read(f"?output={output}&formulas=raw").data)
    table = pd.read_csv(data, dtype=str, keep_default_na=False) if output == "csv" else pd.read_parquet(data).fillna("")
    found = {(row["lab"], row["lab_record_id"]): row for row in table.to_dict("records")}
    assert len(table) == len(found) == len(loaded.records)
    keys = {key for record in loaded.records.values() for key, cell in record["data"].items() if cell.get("value") is not None}
    assert keys <= set(table.columns)
    for record in loaded.records.values():
        row = found[record["meta"]["lab_id"], record["meta"]["lab_record_id"]]
        for key in keys:
            cell = record["data"].get(key, {})
            value = cell.get("value", "")
            assert row[key] == (", ".join(value) if isinstance(value, list) else str(value)), (record["id"], key)
            assert row.get(f"{key}.note", "") == cell.get("note", "")


def test_redcap_holds_the_patients_and_keeps_the_dictionary_s_rules(loaded: Loaded) -> None:
    rows = list(csv.DictReader(io.StringIO(loaded.read("?output=redcap").data.decode(), newline="")))
    fields = [dict(zip(HEADER, line, strict=True)) for line in dictionary(10)[1:]]
    check_dictionary(fields)
    check_file(rows, fields)
    patients: dict[str, list[Any]] = defaultdict(list)
    for record in loaded.records.values():
        if "redcap_record_id" in record["data"]:
            patients[record["data"]["redcap_record_id"]["value"]].append(record)
    assert [row["vc_record_id"] for row in rows] == sorted(patients) and len(rows) > 30
    for row in rows:
        records = patients[row["vc_record_id"]]
        assert int(row["vc_count"]) == len(records)
        for place, record in enumerate(records, 1):
            assert row[f"vc_lab_record_id_{place}"] == record["meta"]["lab_record_id"]
            assert row.get(f"vc_c_hgvs_{place}", "") == record["data"].get("c_hgvs", {}).get("value", "")


def group_of(record: dict[str, Any], group_by: str) -> str:
    meta, data = record["meta"], record["data"]
    match group_by:
        case "all":
            return "classifications"
        case "none":
            return names.entry([*meta["lab_id"].split("/"), meta["lab_record_id"]])
        case "variant":
            key = variant_key(data)
            return names.entry([key]) if key else "no_variant"
        case key:
            return names.entry([data[key]["value"]]) if key in data else "no_value"


@pytest.mark.parametrize("group_by", ["all", "none", "variant", "gene_symbol"])
@pytest.mark.parametrize("output", sorted(exports.registry()))
def test_groups_by_name(loaded: Loaded, group_by: str, output: str) -> None:
    entries = loaded.entries(f"?output={output}&group_by={group_by}")
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    for record in loaded.records.values():
        if output != "redcap" or "redcap_record_id" in record["data"]:
            wanted[group_of(record, group_by)][record["meta"]["lab_record_id"]] += 1
    suffix = ".csv" if output == "redcap" else f".{output}"
    assert all(name.endswith(suffix) for name in entries)
    found = {name.removesuffix(suffix): Counter(read(data, output)) for name, data in entries.items()}
    assert found == wanted


def read(data: bytes, output: str) -> list[str]:
    if output == "json":
        return [record["meta"]["lab_record_id"] for record in json.loads(data)]
    if output == "ndjson":
        return [json.loads(line)["meta"]["lab_record_id"] for line in data.splitlines()]
    if output == "parquet":
        return [str(name) for name in pq.ParquetFile(io.BytesIO(data)).read(["lab_record_id"])["lab_record_id"].to_pylist()]
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""))
    if output == "csv":
        return [row["lab_record_id"] for row in rows]
    return [text for row in rows for name, text in row.items() if name.startswith("vc_lab_record_id_") and text]


def test_names_are_those_of_the_ids(loaded: Loaded) -> None:
    assert set(loaded.records) == {dump_id(*record["id"].rsplit("/", 1)) for record in loaded.records.values()}
