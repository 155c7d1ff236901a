"""Section 13: delete, withdraw, un-withdraw. Section 14: tests. Section 15: `return_data`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hands import V2, A, cell, codes, make, read, refused, send
from tests.web.conftest import BULK, GOOD, Caller

DISCORDANCES = "/classification/api/classifications/v3/discordances"


@pytest.mark.parametrize("level", ["lab", "institution"])
def test_13_what_was_not_shared_is_deleted_for_good(ann: Caller, level: str) -> None:
    rid = make(ann, publish=level)["meta"]["id"]
    answer = send(ann, {"delete": True})
    assert (answer["deleted"], answer["meta"]["id"]) == (True, rid)
    assert ann.get(f"{V2}record/{A}").status_code == 404
    assert ann.get(f"{V2}record/{rid}").status_code == 404


@pytest.mark.parametrize("level", ["logged_in_users", "public"])
def test_13_what_was_shared_is_withdrawn(ann: Caller, cat: Caller, level: str) -> None:
    make(ann, publish=level)
    answer = send(ann, {"delete": True})
    assert (answer["withdrawn"], "deleted" in answer) == (True, False)
    for caller in (ann, cat):
        assert read(caller)["withdrawn"] is True


def test_13_deleting_what_is_not_there_succeeds(ann: Caller) -> None:
    assert send(ann, {"delete": True})["deleted"] is True
    assert send(ann, {"delete": True})["deleted"] is True


@pytest.mark.parametrize("level", ["lab", "public"])
def test_13_withdraw_by_name_at_any_level(ann: Caller, level: str) -> None:
    make(ann, publish=level)
    assert send(ann, {"delete": "withdraw"})["withdrawn"] is True
    assert read(ann)["withdrawn"] is True


def test_13_delete_false_brings_back(ann: Caller) -> None:
    make(ann)
    send(ann, {"delete": "withdraw"})
    assert send(ann, {"delete": False})["withdrawn"] is False


@pytest.mark.parametrize("delete", [True, "withdraw"])
def test_13_evidence_and_publish_beside_a_delete_are_ignored(ann: Caller, delete: Any) -> None:
    make(ann, publish="logged_in_users")
    send(ann, {"delete": delete, "patch": {"zygosity": "homozygous"}, "publish": "public"})
    assert cell(ann, "zygosity")["value"] == "hemizygous"
    assert read(ann)["publish"] == "logged_in_users"


def test_13_the_withdrawn_are_out_of_searches_selections_and_discordances(ann: Caller, cat: Caller) -> None:
    make(ann, {"clinical_significance": "P"}, publish="logged_in_users")
    make(cat, {"clinical_significance": "B"}, name="south/one/A", publish="logged_in_users")
    search = {"selection": [{"search": {"filter": ["gene_symbol", "is", "CBS"]}}]}
    assert len(ann.post(BULK + "get", search).json["result"]["records"]) == 2
    assert len(ann.get(DISCORDANCES).json["discordances"]) == 1

    send(ann, {"delete": True})

    assert ann.post(BULK + "get", search).json["result"]["records"] == ["south/one/A"]
    assert ann.post(BULK + "get", {"selection": [A]}).json["result"]["records"] == [A]
    assert ann.get(DISCORDANCES).json["discordances"] == []


@pytest.mark.parametrize(
    "operation",
    [{"patch": {}}, {"patch": {"zygosity": "homozygous"}}, {"upsert": GOOD}, {"publish": "public"}, {}, {"overwrite": GOOD}],
)
def test_13_any_submission_without_a_delete_brings_back(ann: Caller, operation: dict[str, Any]) -> None:
    make(ann, publish="logged_in_users")
    send(ann, {"delete": True})
    answer = send(ann, operation)
    assert (answer["withdrawn"], "withdrawn" in codes(answer)) == (False, False)


def test_13_withdrawing_twice_is_harmless(ann: Caller) -> None:
    make(ann, publish="public")
    first, second = send(ann, {"delete": True}), send(ann, {"delete": True})
    assert (first["withdrawn"], second["withdrawn"], second["status"]) == (True, True, "unchanged")


@pytest.mark.parametrize("reason", ["SHARED_BY_MISTAKE", "DUPLICATE", "SENSITIVE_DATA", "OTHER"])
def test_13_a_withdrawal_may_have_a_reason(ann: Caller, reason: str) -> None:
    make(ann, publish="public")
    assert codes(send(ann, {"delete": True, "delete_reason": reason})) == []


@pytest.mark.parametrize(
    "operation",
    [
        {"patch": {"zygosity": "homozygous"}},
        {"overwrite": {}},
        {"delete": True},
        {"delete": "withdraw"},
        {"publish": "public"},
        {"patch": {"zygosity": "homozygous"}, "publish": "public"},
    ],
)
def test_14_a_test_is_answered_and_stores_nothing(ann: Caller, operation: dict[str, Any]) -> None:
    make(ann)
    before = read(ann)
    answer = send(ann, {**operation, "test": True})
    assert read(ann) == before
    assert codes(answer)[-1] == "test_mode"
    assert "data" in answer
    assert "messages" in answer
    assert not {"shared"} & set(codes(answer))
    assert "deleted" not in answer
    assert answer["withdrawn"] is False


def test_14_the_record_that_a_test_would_create_has_no_number(ann: Caller) -> None:
    answer = send(ann, {"create": GOOD, "test": True})
    assert (answer["meta"]["id"], answer["meta"]["can_write"]) == (None, False)
    assert answer["data"]["gene_symbol"]["value"] == "CBS"
    assert ann.get(f"{V2}record/{A}").status_code == 404


def test_14_errors_stay_errors(ann: Caller) -> None:
    make(ann)
    assert refused(ann, {"create": {}, "test": True}) == (409, "already_exists")


@pytest.mark.parametrize("wanted", [None, False])
def test_15_without_return_data_there_is_none(ann: Caller, wanted: Any) -> None:
    assert "data" not in make(ann, return_data=wanted)


def test_15_true_gives_all_cells(ann: Caller) -> None:
    data = make(ann, return_data=True)["data"]
    assert data == read(ann)["data"]
    assert data["zygosity"] == {"value": "hemizygous", "immutable": "api"}


def test_15_flat_gives_one_level(ann: Caller) -> None:
    sent = {
        "zygosity": {"value": "nonsense", "note": "n", "explain": "e"},
        "mode_of_inheritance": "other, autosomal_dominant",
        "literature": "PMID: 123456",
        "sex": None,
    }
    data = make(ann, sent, return_data="flat")["data"]
    assert (data["zygosity"], data["zygosity.note"], data["zygosity.explain"]) == ("nonsense", "n", "e")
    assert data["zygosity.immutable"] == "api"
    assert data["zygosity.validation"][0]["code"] == "invalid_value"
    assert data["mode_of_inheritance"] == "autosomal_dominant, other"
    assert data["literature.db_refs"][0]["id"] == "PMID: 123456"
    assert "sex" not in data
    assert not any(value is None for value in data.values())


def test_15_changes_gives_what_this_post_changed(ann: Caller) -> None:
    made = make(ann, return_data="changes")["data"]
    assert {"c_hgvs", "gene_symbol", "refseq_transcript_id", "owner", "zygosity"} <= made.keys()
    patch = {"zygosity": "homozygous", "condition": GOOD["condition"]}
    assert send(ann, {"patch": patch, "return_data": "changes"})["data"].keys() == {"zygosity"}
    assert send(ann, {"patch": patch, "return_data": "changes"}).get("data", {}) == {}
