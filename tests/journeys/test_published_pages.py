"""The examples of the published pages, posted as they stand there. What their layout lost on the way is restored."""

from __future__ import annotations

import pytest

from tests.journeys.people import V2, Caller, codes, open_labs
from tests.processes import Parts

LAB = "xyz_pathology/north_street_lab"
EVIDENCE = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T",
    "genome_build": "GRCh37",
    "clinical_significance": "VUS",
    "zygosity": "hemizygous",
    "bp4": True,
    "mode_of_inheritance": ["autosomal_dominant", "autosomal_recessive"],
    "literature": "Found a book PMID: 342244",
}


@pytest.fixture(scope="module")
def north(parts: Parts) -> Caller:
    """A member of the lab of the examples."""
    open_labs(north=[LAB], sister=["xyz_pathology/south_street_lab"], stranger=["abc_genetics/main"])
    return Caller(parts.url, "the-key-of-north")


@pytest.fixture(scope="module")
def sister(north: Caller) -> Caller:
    """A member of another lab of the same organisation."""
    return Caller(north.url, "the-key-of-sister")


@pytest.fixture(scope="module")
def stranger(north: Caller) -> Caller:
    """A member of another organisation."""
    return Caller(north.url, "the-key-of-stranger")


def a_record(north: Caller, name: str, **more: object) -> dict[str, object]:
    """Store a record that has all it needs to be shared."""
    whole = EVIDENCE | {"condition": "OMIM:236200", "allele_origin": "germline"}
    return dict(north.post({"id": f"{LAB}/{name}", "create": whole, **more}))


def test_the_opening_example_is_stored_and_its_changes_come_back(north: Caller) -> None:
    answer = north.post({"id": f"{LAB}/F03432", "data": EVIDENCE, "publish": "institution", "return_data": "changes"})
    assert answer["id"] == f"{LAB}/F03432"
    assert answer["data"]["acmg:bp4"]["value"] == "BP"
    assert answer["data"]["mode_of_inheritance"]["value"] == ["autosomal_dominant", "autosomal_recessive"]
    assert answer["data"]["literature"]["db_refs"][0]["id"] == "PMID: 342244"
    assert answer["data"]["gene_symbol"]["value"] == "CBS"


def test_the_opening_example_lacks_what_sharing_needs_today(north: Caller) -> None:
    answer = north.post({"id": f"{LAB}/F03433", "data": EVIDENCE, "publish": "institution", "return_data": "changes"})
    assert answer["publish"] == "lab"
    assert codes(answer) == ["patched", "share_failure"]
    errors = [message["key"] for message in answer["messages"] if message["severity"] == "error"]
    assert sorted(errors) == ["allele_origin", "condition"]


def test_the_delete_example_removes_what_was_never_shared(north: Caller) -> None:
    a_record(north, "D-1")
    assert north.post({"id": f"{LAB}/D-1", "delete": True})["deleted"] is True
    assert north.get(f"{V2}{LAB}/D-1").status_code == 404
    assert north.post({"id": f"{LAB}/D-1", "delete": True})["deleted"] is True


def test_an_id_is_a_text_an_object_or_a_number(north: Caller) -> None:
    made = north.post({"id": {"lab_id": LAB, "lab_record_id": "F05"}, "create": EVIDENCE})
    rid, version = made["meta"]["id"], made["meta"]["version"]
    for form in (rid, str(rid), f"{LAB}/F05", {"rid": rid}, {"lab_id": LAB, "lab_record_id": "F05"}):
        assert north.post({"id": form, "patch": {}})["meta"]["id"] == rid
    assert north.record(f"{LAB}/F05.{version:.6f}")["meta"]["title"] == f"{LAB}/F05.{version:.6f}"


def test_a_version_is_read_only(north: Caller) -> None:
    version = a_record(north, "F06")["meta"]["version"]  # type: ignore[index]
    answer = north.send("POST", V2, json={"id": f"{LAB}/F06.{version:.6f}", "patch": {"ps1": "NM"}})
    assert (answer.status_code, answer.json()["code"]) == (400, "read_only_version")


def test_a_record_without_a_name_gets_one(north: Caller) -> None:
    answer = north.post({"id": {"lab_id": LAB}, "create": EVIDENCE})
    assert len(answer["meta"]["lab_record_id"]) == 36
    assert north.record(answer["meta"]["id"])["id"] == answer["id"]


def test_the_evidence_example_sets_clears_and_locks(north: Caller) -> None:
    a_record(north, "E-1")
    cells = {
        "literature": "Found a book PMID: 342244",
        "affected_status": {"value": "yes", "note": "Need to double check this"},
        "condition": {"value": None},
        "search_terms": None,
    }
    answer = north.post({"id": f"{LAB}/E-1", "upsert": cells, "return_data": True})
    assert answer["data"]["affected_status"] == {"value": "yes", "note": "Need to double check this", "immutable": "api"}
    assert answer["data"]["condition"]["immutable"] == "api"
    assert answer["data"]["condition"].get("value") is None
    assert answer["data"]["search_terms"] == {"immutable": "api"}


def test_create_of_a_known_record_and_patch_of_an_unknown_one_will_error(north: Caller) -> None:
    a_record(north, "C-1")
    known = north.send("POST", V2, json={"id": f"{LAB}/C-1", "create": EVIDENCE})
    assert (known.status_code, known.json()["code"]) == (409, "already_exists")
    unknown = north.send("POST", V2, json={"id": f"{LAB}/nobody", "patch": EVIDENCE})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_the_publish_example_shares_with_the_institution(north: Caller, sister: Caller, stranger: Caller) -> None:
    rid = a_record(north, "P-1")["meta"]["id"]  # type: ignore[index]
    assert sister.get(f"{V2}{rid}").status_code == 404
    answer = north.post({"id": str(rid), "publish": "institution"})
    assert (answer["publish"], codes(answer)) == ("institution", ["shared"])
    assert sister.record(rid)["meta"]["can_write"] is False
    assert stranger.get(f"{V2}{rid}").status_code == 404


