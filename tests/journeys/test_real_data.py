"""A loading run as labs do it, with real classifications: in bulk, once more, from an earlier state, with mistakes."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from models.db import transaction
from models.identity.service import import_accounts
from tests.journeys.people import open_labs
from tests.processes import Parts
from waybill import Client, JobState, Result

DATA = Path(__file__).parents[2] / "data"
ACCOUNTS = json.loads((DATA / "accounts.json").read_text(encoding="utf-8"))
KEY = next(user["api_key"] for user in ACCOUNTS["users"] if user["name"] == "clingen_loader")
EARLIER, NOW, WITHDRAWALS = "clingen_operations_earlier", "clingen_operations", "clingen_withdrawals"


@pytest.fixture(scope="module")
def loader(parts: Parts) -> Client:
    """The sample user who is in every lab of the data."""
    with transaction() as session:
        import_accounts(session, ACCOUNTS)
    return Client(parts.url, KEY)


def lines(name: str) -> int:
    with gzip.open(DATA / f"{name}.ndjson.gz") as file:
        return sum(1 for _ in file)


def load(loader: Client, name: str) -> tuple[JobState, list[Result]]:
    """Send a file in one POST; return the finished job and all outcomes."""
    begun = time.monotonic()
    with (DATA / f"{name}.ndjson.gz").open("rb") as body:
        accepted = loader.submit_body(body, encoding="gzip")
    assert time.monotonic() - begun < 10, "a large body is taken at once, not when it is done"
    assert accepted.state.total == lines(name)
    job = accepted.wait(90)
    results = list(accepted.results())
    assert (job.status, job.total, job.remaining) == ("done", lines(name), 0)
    assert [result.index for result in results] == list(range(job.total))
    assert [result.line for result in results] == list(range(1, job.total + 1))
    assert Counter(result.status for result in results) == {
        status: number for status, number in job.raw.items() if status in ("succeeded", "failed", "noop") and number
    }
    return job, results


def words(results: list[Result]) -> Counter[str]:
    return Counter(result.word for result in results)


def said(results: list[Result]) -> Counter[str]:
    return Counter(message["code"] for result in results for message in (result.result or {}).get("patch_messages", ()))


def versions(results: list[Result]) -> dict[str | None, float]:
    return {result.id: (result.result or {})["meta"]["version"] for result in results}


@pytest.mark.timeout(300)
def test_load_re_sync_repeat_and_withdraw(loader: Client) -> None:
    job, earlier = load(loader, EARLIER)
    assert (job.outcome, words(earlier)) == ("succeeded", {"created": 5_107})

    job, now = load(loader, NOW)
    # 634 lines differ; 52 of them in nothing but the gene symbol, which is locked once it has a value
    assert (job.outcome, words(now)) == ("succeeded", {"created": 971, "updated": 634 - 52, "unchanged": 4_473 + 52})
    assert said(now)["immutable"] == 119  # 53 gene symbols, and 33 transcripts that are in c_hgvs too

    job, again = load(loader, NOW)
    assert (job.outcome, job.noop) == ("succeeded", 6_078)
    assert versions(again) == versions(now)

    job, gone = load(loader, WITHDRAWALS)
    assert (job.outcome, words(gone)) == ("succeeded", {"withdrawn": 7})
    assert all(loader.record(str(result.id))["withdrawn"] for result in gone)


def test_every_item_that_fails_says_why_and_where(parts: Parts) -> None:
    open_labs(mixed=["mixed/lab"])
    good = {"c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37"}
    mistakes: list[tuple[dict[str, object], str, str | None]] = [
        ({"id": "mixed/lab/0", "create": good}, "already_exists", "/create"),
        ({"id": "mixed/lab/none", "patch": good}, "not_found", "/id"),
        ({"id": "nowhere/lab/1", "upsert": good}, "unknown_lab", "/id"),
        ({"id": "mixed/lab/1", "upsert": good, "patch": good}, "ambiguous_operation", "/patch"),
        ({"id": "mixed/lab/1", "upsert": good, "publish": "everybody"}, "invalid_publish", "/publish"),
        ({"upsert": good}, "invalid_id", "/id"),
    ]
    operations = [{"id": f"mixed/lab/{number}", "upsert": good} for number in range(200)]
    places = range(7, 7 + len(mistakes))
    for place, (operation, _, _) in zip(places, mistakes, strict=True):
        operations.insert(place, operation)
    with Client(parts.url, "the-key-of-mixed") as client:
        sent = client.submit(operations)
        job, failed = sent.wait(60), list(sent.failures())
    assert (job.outcome, job.succeeded, job.failed) == ("partial", 200, len(mistakes))
    assert [result.index for result in failed] == list(places)
    told = [(result.error or {}).get("code") for result in failed]
    assert told == [code for _, code, _ in mistakes]
    pointers = [(result.error or {}).get("pointer") for result in failed]
    assert pointers == [pointer for _, _, pointer in mistakes]
    assert all((result.error or {}).get("detail") for result in failed)


def test_the_same_key_and_body_are_one_job(loader: Client) -> None:
    with (DATA / f"{WITHDRAWALS}.ndjson.gz").open("rb") as body:
        first = loader.submit_body(body, encoding="gzip", key="withdrawals of today")
        body.seek(0)
        second = loader.submit_body(body, encoding="gzip", key="withdrawals of today")
    assert first.token == second.token


def test_a_search_over_what_was_loaded_pages_completely(loader: Client) -> None:
    operations = [{"id": f"clingen/pten_vcep/paged-{number:03}", "upsert": {"gene_symbol": "PAGED1"}} for number in range(57)]
    loader.submit(operations).wait(60)
    found = [record["id"] for record in loader.records([{"search": {"filter": ["gene_symbol", "is", "PAGED1"]}}], size=10)]
    assert sorted(found) == [operation["id"] for operation in operations]
    assert loader.record(found[0])["data"]["gene_symbol"]["value"] == "PAGED1"
