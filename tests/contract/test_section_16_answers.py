"""Section 16: the layout of answers. Section 17: many operations in one post. Section 18.1: reading one record."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.contract.hands import V1, V2, A, cell, codes, make, read, send
from tests.web.conftest import GOOD, Caller

META = {
    "id", "lab_record_id", "lab_id", "lab_name", "institution_name", "title", "version", "last_edited", "published_version",
    "has_changes", "can_write", "can_write_latest", "clinical_context", "flag_collection",
}  # fmt: skip
TOP = {
    "id", "meta", "publish", "version_publish_level", "version_is_published", "is_last_published", "withdrawn", "cr_lab_id",
    "org_name", "allele_origin_bucket", "resolved_condition", "condition_text_match", "allele", "messages", "patch_messages",
}  # fmt: skip


def test_16_the_nested_layout_has_every_member(ann: Caller) -> None:
    answer = make(ann, return_data=True)
    assert answer.keys() >= {*TOP, "data"}
    assert answer["meta"].keys() >= META
    assert (answer["id"], answer["meta"]["title"], answer["cr_lab_id"], answer["org_name"]) == (A, A, "A", "North")
    assert (answer["meta"]["lab_id"], answer["meta"]["lab_name"], answer["meta"]["institution_name"]) == (
        "north/one",
        "North/One",
        "North",
    )
    assert answer["allele"].keys() == {"resolved", "genome_builds"}


def test_16_version_1_is_flat_with_the_integer_id(ann: Caller) -> None:
    nested = make(ann)
    flat = ann.get(f"{V1}record/{A}").json
    assert "meta" not in flat
    assert "publish" not in flat
    assert (flat["id"], flat["publish_level"], flat["lab_record_id"]) == (nested["meta"]["id"], "lab", "A")


def test_16_only_writers_are_told_of_the_last_edit(ann: Caller, cat: Caller) -> None:
    make(ann, publish="public")
    assert "last_edited" in read(ann)["meta"]
    assert "last_edited" not in read(cat)["meta"]


@pytest.mark.parametrize(("origin", "bucket"), [("germline", "G"), ("somatic", "S"), (None, "G"), ("nonsense", "U")])
def test_16_the_bucket_of_the_allele_origin(ann: Caller, origin: Any, bucket: str) -> None:
    assert make(ann, {"allele_origin": origin})["allele_origin_bucket"] == bucket


def test_16_patch_messages_are_of_posts_alone(ann: Caller) -> None:
    make(ann)
    assert "patch_messages" not in read(ann)
    assert "patch_messages" not in send(ann, {})


def test_16_an_error_has_its_text_where_old_clients_look(ann: Caller) -> None:
    answer = ann.post(V2 + "record/", {"id": A, "patch": {}})
    assert answer.json["internal_error"] == answer.json["detail"] != ""


BATCH = [
    {"id": A, "create": GOOD, "return_data": "flat", "publish": "logged_in_users"},
    {"id": A, "patch": {"zygosity": "homozygous"}},
    {"id": A, "create": GOOD},
    {"id": "north/one/T", "create": GOOD, "test": True},
    {"id": A, "patch": {"zygosity": "hemizygous"}, "return_data": "changes"},
]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("form", ["object", "array", "url"])
def test_17_operations_are_applied_in_order_each_for_itself(ann: Caller, form: str) -> None:
    """An object with `records` and a bare array are the same; an id in the address means nothing to a list."""
    address = f"{V2}record/{'north/one/other' if form == 'url' else ''}"
    answer = ann.post(address, BATCH if form == "array" else {"records": BATCH})

    assert answer.status_code == 200
    results = answer.json["results"]
    assert len(results) == len(BATCH)
    assert [result.get("status") for result in results] == ["created", "updated", "failed", "created", "updated"]
    assert results[0]["data"]["zygosity"] == "hemizygous"
    assert results[0]["publish"] == "logged_in_users"
    assert results[2]["internal_error"]
    assert results[3]["meta"]["id"] is None
    assert results[4]["data"]["zygosity"]["value"] == "hemizygous"
    assert cell(ann, "zygosity")["value"] == "hemizygous"


def test_17_an_empty_list_has_empty_results(ann: Caller) -> None:
    for body in ([], {"records": []}):
        answer = ann.post(V2 + "record/", body)
        assert (answer.status_code, answer.json) == (200, {"results": []})


def test_17_there_is_no_small_limit(ann: Caller) -> None:
    body = gzip.compress(json.dumps({"records": [{"id": f"north/one/r{at}", "upsert": GOOD} for at in range(2000)]}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = ann.open(V2 + "record/", method="POST", data=body, headers=headers)
    assert answer.status_code == 202
    assert ann.job(answer.json["result"]["job.token"])["total"] == 2000


@pytest.mark.usefixtures("worker")
def test_17_1_posts_with_one_import_id_are_a_run(ann: Caller) -> None:
    for at, more in enumerate(({}, {"status": "complete"})):
        body = {"records": [{"id": f"north/one/r{at}", "upsert": GOOD}], "import_id": "night", **more}
        assert ann.post(V2 + "record/", body).status_code == 200
    runs = ann.get("/classification/api/classifications/v3/imports").json["imports"]
    assert [(run["identifier"], run["status"], run["counts"]["new"]) for run in runs] == [("ann#night", "completed", 2)]


@pytest.mark.usefixtures("worker")
def test_17_3_what_the_references_own_client_sends_is_taken(ann: Caller) -> None:
    """Every known key, absent ones as null, with publish, and delete for what is withdrawn; answers are read by position."""
    keys = [key["key"] for key in ann.get("/classification/api/evidence_keys").json]
    strip = {"age_units", "dob", "family_id", "internal_use", "patient_id", "patient_summary", "sample_id", "variant_type"}
    whole = {**{key: None for key in keys if key not in strip}, **GOOD}
    body = {
        "records": [
            {"id": A, "overwrite": whole, "publish": "logged_in_users"},
            {"id": "north/one/B", "overwrite": whole, "publish": "logged_in_users", "delete": True},
        ],
        "import_id": "download-1",
        "status": "complete",
    }
    first = ann.post(V2 + "record/", body).json["results"]
    again = ann.post(V2 + "record/", body).json["results"]

    assert (first[0]["publish"], first[1]["deleted"]) == ("logged_in_users", True)
    assert codes(again[0]) == ["no_patch", "shared"]
    assert not any("internal_error" in result for result in first + again)


def test_18_1_writers_get_the_working_copy_and_others_what_they_may_read(ann: Caller, cat: Caller) -> None:
    make(ann, publish="public")
    send(ann, {"patch": {"zygosity": "homozygous"}})
    assert read(ann)["data"]["zygosity"]["value"] == "homozygous"
    assert read(cat)["data"]["zygosity"]["value"] == "hemizygous"


@pytest.mark.parametrize(("query", "kind"), [("", dict), ("?data=true", dict), ("?data=flat", str), ("?data=false", None)])
def test_18_1_data_is_nested_flat_or_left_out(ann: Caller, query: str, kind: Any) -> None:
    make(ann)
    shown = read(ann, query=query)
    assert ("data" in shown) is (kind is not None)
    if kind:
        assert isinstance(shown["data"]["zygosity"], kind)


def test_18_1_config_adds_the_labs_overrides(ann: Caller) -> None:
    make(ann)
    assert "config" in read(ann, query="?config=true")
    assert "config" not in read(ann)
