"""The list of evidence keys (contract section 19)."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from flask.testing import FlaskClient

KEYS = "/classification/api/evidence_keys"
MEMBERS = (
    "key", "label", "value_type", "category", "order", "position", "mandatory", "immutable", "hide", "copy_consensus",
    "allow_custom_values", "default_strength", "namespace",
)  # fmt: skip


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value or type(value) is int}


def test_it_tells_all_that_a_client_needs_to_check_values_itself(client: FlaskClient) -> None:
    known = json.loads(files("models.classifications").joinpath("evidence_keys.json").read_bytes())["keys"]
    listed = client.get(KEYS).json

    assert [key["key"] for key in listed] == [key["key"] for key in known]
    names = {"category": "evidence_category"}
    for told, meant in zip(listed, known, strict=True):
        expected = {names.get(name, name): value for name, value in _filled(meant).items() if name in MEMBERS}
        assert {name: told[name] for name in told if name in {*MEMBERS, "evidence_category"}} == expected
        assert told["max_share_level"] == meant["max_share_level"]
        assert told.get("options", []) == list(map(_filled, meant.get("options", [])))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("key=BP4", {"acmg:bp4"}),
        ("key=acmg:bp4", {"acmg:bp4"}),
        ("key=nothing", set()),
        ("value_type=B", {"nmd_escaping_variant"}),
        ("mandatory=true", {"genome_build", "zygosity", "allele_origin", "condition"}),
        ("max_share_level=lab", {"somatic:summary_interpretation"}),
        ("max_share_level=institution", {"owner", "curated_by", "curation_verified_by"}),
        ("value_type=U&mandatory=false", {"owner"}),
        ("q=zygosity&mandatory=true", {"zygosity"}),
        ("value_type=S&mandatory=true&evidence_category=V", {"allele_origin", "zygosity"}),
        ("namespace=none", set()),
    ],
)
def test_filters(client: FlaskClient, query: str, names: set[str]) -> None:
    found = {key["key"] for key in client.get(f"{KEYS}?{query}").json}
    assert found == names


@pytest.mark.parametrize(("query", "number"), [("value_type=C", 45), ("namespace=acmg", 28), ("immutable=true", 9)])
def test_filters_count(client: FlaskClient, query: str, number: int) -> None:
    found = client.get(f"{KEYS}?{query}").json
    assert len([key for key in found if key["value_type"] == "C" or "namespace" not in query]) == number


@pytest.mark.parametrize("query", ["value_type=X", "mandatory=maybe", "what=ever", "max_share_level=user", "key="])
def test_what_is_asked_wrongly_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"{KEYS}?{query}").status_code == 400


def test_each_answer_has_its_own_etag_and_the_version_of_the_set(client: FlaskClient) -> None:
    every, some = client.get(KEYS), client.get(f"{KEYS}?key=zygosity")
    assert every.headers["ETag"] != some.headers["ETag"]
    assert every.headers["Evidence-Keys-Version"] == some.headers["Evidence-Keys-Version"]
    assert client.get(f"{KEYS}?key=zygosity", headers={"If-None-Match": some.headers["ETag"]}).status_code == 304
