"""Sections 18.2 and 18.3: bulk GET and the export endpoint."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from tests.contract.hands import A, make, read, send
from tests.web.conftest import Caller

BULK_GET = "/variantclassification/api/classifications/record/"
EXPORT = "/classification/api/classifications/export"
FIXED = [
    "id", "lab", "lab_record_id", "share_level", "version", "liftover_error", "target_genome_build", "target_c_hgvs",
    "acmg_criteria", "evidence_weights", "citations", "in_discordance",
]  # fmt: skip
EVERYWHERE = [f"{prefix}/api/classifications/{path}record/" for prefix in ("/classification", "/variantclassification")
              for path in ("", "v1/", "v2/", "v3/")]  # fmt: skip


def _get(caller: Caller, query: str = "", path: str = BULK_GET) -> Any:
    answer = caller.get(path + query)
    assert answer.status_code == 200, answer.text
    return answer


def _names(caller: Caller, query: str = "", path: str = BULK_GET) -> list[str]:
    return [record["id"] for record in _get(caller, query, path).json["records"]]


def _rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


def _entries(answer: Any) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def shared(ann: Caller, cat: Caller) -> None:
    """Records at each level; `w` is withdrawn."""
    make(ann, {"acmg:bs1": "BS"}, name="north/one/lab")
    make(ann, {"bp4": True, "pm2": "PM"}, name="north/one/site", publish="logged_in_users")
    make(ann, {"c_hgvs": "NM_000071.2(CBS):c.1A>T"}, name="north/one/world", publish="public")
    make(cat, name="south/one/theirs", publish="public")
    make(ann, name="north/one/w", publish="public")
    send(ann, {"delete": True}, "north/one/w")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("path", EVERYWHERE)
def test_18_2_it_is_served_at_every_address_of_the_record_call(ann: Caller, path: str) -> None:
    records = _get(ann, path=path).json["records"]
    assert len(records) == 3
    assert all(("meta" in record) is ("/v1/" not in path) for record in records)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("level", "found"),
    [
        ("editable", {"north/one/lab", "north/one/site", "north/one/world"}),
        ("public", {"north/one/world", "south/one/theirs"}),
        ("logged_in_users", {"north/one/site", "north/one/world", "south/one/theirs"}),
        ("loggd_in_users", {"north/one/site", "north/one/world", "south/one/theirs"}),
        (None, {"north/one/site", "north/one/world", "south/one/theirs"}),
    ],
)
def test_18_2_levels(ann: Caller, level: str | None, found: set[str]) -> None:
    assert set(_names(ann, f"?level={level}" if level else "")) == found


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?labs_include=south/one", {"south/one/theirs"}),
        ("?labs_include=south/one,no/lab", {"south/one/theirs"}),
        ("?labs_excluded=south/one", {"north/one/site", "north/one/world"}),
    ],
)
def test_18_2_labs_in_and_out(ann: Caller, query: str, found: set[str]) -> None:
    assert set(_names(ann, query)) == found


def test_18_2_editable_shows_unpublished_changes_and_a_level_what_was_published(ann: Caller) -> None:
    make(ann, publish="logged_in_users")
    send(ann, {"patch": {"zygosity": "homozygous"}})
    seen = [
        _get(ann, f"?level={level}").json["records"][0]["data"]["zygosity"]["value"] for level in ("editable", "logged_in_users")
    ]
    assert seen == ["homozygous", "hemizygous"]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("group_by=all", 1),
        ("group_by=none", {"north/one/site.json", "north/one/world.json", "south/one/theirs.json"}),
        ("group_by=variant", 2),
        ("group_by=zygosity", 1),
        ("group_by=none&output=csv", {"north/one/site.csv", "north/one/world.csv", "south/one/theirs.csv"}),
    ],
)
def test_18_2_groups_are_entries_of_a_zip(ann: Caller, query: str, names: Any) -> None:
    found = _entries(_get(ann, "?" + query))
    assert (found.keys() == names) if isinstance(names, set) else (len(found) == names), found.keys()
    if "csv" not in query:
        assert sum(len(json.loads(entry)) for entry in found.values()) == 3


@pytest.mark.usefixtures("shared")
def test_18_2_without_groups_it_is_one_document(ann: Caller) -> None:
    assert len(_get(ann, "?group_by=").json["records"]) == 3
    assert len(_rows(_get(ann, "?output=csv"))) == 3


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("number", [0, 1, 2, 100])
def test_18_2_limit(ann: Caller, number: int) -> None:
    assert len(_names(ann, f"?limit={number}")) == min(number, 3)


def test_18_2_after_counts_the_time_of_sharing(ann: Caller) -> None:
    make(ann, name="north/one/early", publish="logged_in_users")
    make(ann, name="north/one/late")
    moment = read(ann, "north/one/late")["meta"]["version"]
    send(ann, {"publish": "logged_in_users"}, "north/one/late")
    send(ann, {"patch": {"zygosity": "homozygous"}}, "north/one/early")
    assert _names(ann, f"?after={moment:.6f}") == ["north/one/late"]
    assert _names(ann, f"?after={moment:.6f}&level=editable") == ["north/one/late"]


@pytest.mark.parametrize(
    "query", ["level=nobody", "output=pdf", "limit=many", "after=yesterday", "group_by=nothing_known", "x=1"]
)
def test_18_2_what_is_not_specified_is_400(ann: Caller, query: str) -> None:
    assert ann.get(f"{BULK_GET}?{query}").status_code == 400


@pytest.mark.usefixtures("shared")
def test_18_2_the_csv_has_fixed_columns_then_evidence_in_key_order(ann: Caller) -> None:
    answer = _get(ann, "?output=csv&formulas=raw")
    header = answer.get_data(as_text=True).split("\r\n")[0].split(",")
    positions = {key["key"]: at for at, key in enumerate(ann.get("/classification/api/evidence_keys").json)}
    keys = [name for name in header if name in positions]

    assert header[: len(FIXED)] == FIXED
    assert keys == sorted(keys, key=positions.__getitem__)
    assert {"acmg:bp4", "zygosity"} <= set(keys)
    assert "acmg:bs1" not in keys  # used by a record alone that is not in it
    row = next(row for row in _rows(answer) if row["lab_record_id"] == "site")
    assert (row["acmg_criteria"], row["evidence_weights"], row["zygosity"]) == ("PM2, BP4", "1xBP, 1xPM", "hemizygous")


def test_18_2_the_csv_writes_values_as_specified(ann: Caller) -> None:
    evidence = {"mode_of_inheritance": ["other", "autosomal_dominant"], "nmd_escaping_variant": True,
                "sex": {"value": "male", "note": "said so"}}  # fmt: skip
    make(ann, evidence, publish="logged_in_users")
    row = _rows(_get(ann, "?output=csv"))[0]
    assert (row["mode_of_inheritance"], row["nmd_escaping_variant"], row["sex.note"]) == (
        "autosomal_dominant, other",
        "TRUE",
        "said so",
    )


def test_18_2_hidden_cells_say_so(ann: Caller, cat: Caller) -> None:
    make(ann, {"curated_by": "secret"}, publish="public")
    assert _rows(_get(cat, "?output=csv"))[0]["curated_by"] == "(hidden)"


def test_18_2_redcap_has_one_row_for_each_of_its_ids(ann: Caller) -> None:
    for name, redcap in (("a", "7"), ("b", "7"), ("c", "8"), ("d", None)):
        make(ann, {"redcap_record_id": redcap, "bp4": True}, name=f"north/one/{name}", publish="logged_in_users")
    rows = _rows(_get(ann, "?output=redcap"))
    assert [(row["vc_record_id"], row["vc_count"]) for row in rows] == [("7", "2"), ("8", "1")]
    assert [rows[0][f"vc_lab_record_id_{number}"] for number in (1, 2)] == ["a", "b"]
    assert not any(":" in name for name in rows[0]), "REDCap takes no colons"


def test_18_2_the_data_dictionary_is_served(ann: Caller) -> None:
    answer = _get(ann, path="/classification/redcap_data_dictionary.csv")
    assert "vc_record_id" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"north/one/site", "north/one/world", "south/one/theirs"}),
        ("share_level=public", {"north/one/site", "north/one/world", "south/one/theirs"}),
        ("share_level=any", {"north/one/lab", "north/one/site", "north/one/world", "south/one/theirs"}),
        ("exclude_orgs=south", {"north/one/site", "north/one/world"}),
        ("exclude_labs=north/one", {"south/one/theirs"}),
        ("include_labs=south/one", {"south/one/theirs"}),
        ("allele_origin=somatic", set()),
        ("row_limit=0", set()),
    ],
)
def test_18_3_the_export_endpoint_takes_what_the_reference_takes(ann: Caller, query: str, names: set[str]) -> None:
    assert set(_names(ann, f"?type=json&build=GRCh37&{query}", EXPORT)) == names


@pytest.mark.parametrize("since", ["7d", "2w", "30m", "45s", "3", "2020-01-01", "1557189685"])
def test_18_3_since_in_every_form(ann: Caller, since: str) -> None:
    make(ann, publish="logged_in_users")
    assert _names(ann, f"?since={since}", EXPORT) == [A]


def test_18_3_since_tells_what_was_withdrawn(ann: Caller) -> None:
    make(ann, publish="logged_in_users")
    send(ann, {"delete": True})
    (told,) = _get(ann, "?since=1d", EXPORT).json["records"]
    assert (told["id"], told["delete"], "data" in told) == (A, True, False)
    assert _get(ann, "", EXPORT).json["records"] == []


def test_18_3_last_modified_and_a_file_name(ann: Caller) -> None:
    answer = _get(ann, "?type=csv&build=GRCh37", EXPORT)
    assert answer.headers["Last-Modified"]
    assert "classifications_" in answer.headers["Content-Disposition"]


def test_18_3_json_strips_acmg_and_names_its_source(ann: Caller) -> None:
    make(ann, {"bp4": True}, publish="logged_in_users")
    record = _get(ann, "?type=json", EXPORT).json["records"][0]
    assert record["data"]["bp4"]["value"] == "BP"
    assert "acmg:bp4" not in record["data"]
    assert record["source_url"]


LEFT_OUT = ("exclude_discordances", "exclude_transient", "html_handling", "transcript_strategy", "allele", "inject_source_url")
DISPUTED = {"g_hgvs": "NC_000021.8:g.44478268C>T"}


def test_18_2_a_table_tells_what_is_in_a_discordance(ann: Caller, cat: Caller) -> None:
    level = "logged_in_users"
    make(ann, DISPUTED | {"clinical_significance": "P"}, name="north/one/a", publish=level)
    make(ann, DISPUTED | {"clinical_significance": "B", "allele_origin": "somatic"}, name="north/one/other_origin", publish=level)
    make(ann, {"g_hgvs": "NC_000021.8:g.44478269C>T"}, name="north/one/other_variant", publish=level)
    make(cat, DISPUTED | {"clinical_significance": "LP"}, name="south/one/b", publish=level)
    assert set(_disputed(ann)) == {"FALSE"}, "two words of one bucket"

    make(cat, DISPUTED | {"clinical_significance": "B"}, name="south/one/c")
    assert set(_disputed(cat)) == {"FALSE"}, "not shared"
    send(cat, {"publish": level}, "south/one/c")
    assert _disputed(ann) == _disputed(cat) == ["TRUE", "FALSE", "FALSE", "TRUE", "TRUE"]
    assert [row["in_discordance"] for row in _rows(_get(ann, "?output=csv&labs_include=south/one"))] == ["TRUE", "TRUE"]
    send(cat, {"delete": True}, "south/one/c")
    assert set(_disputed(ann)) == {"FALSE"}, "withdrawn ones are out"


def _disputed(caller: Caller) -> list[str]:
    return [row["in_discordance"] for row in _rows(_get(caller, "?output=csv"))]


def test_18_3_the_export_endpoint_names_discordances_and_terms(ann: Caller, cat: Caller) -> None:
    make(ann, DISPUTED | {"clinical_significance": "P", "condition": "MONDO:0009352 and OMIM 236200"}, publish="public")
    quiet = _get(ann, "?type=csv", EXPORT)
    assert "discordant" not in _get(ann, "", EXPORT).json["records"][0]
    make(cat, DISPUTED | {"clinical_significance": "B", "condition": "words alone"}, name="south/one/b", publish="public")
    rows = _rows(_get(ann, "?type=csv&include_labs=north/one", EXPORT))
    assert [row["discordance_status"] for row in rows] == ["active discordance"]
    assert [row["discordance_status"] for row in _rows(quiet)] == [""]
    assert {row["resolved_condition"] for row in _rows(_get(ann, "?type=csv", EXPORT))} == {"MONDO:0009352, OMIM:236200", ""}
    told = _get(ann, "", EXPORT).json["records"]
    assert [(one["discordant"], one["discordant_status"]) for one in told] == [(True, "active discordance")] * 2


def test_18_2_a_discordance_of_others_makes_another_answer(ann: Caller, cat: Caller) -> None:
    make(ann, DISPUTED | {"clinical_significance": "P"}, publish="public")
    query = "?output=csv&labs_include=north/one"
    first = _get(ann, query)
    assert ann.open(BULK_GET + query, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    moment = read(ann)["meta"]["version"] + 1e-3
    make(cat, DISPUTED | {"clinical_significance": "B"}, name="south/one/b", publish="public")
    again = ann.open(BULK_GET + query, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, _rows(again)[0]["in_discordance"]) == (200, "TRUE")
    send(cat, {"patch": {"clinical_significance": "LP"}, "publish": "public"}, "south/one/b")
    now, then = (_rows(_get(ann, f"{query}{more}"))[0] for more in ("", f"&as_of={moment:.6f}"))
    assert (now["in_discordance"], then["in_discordance"]) == ("FALSE", "FALSE")
    between = read(cat, "south/one/b")["meta"]["version"] - 1e-6
    assert _rows(_get(ann, f"{query}&as_of={between:.6f}"))[0]["in_discordance"] == "TRUE"


def test_18_3_what_nothing_here_knows_is_empty(ann: Caller) -> None:
    make(ann, {"clingen_allele_id": "CA114360"}, publish="logged_in_users")
    row = _rows(_get(ann, "?type=csv&build=GRCh37&formulas=raw", EXPORT))[0]
    assert (row["internal_allele_id"], row["resolved_clingen_allele_id"]) == ("", "CA114360")
    assert "pending_clinical_significance" not in row
    for name in LEFT_OUT:
        refused = ann.get(f"{EXPORT}?{name}=1")
        assert (refused.status_code, refused.json["code"]) == (400, "unknown_field")