def test_a_wider_audience_keeps_what_was_shared_with_it_on_monday(north: Caller, sister: Caller, stranger: Caller) -> None:
    name = f"{LAB}/P-2"
    a_record(north, "P-2", publish="logged_in_users")
    north.post({"id": name, "patch": {"clinical_significance": "LP"}, "publish": "institution"})
    assert sister.record(name)["data"]["clinical_significance"]["value"] == "LP"
    assert stranger.record(name)["data"]["clinical_significance"]["value"] == "VUS"


def test_a_shared_record_is_withdrawn_and_comes_back_with_the_next_submission(north: Caller, stranger: Caller) -> None:
    a_record(north, "W-1", publish="global")
    assert north.post({"id": f"{LAB}/W-1", "delete": True})["withdrawn"] is True
    assert stranger.record(f"{LAB}/W-1")["withdrawn"] is True
    assert north.post({"id": f"{LAB}/W-1", "upsert": {}})["withdrawn"] is False


@pytest.mark.parametrize("bare", [False, True], ids=["an object with records", "a JSON array instead of a dictionary"])
def test_the_bulk_example_answers_one_result_an_operation(north: Caller, bare: bool) -> None:
    first, second = (a_record(north, f"B-{bare}-{number}")["meta"]["id"] for number in (77, 78))  # type: ignore[index]
    operations = [{"id": first, "patch": {"ps1": "NM"}}, {"id": second, "delete": True}]
    results = north.post(operations if bare else {"records": operations})["results"]
    assert results[0]["meta"]["id"] == first
    assert results[0]["changed_keys"] == ["acmg:ps1"]
    assert results[1]["deleted"] is True
    assert north.get(f"{V2}{second}").status_code == 404


def test_a_dry_run_says_what_would_happen_and_stores_nothing(north: Caller) -> None:
    answer = north.post({"id": f"{LAB}/T-1", "upsert": EVIDENCE, "test": True})
    assert answer["meta"]["id"] is None
    assert "test_mode" in codes(answer)
    assert north.get(f"{V2}{LAB}/T-1").status_code == 404


def test_return_data_flat_has_one_level(north: Caller) -> None:
    noted = {"zygosity": {"value": "hemizygous", "note": "seen twice"}}
    answer = north.post({"id": f"{LAB}/R-1", "upsert": EVIDENCE | noted, "return_data": "flat"})
    assert answer["data"]["zygosity"] == "hemizygous"
    assert answer["data"]["zygosity.note"] == "seen twice"
    assert answer["data"]["mode_of_inheritance"] == "autosomal_dominant, autosomal_recessive"


def test_worked_example_create_and_share(north: Caller) -> None:
    evidence = {
        "c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37", "clinical_significance": "vous",
        "zygosity": {"value": "Hemizygous", "note": "check parent"}, "condition": "OMIM:236200", "allele_origin": "germline",
        "bp4": True, "mode_of_inheritance": "autosomal_recessive, autosomal_dominant",
    }  # fmt: skip
    answer = north.post({"id": f"{LAB}/A-1", "upsert": evidence, "publish": "institution", "return_data": "flat"})
    expected = {
        "clinical_significance": "VUS", "zygosity": "hemizygous", "zygosity.note": "check parent", "acmg:bp4": "BP",
        "mode_of_inheritance": "autosomal_dominant, autosomal_recessive", "gene_symbol": "CBS",
    }  # fmt: skip
    assert {key: answer["data"][key] for key in expected} == expected
    assert (answer["publish"], codes(answer)) == ("institution", ["patched", "shared"])


def test_worked_example_refused_share(north: Caller) -> None:
    evidence = {"c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37"}
    answer = north.post({"id": f"{LAB}/A-2", "create": evidence, "publish": "logged_in_users"})
    assert (answer["publish"], codes(answer)) == ("lab", ["patched", "share_failure"])
    errors = {message["key"]: message["code"] for message in answer["messages"] if message["severity"] == "error"}
    mandatory = dict.fromkeys(("allele_origin", "condition", "zygosity"), "mandatory")
    assert errors == mandatory | {"clinical_significance": "missing_significance"}


def test_worked_example_bulk_with_one_failure(north: Caller) -> None:
    rid = a_record(north, "A-3")["meta"]["id"]  # type: ignore[index]
    answer = north.post({"records": [{"id": rid, "patch": {"ps1": "NM"}}, {"id": f"{LAB}/none", "patch": {"ps1": "NM"}}]})
    good, bad = answer["results"]
    assert good["meta"]["id"] == rid
    assert bad["internal_error"] == bad["error"]["detail"]
    assert bad["error"]["code"] == "not_found"


@pytest.mark.parametrize("prefix", ["/classification", "/variantclassification"])
def test_both_prefixes_and_all_versions_are_served(north: Caller, prefix: str) -> None:
    a_record(north, f"V-{prefix[1:]}")
    for version in ("", "v1/", "v2/", "v3/"):
        answer = north.get(f"{prefix}/api/classifications/{version}record/{LAB}/V-{prefix[1:]}").json()
        flat = version in ("", "v1/")
        assert ("meta" in answer, "publish_level" in answer) == (not flat, flat)


def test_the_key_list_is_open(north: Caller) -> None:
    keys = Caller(north.url, "no key").get("/classification/api/evidence_keys")
    assert keys.status_code == 200
    assert len(keys.json()) == 330
