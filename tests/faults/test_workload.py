"""Faults that lie in the work: a cancel, rights that end, two jobs that want the same records in opposite order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.faults.faults import kill_all_workers, workers_back
from tests.faults.site import KEY, Site
from tests.faults.storm import Watcher, load

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
LEASE, SLACK = 2, 5  # seconds
SITE_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "50", "WAYBILL_REDISPATCH_AFTER": str(LEASE)}
RECORDS = 400
STATUSES = "SELECT o.index, o.status, o.code, o.target FROM outcomes o JOIN jobs j ON j.id = o.job_id WHERE j.token = %s"
VERSIONS = "SELECT coalesce(sum(number), 0) FROM (SELECT count(*) AS number FROM versions GROUP BY record_id) v"
STARTED_LATE = """
SELECT count(*) FROM chunks c JOIN jobs j ON j.id = c.job_id WHERE c.claimed_on > j.cancel_requested_on + interval '2 s'
"""
TAKEN = """
DELETE FROM lab_members m USING users u WHERE u.id = m.user_id AND u.username = 'ann' RETURNING m.user_id, m.lab_id
"""
SOME = "SELECT id FROM jobs WHERE succeeded > 100"


def test_f36_a_cancelled_job_ends_and_the_records_are_as_its_outcomes_say(
    clean_site: Site, record_property: Callable[[str, object], None]
) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    token = site.submit(load("big", RECORDS))
    site.tend_until(lambda: site.query(SOME), 30)
    begun = time.monotonic()
    answers = [requests.post(f"{site.url}/api/jobs/{token}/cancel", headers=KEY, timeout=10).status_code for _ in range(2)]
    assert set(answers) <= {200, 202} and answers[0] == 202
    site.tend_until(watcher.nothing_open, 30)
    seconds = time.monotonic() - begun
    assert requests.post(f"{site.url}/api/jobs/{token}/cancel", headers=KEY, timeout=10).status_code == 200
    told = Counter(row[1] for row in site.query(STATUSES, token))
    assert set(told) == {"succeeded", "cancelled"} and told.total() == 3 * RECORDS
    assert site.query("SELECT outcome, succeeded, cancelled FROM jobs WHERE token = %s", token) == [
        ("cancelled", told["succeeded"], told["cancelled"])
    ]
    assert site.query(VERSIONS) == [(told["succeeded"],)]
    assert site.query(STARTED_LATE) == [(0,)]
    record_property("seen", f"F36   cancel: final {seconds:.1f} s after it; {dict(told)}")


def test_x13_a_job_that_nobody_works_on_is_shown_as_stalled_and_heals(
    clean_site: Site, record_property: Callable[[str, object], None]
) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    token = site.submit(load("big", RECORDS))
    site.tend_until(lambda: site.query(SOME), 30)
    kill_all_workers(site)
    begun = time.monotonic()
    site.tend_until(lambda: shown(site, token)["stalled"], 2 * LEASE + SLACK)
    seconds = time.monotonic() - begun
    workers_back(site)
    site.tend_until(watcher.nothing_open, 60)
    after = shown(site, token)
    assert (after["status"], after["outcome"], after["stalled"]) == ("done", "succeeded", False)
    watcher.account()
    record_property("seen", f"X13   stalled shown {seconds:.1f} s after the last worker's death")


def shown(site: Site, token: str) -> dict[str, Any]:
    """Return a job as its owner sees it."""
    with requests.get(f"{site.url}/api/jobs/{token}", headers=KEY, timeout=10) as answer:
        found: dict[str, Any] = answer.json()
    return found


def test_f34_items_after_the_end_of_the_submitters_rights_are_refused_and_those_before_stay(
    clean_site: Site, record_property: Callable[[str, object], None]
) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    token = site.submit(load("big", RECORDS))
    site.tend_until(lambda: site.query(SOME), 30)
    rights = site.query(TAKEN)
    try:
        site.tend_until(watcher.nothing_open, 60)
    finally:
        site.query("INSERT INTO lab_members (user_id, lab_id) VALUES (%s, %s)", *rights[0])
    told = Counter((row[1], row[2]) for row in site.query(STATUSES, token))
    assert set(told) == {("succeeded", None), ("failed", "forbidden")} and told.total() == 3 * RECORDS
    assert site.query(VERSIONS) == [(told["succeeded", None],)]
    record_property("seen", f"F34   rights withdrawn: {dict(told)}")


def test_f30_jobs_that_want_the_same_records_in_opposite_order_both_end(
    clean_site: Site, record_property: Callable[[str, object], None]
) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    site.submit([{"id": f"north/one/r{number}", "create": {"condition": "new"}} for number in range(100)])
    site.tend_until(watcher.nothing_open, 30)
    order = list(range(100)) * 6
    tokens = [
        site.submit([{"id": f"north/one/r{number}", "patch": {"condition": f"{name} {at}"}} for at, number in enumerate(numbers)])
        for name, numbers in (("up", order), ("down", order[::-1]))
    ]
    site.tend_until(watcher.nothing_open, 60)
    for token in tokens:
        assert Counter(row[1] for row in site.query(STATUSES, token)) == {"succeeded": 600}
    last = {f"up {500 + number}" for number in range(100)} | {f"down {599 - number}" for number in range(100)}
    values = {row[0] for row in site.query("SELECT evidence->'condition'->>'value' FROM records")}
    assert len(values) == 100 and values <= last, "each record has the last value of one of the jobs"
    attempts = site.query("SELECT sum(attempts), count(*) FROM chunks")[0]
    record_property("seen", f"F30   opposite order: attempts {attempts[0]} for {attempts[1]} chunks")
