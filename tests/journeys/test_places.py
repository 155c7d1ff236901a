"""A catalogue as it is loaded in life: the places of the world, in twelve languages, in one body."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from models.catalogue.importing import import_accounts
from models.db import transaction
from tests.processes import Parts
from waybill import Client
from waybill.places import FILE, Catalogue

DATA = Path(__file__).parents[2] / "data"
ACCOUNTS = json.loads((DATA / "accounts.json").read_text(encoding="utf-8"))
KEY = next(user["api_key"] for user in ACCOUNTS["users"] if user["name"] == "catalogue_owner")
PROJECT = ACCOUNTS["projects"][0]


@pytest.fixture(scope="module")
def catalogue(parts: Parts) -> Catalogue:
    with transaction() as session:
        import_accounts(session, ACCOUNTS)
    return Catalogue(Client(parts.url, KEY), PROJECT["gid"])


@pytest.mark.timeout(300)
def test_the_places_are_loaded_whole_and_a_second_load_changes_nothing(catalogue: Catalogue) -> None:
    assert catalogue.make_schema() == 30
    job = catalogue.load(DATA / FILE).wait(180)
    assert (job.outcome, job.total, job.succeeded) == ("succeeded", 42_237, 42_237)
    again = catalogue.load(DATA / FILE).wait(180)
    assert (again.outcome, again.noop) == ("succeeded", 42_237)
    assert Catalogue(catalogue.client, PROJECT["gid"]).make_schema() == 0
    with gzip.open(DATA / FILE) as file:
        sent = [json.loads(next(file)) for _ in range(60)]
    found = catalogue.call("records/get", records=[place["gid"] for place in sent])["data"]["records"]
    for place in sent:
        shown = found[place["gid"]]
        assert {language: title for language, title in shown["title"].items() if title} == place["title"]
        assert shown["channels"] == ["__all__", *place["channels"]]
        for language, values in place["fields"].items():
            assert {name: shown["fields"][language][name] for name in values} == values
    world = sent[0]["gid"]
    regions = catalogue.call("records/children", record=world, ordering=PROJECT["orderings"][0]["key"])
    assert regions["result"]["children.size"] == 6
    titles = [regions["data"]["records"][gid]["title"]["en"] for gid in regions["result"]["children"]]
    assert titles == sorted(titles)
