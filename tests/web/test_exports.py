"""Bulk GET and the export endpoint through HTTP."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from backports import zstd

from models.db import driver, transaction
from models.exports.texts import unguard
from tests.web.conftest import GOOD, RECORD, Caller, code_of, upserts
from web.exports import EXPORTERS

BULK_GET = "/variantclassification/api/classifications/record/"
EXPORT = "/classification/api/classifications/export"


def put(
    caller: Caller, name: str, publish: str | None = "logged_in_users", lab: str = "north/one", **more: Any
) -> dict[str, Any]:
    operation = {"id": f"{lab}/{name}", "upsert": {**GOOD, **more}} | ({"publish": publish} if publish else {})
    response = caller.post(RECORD, operation)
    assert response.status_code == 200, response.text
    return dict(response.json)


def ids_of(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [record["id"] for record in response.json["records"]]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def unzip(response: Any) -> dict[str, bytes]:
    assert response.content_type == "application/zip", response.text
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        assert len(set(archive.namelist())) == len(archive.namelist())
        return {name: archive.read(name) for name in archive.namelist()}


def without(record: Any, *names: str) -> Any:
    """Return a value without members of these names, at any depth."""
    if isinstance(record, dict):
        return {name: without(value, *names) for name, value in record.items() if name not in names}
    return [without(item, *names) for item in record] if isinstance(record, list) else record


NESTED = [
    "/variantclassification/api/classifications/record/",
    "/classification/api/classifications/record/",
    "/classification/api/classifications/v2/record/",
    "/variantclassification/api/classifications/v3/record/",
]


@pytest.mark.parametrize("path", NESTED)
def test_bulk_get_gives_the_nested_objects_of_single_reads(ann: Caller, path: str) -> None:
    put(ann, "A")
    single = ann.get(RECORD + "north/one/A").json
    assert ann.get(path).json == {"records": [without(single, "messages", "db_refs")], "count": 1, "complete": True}
    assert ann.get(path + "?full_detail=true").json["records"] == [single]


@pytest.mark.parametrize("prefix", ["/classification/api", "/variantclassification/api"])
def test_v1_gives_the_flat_layout(ann: Caller, prefix: str) -> None:
    put(ann, "A")
    single = ann.get(f"{prefix}/classifications/v1/record/north/one/A").json
    found = ann.get(f"{prefix}/classifications/v1/record/?full_detail=true").json["records"]
    assert found == [single]


def test_each_level_shows_what_it_says(ann: Caller, cat: Caller) -> None:
    put(ann, "lab", None)
    put(ann, "site", "logged_in_users")
    put(ann, "world", "public")
    assert ids_of(ann.get(BULK_GET + "?level=editable")) == ["north/one/lab", "north/one/site", "north/one/world"]
    assert ids_of(cat.get(BULK_GET + "?level=editable")) == []
    for caller in (ann, cat):
        assert ids_of(caller.get(BULK_GET)) == ["north/one/site", "north/one/world"]
        assert ids_of(caller.get(BULK_GET + "?level=loggd_in_users")) == ["north/one/site", "north/one/world"]
        assert ids_of(caller.get(BULK_GET + "?level=public")) == ["north/one/world"]


def test_a_published_level_shows_the_version_published_there_to_its_own_lab_too(ann: Caller) -> None:
    put(ann, "A", "public", condition="OMIM:100001")
    put(ann, "A", "institution", condition="OMIM:100002")
    put(ann, "A", None, condition="OMIM:100003")

    def conditions(level: str) -> list[str]:
        return [record["data"]["condition"]["value"] for record in ann.get(f"{BULK_GET}?level={level}").json["records"]]

    assert (conditions("public"), conditions("logged_in_users"), conditions("editable")) == (
        ["OMIM:100001"], ["OMIM:100001"], ["OMIM:100003"],
    )  # fmt: skip
    meta = ann.get(BULK_GET + "?level=public").json["records"][0]["meta"]
    assert (meta["can_write"], meta["can_write_latest"], meta["has_changes"]) == (False, True, True)
    assert meta["last_edited"] > meta["version"] == meta["published_version"]


def test_cells_beyond_a_reader_s_ceiling_are_hidden_in_every_format(ann: Caller, cat: Caller) -> None:
    put(ann, "A", curated_by="Dr Secret", **{"somatic:summary_interpretation": {"note": "for the lab"}})
    for output in ("json", "ndjson", "csv", "parquet"):
        assert b"Dr Secret" in ann.get(f"{BULK_GET}?output={output}&formulas=raw").data or output == "parquet"
        response = cat.get(f"{BULK_GET}?output={output}")
        assert b"Dr Secret" not in response.data and b"for the lab" not in response.data
    data = cat.get(BULK_GET).json["records"][0]["data"]
    assert data["curated_by"] == data["owner"] == data["somatic:summary_interpretation"] == {"value": "(hidden)", "hidden": True}
    assert data == without(cat.get(RECORD + "north/one/A").json["data"], "db_refs")
    assert rows_of(cat.get(BULK_GET + "?output=csv").text)[0]["curated_by"] == "(hidden)"


def test_withdrawn_records_are_out(ann: Caller) -> None:
    put(ann, "A")
    put(ann, "B")
    ann.post(RECORD, {"id": "north/one/A", "delete": True})
    for level in ("editable", "logged_in_users"):
        assert ids_of(ann.get(f"{BULK_GET}?level={level}")) == ["north/one/B"]


def test_labs_limit_and_after(ann: Caller, cat: Caller) -> None:
    put(ann, "A")
    moment = put(cat, "C", lab="south/one")["meta"]["published_on"]
    put(ann, "B")
    ann.post(RECORD, {"id": "north/one/A", "patch": {"age": 5}})  # edited later, but not published later
    assert ids_of(ann.get(BULK_GET + "?labs_include=south/one,no/lab")) == ["south/one/C"]
    assert ids_of(ann.get(BULK_GET + "?labs_include=no/lab")) == []
    assert ids_of(ann.get(BULK_GET + "?labs_excluded=north/one,no/lab")) == ["south/one/C"]
    assert ids_of(ann.get(EXPORT + "?exclude_orgs=north")) == ["south/one/C"]
    assert ids_of(ann.get(BULK_GET + "?limit=2")) == ["north/one/A", "south/one/C"]
    assert ids_of(ann.get(BULK_GET + "?limit=0")) == []
    after = datetime.fromisoformat(moment).timestamp()
    assert ids_of(ann.get(f"{BULK_GET}?after={after:.6f}")) == ["north/one/B"]
    assert ids_of(ann.get(f"{BULK_GET}?after={after:.6f}&level=editable")) == ["north/one/B"]


@pytest.mark.parametrize(("query", "code"), [
    ("level=everybody", "invalid_value"), ("output=xml", "invalid_value"), ("limit=many", "invalid_type"),
    ("limit=-1", "invalid_type"), ("after=yesterday", "invalid_date"), ("group_by=no_key_at_all", "invalid_value"),
    ("colour=red", "unknown_field"), ("rows_per_file=5", "invalid_type"), ("level=public&level=editable", "invalid_request"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(ann: Caller, query: str, code: str) -> None:
    assert code_of(ann.get(f"{BULK_GET}?{query}")) == (400, code)


@pytest.mark.parametrize("query", ["since=never", "share_level=clinvar", "type=vcf", "build=hg17", "since=99999999999999"])
def test_the_export_endpoint_refuses_what_it_cannot_do(ann: Caller, query: str) -> None:
    assert ann.get(f"{EXPORT}?{query}").status_code == 400


def test_nobody_gets_anything_without_a_key(client: Any) -> None:
    for path in (BULK_GET, EXPORT, "/classification/redcap_data_dictionary.csv", "/api/jobs/x/files", "/api/jobs/x/files/0"):
        assert client.get(path).status_code == 401


def test_groups_become_entries(ann: Caller) -> None:
    put(ann, "A", gene_symbol="CBS", c_hgvs="NM_000071.2(CBS):c.1539C>T")
    put(ann, "B", gene_symbol="PAH", c_hgvs="NM_000277.2(PAH):c.1A>G")
    put(ann, "C", gene_symbol="CBS", c_hgvs="NM_000071.2(CBS):c.1539C>T")

    def entries(group_by: str) -> dict[str, list[str]]:
        archive = unzip(ann.get(f"{BULK_GET}?group_by={group_by}"))
        return {name: [record["meta"]["lab_record_id"] for record in json.loads(data)] for name, data in archive.items()}

    assert entries("all") == {"classifications.json": ["A", "B", "C"]}
    assert entries("none") == {f"north/one/{name}.json": [name] for name in "ABC"}
    assert entries("gene_symbol") == entries("Gene Symbol") == {"CBS.json": ["A", "C"], "PAH.json": ["B"]}
    assert sorted(entries("variant").values()) == [["A", "C"], ["B"]]
    assert entries("age") == {"no_value.json": ["A", "B", "C"]}
    assert "records" in ann.get(BULK_GET + "?group_by=").json


def test_names_of_entries_stay_inside_and_apart(ann: Caller) -> None:
    names = ["../../etc/passwd", "a\\b", "a:b", "CON", "x" * 300, "..", "Case", "case", "=1+1"]
    for at, name in enumerate(names):
        put(ann, f"R{at}", family_id=name)
    archive = unzip(ann.get(BULK_GET + "?group_by=family_id&level=editable"))
    assert len(archive) == len(names)
    assert len({name.casefold() for name in archive}) == len(names)
    for name in archive:
        assert "/" not in name and "\\" not in name and not name.startswith(".") and len(name.encode()) < 256
    assert not {"CON.json", "...json"} & archive.keys()


def test_rows_per_file_cuts_into_entries(ann: Caller, work_all: Callable[[], None]) -> None:
    ann.send(upserts(203))
    work_all()
    for output in ("csv", "ndjson"):
        archive = unzip(ann.get(f"{BULK_GET}?level=editable&rows_per_file=100&output={output}"))
        assert list(archive) == [f"classifications_{number:04}.{output}" for number in (1, 2, 3)]
        assert [data.count(b"\n") - (output == "csv") for data in archive.values()] == [100, 100, 3]


def test_csv_has_a_header_and_one_row_a_record(ann: Caller) -> None:
    modes = ["autosomal_dominant", "x_linked"]
    odd = {"value": "hemizygous", "note": 'say "no"\nor yes'}
    put(ann, "A", zygosity=odd, mode_of_inheritance=modes, nmd_escaping_variant=True, bp4="BS")
    put(ann, "B")
    response = ann.get(BULK_GET + "?output=csv")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.text.count("\r\n") == 3
    header = next(csv.reader(io.StringIO(response.text)))
    assert header[:5] == ["id", "lab", "lab_record_id", "share_level", "version"]
    first, second = rows_of(response.text)
    assert first["lab"] == "north/one" and first["share_level"] == "logged_in_users"
    assert first["zygosity.note"] == 'say "no"\nor yes' and second["zygosity.note"] == ""
    assert first["mode_of_inheritance"] == "autosomal_dominant, x_linked"
    assert first["nmd_escaping_variant"] == "TRUE"
    assert (first["acmg_criteria"], first["evidence_weights"]) == ("BP4_S", "1xBS")
    assert "age" not in header, "only keys with data"
    assert "age.note" in ann.get(BULK_GET + "?output=csv&columns=all").text


def test_csv_with_labels(ann: Caller) -> None:
    put(ann, "A", zygosity={"value": "hemizygous", "note": "n"})
    row = rows_of(ann.get(BULK_GET + "?output=csv&value_format=labels").text)[0]
    assert (row["Zygosity"], row["Zygosity note"]) == ("Hemizygous", "n")


def test_formulas_are_guarded_unless_asked_not_to(ann: Caller) -> None:
    risky = ['=HYPERLINK("http://x")', "+1", "-1", "@x", " =1", "'=1", "plain", "'plain"]
    for at, text in enumerate(risky):
        put(ann, f"R{at}", condition=text)
    guarded = [row["condition"] for row in rows_of(ann.get(BULK_GET + "?output=csv").text)]
    assert [text for text in guarded if text[0] in "=+-@ "] == []
    assert [unguard(text) for text in guarded] == [text.strip() for text in risky]
    raw = [row["condition"] for row in rows_of(ann.get(BULK_GET + "?output=csv&formulas=raw").text)]
    assert raw == [text.strip() for text in risky]


def test_a_terminator_shows_that_all_is_there(ann: Caller) -> None:
    put(ann, "A")
    assert ann.get(BULK_GET).json["count"] == 1 and ann.get(BULK_GET).json["complete"] is True
    assert ann.get(BULK_GET + "?output=ndjson&terminator=true").text.splitlines()[-1] == '{"end":{"records":1}}'
    assert ann.get(BULK_GET + "?output=csv&terminator=true").text.splitlines()[-1] == "#end,1"
    assert len(ann.get(BULK_GET + "?output=ndjson").text.splitlines()) == 1


def test_compressed_for_those_who_take_it(ann: Caller) -> None:
    put(ann, "A")
    plain = ann.get(BULK_GET)
    packed = ann.get(BULK_GET, accept_encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.data) == plain.data
    better = ann.get(BULK_GET, accept_encoding="gzip;q=0.5, zstd")
    assert better.headers["Content-Encoding"] == "zstd" and zstd.decompress(better.data) == plain.data
    assert "Content-Encoding" not in ann.get(BULK_GET, accept_encoding="gzip;q=0, identity").headers
    assert "Content-Encoding" not in ann.get(BULK_GET + "?group_by=all", accept_encoding="gzip").headers
    assert len({response.headers["ETag"] for response in (plain, packed, better)}) == 3


def test_what_is_unchanged_is_not_sent_again(ann: Caller, cat: Caller) -> None:
    put(ann, "A")
    first = ann.get(BULK_GET)
    assert first.headers["ETag"].startswith('W/"')
    again = ann.get(BULK_GET, if_none_match=first.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert cat.get(BULK_GET).headers["ETag"] != first.headers["ETag"], "each reader's answer is another one"
    assert ann.get(BULK_GET + "?limit=5").headers["ETag"] != first.headers["ETag"]
    put(ann, "A", condition="OMIM:100001")
    assert ann.get(BULK_GET, if_none_match=first.headers["ETag"]).status_code == 200


def test_head_answers_like_get_without_a_body(ann: Caller) -> None:
    put(ann, "A")
    whole, head = ann.get(BULK_GET), ann.open(BULK_GET, method="HEAD")
    assert (head.status_code, head.data) == (200, b"")
    names = ("ETag", "Content-Type", "Content-Disposition", "Vary")
    assert [head.headers[name] for name in names] == [whole.headers[name] for name in names]


def test_an_answer_has_a_file_name(ann: Caller) -> None:
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    for query, name in {
        "": f"classifications_{day}_json.json",
        "?output=redcap": f"classifications_{day}_redcap.csv",
        "?output=csv&group_by=all": f"classifications_{day}_csv.zip",
    }.items():
        assert f'filename="{name}"' in ann.get(BULK_GET + query).headers["Content-Disposition"]
    assert f"classifications_{day}_GRCh38_csv.csv" in ann.get(EXPORT + "?type=csv&build=hg38").headers["Content-Disposition"]


def test_streams_and_transactions_are_let_go(app: Any, ann: Caller) -> None:
    put(ann, "A")
    for _ in range(20):  # more than there are places and connections
        assert ann.get(BULK_GET).status_code == 200
        assert ann.open(BULK_GET, method="HEAD").status_code == 200
        assert ann.get(BULK_GET, if_none_match=ann.get(BULK_GET).headers["ETag"]).status_code == 304


def test_too_many_at_a_time_are_told_to_come_back(app: Any, ann: Caller) -> None:
    places = app.extensions[EXPORTERS]
    taken = []
    while places.take():
        taken.append(1)
    response = ann.get(BULK_GET)
    for _ in taken:
        places.leave()
    assert code_of(response) == (503, "unavailable") and response.headers["Retry-After"] == "5"
    assert ann.get(BULK_GET).status_code == 200


def test_the_export_endpoint_strips_acmg_and_names_its_source(ann: Caller) -> None:
    put(ann, "A", bp4="BS", condition='odd "acmg:bp4": { text')
    record = ann.get(EXPORT).json["records"][0]
    assert record["data"]["bp4"]["value"] == "BS" and "acmg:bp4" not in record["data"]
    assert record["data"]["condition"]["value"] == 'odd "acmg:bp4": { text'
    assert ann.get(record["source_url"]).json["id"] == "north/one/A"
    assert "acmg:bp4" in ann.get(EXPORT + "?key_names=full").json["records"][0]["data"]
    assert "acmg:bp4" in ann.get(BULK_GET).json["records"][0]["data"]


def test_share_levels_of_the_export_endpoint(ann: Caller, cat: Caller) -> None:
    put(ann, "lab", None)
    put(ann, "org", "institution")
    put(ann, "site")
    assert ids_of(ann.get(EXPORT)) == ids_of(ann.get(EXPORT + "?share_level=public")) == ["north/one/site"]
    assert ids_of(ann.get(EXPORT + "?share_level=any")) == ["north/one/lab", "north/one/org", "north/one/site"]
    assert ids_of(cat.get(EXPORT + "?share_level=any")) == ["north/one/site"]


def test_origins(ann: Caller) -> None:
    put(ann, "G")
    put(ann, "S", None, allele_origin="somatic")
    put(ann, "N", None, allele_origin=None)
    put(ann, "O", None, allele_origin="both or neither")
    found = {
        origin: ids_of(ann.get(f"{EXPORT}?share_level=any&allele_origin={origin}")) for origin in ("germline", "somatic", "other")
    }
    assert {name: [one[-1] for one in ids] for name, ids in found.items()} == {
        "germline": ["G", "N"],
        "somatic": ["S"],
        "other": ["O"],
    }


def test_a_build_says_what_is_not_on_it(ann: Caller) -> None:
    put(ann, "A", genome_build="GRCh37.p13")
    put(ann, "B", genome_build="GRCh38")
    rows = rows_of(ann.get(EXPORT + "?type=csv&build=GRCh38").text)
    assert [(row["target_genome_build"], bool(row["target_c_hgvs"]), bool(row["liftover_error"])) for row in rows] == [
        ("GRCh38", False, True), ("GRCh38", True, False),
    ]  # fmt: skip


def test_last_modified_is_the_next_since(ann: Caller) -> None:
    put(ann, "A")
    first = ann.get(EXPORT)
    since = parsedate_to_datetime(first.headers["Last-Modified"])
    assert datetime.now(UTC) - timedelta(seconds=10) < since < datetime.now(UTC)
    put(ann, "B")
    assert "north/one/B" in ids_of(ann.get(f"{EXPORT}?since={int(since.timestamp())}"))
    for text in (since.isoformat().replace("+", "%2B"), since.strftime("%Y-%m-%d"), "7d", "2w", "30m", "45s", "1"):
        assert "north/one/B" in ids_of(ann.get(f"{EXPORT}?since={text}"))


@pytest.mark.parametrize(("mode", "held"), [("ROW SHARE", True), ("ROW EXCLUSIVE", True), ("ACCESS SHARE", False)])
def test_last_modified_lies_before_changes_that_are_not_stored_yet(ann: Caller, mode: str, held: bool) -> None:
    with transaction() as other:
        began = driver(other).execute("SELECT clock_timestamp()").fetchall()[0][0]
        driver(other).execute(f"LOCK TABLE records IN {mode} MODE")
        time.sleep(3.2 if not held else 0.1)
        assert (parsedate_to_datetime(ann.get(EXPORT).headers["Last-Modified"]) < began) == held


def test_tombstones_for_what_was_withdrawn_or_deleted_since(ann: Caller, cat: Caller) -> None:
    for name, publish in (("kept", "public"), ("withdrawn", "public"), ("deleted", None), ("anew", None)):
        put(ann, name, publish)
    time.sleep(0.01)
    since = f"{time.time():.6f}"
    for name in ("withdrawn", "deleted", "anew"):
        ann.post(RECORD, {"id": f"north/one/{name}", "delete": True})
    put(ann, "anew")
    mine = ann.get(f"{EXPORT}?share_level=any&since={since}").json["records"]
    gone = [record for record in mine if record.get("delete")]
    assert [record["id"] for record in mine if not record.get("delete")] == ["north/one/anew"]
    assert {record["id"] for record in gone} == {"north/one/withdrawn", "north/one/deleted"}
    assert all(record["meta"]["lab_record_id"] == record["id"].split("/")[-1] for record in gone)
    theirs = cat.get(f"{EXPORT}?since={since}").json["records"]
    assert {(record["id"], record.get("delete", False)) for record in theirs} == {
        ("north/one/anew", False), ("north/one/withdrawn", True),
    }  # fmt: skip
    rows = rows_of(cat.get(f"{EXPORT}?type=csv&since={since}").text)
    assert {(row["lab_record_id"], row["delete"]) for row in rows} == {("anew", ""), ("withdrawn", "TRUE")}
    zipped = unzip(ann.get(f"{EXPORT}?share_level=any&since={since}&group_by=none"))
    assert set(zipped) == {"north/one/anew.json", "deleted.json"}
    assert ids_of(ann.get(f"{BULK_GET}?level=editable")) == ["north/one/kept", "north/one/anew"]


def test_full_detail_has_the_messages_of_single_reads(ann: Caller, cat: Caller) -> None:
    put(ann, "A", "public", age="around five", literature="PMID: 123456")
    for caller in (ann, cat):
        single = caller.get(RECORD + "north/one/A").json
        assert caller.get(BULK_GET + "?full_detail=true").json["records"] == [single]


def test_redcap_takes_only_records_with_its_id_and_puts_them_in_one_row(ann: Caller) -> None:
    put(ann, "A", redcap_record_id="17", zygosity={"value": "hemizygous", "note": "first"})
    put(ann, "B")
    put(ann, "C", redcap_record_id="17", bp4="BM", clinical_significance="LP")
    put(ann, "D", redcap_record_id="03")
    rows = rows_of(ann.get(BULK_GET + "?output=redcap").text)
    assert [(row["vc_record_id"], row["vc_count"]) for row in rows] == [("03", "1"), ("17", "2")]
    assert (rows[1]["vc_lab_record_id_1"], rows[1]["vc_lab_record_id_2"]) == ("A", "C")
    assert (rows[1]["vc_zygosity_n1"], rows[1]["vc_clinical_significance_2"]) == ("first", "7")
    assert rows[1]["vc_acmg_bp4_2"] == "12", "9 is taken by NA"
    assert not any(":" in name for name in rows[0])


def test_the_data_dictionary(ann: Caller) -> None:
    response = ann.get("/classification/redcap_data_dictionary.csv?repeats=2")
    rows = rows_of(response.text)
    assert rows[0]["Variable / Field Name"] == "vc_record_id"
    assert [row["Variable / Field Name"] for row in rows if row["Section Header"]] == ["vc_id_1", "vc_id_2"]
    assert ann.get("/variantclassification/redcap_data_dictionary.csv?repeats=2").data == response.data
    assert ann.get("/classification/redcap_data_dictionary.csv", if_none_match="x").status_code == 200


def test_a_superuser_sees_an_audience_s_version_and_no_hidden_cells(ann: Caller) -> None:
    put(ann, "A", "public", condition="OMIM:100001")
    put(ann, "A", None, condition="OMIM:100002")
    admin = Caller(ann.client, "admin")
    found = {level: admin.get(f"{BULK_GET}?level={level}").json["records"][0] for level in ("public", "editable")}
    assert {level: record["data"]["condition"]["value"] for level, record in found.items()} == {
        "public": "OMIM:100001", "editable": "OMIM:100002",
    }  # fmt: skip
    assert all(record["data"]["owner"]["value"] == "ann" for record in found.values())
