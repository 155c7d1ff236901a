"""What is put on a site while it suffers, who watches it, and who counts afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.faults.faults import Fault
from tests.faults.site import KEY, Site

POLL_SECONDS = 0.2
SUBMIT_SECONDS = 0.7
GRACE = 6.0  # seconds after a fault's end until what it took away must be back
RANKS = {"queued": 0, "processing": 1, "done": 2, "rejected": 2}
STEPS = ("create", "patch", "patch")
COUNTS = ("succeeded", "failed", "skipped", "noop", "cancelled")
MISCOUNTED = """
SELECT j.id, j.status, j.total, j.succeeded, count(o.index), count(DISTINCT o.index),
    count(*) FILTER (WHERE o.status = 'succeeded')
FROM jobs j LEFT JOIN outcomes o ON o.job_id = j.id GROUP BY j.id
HAVING j.status <> 'done' OR count(o.index) <> j.total OR count(DISTINCT o.index) <> j.total OR j.succeeded <> j.total
    OR count(*) FILTER (WHERE o.status = 'succeeded') <> j.total
"""
UNDONE = "SELECT job_id, no, status FROM chunks WHERE status <> 'done' OR next_item <> size"
WRONG = """
SELECT r.lab_record_id, r.evidence->'condition'->>'value', count(v.version)
FROM records r LEFT JOIN versions v ON v.record_id = r.id
GROUP BY r.id HAVING count(v.version) <> 3 OR r.evidence->'condition'->>'value' <> 'step 2' LIMIT 5
"""


def load(prefix: str, records: int) -> list[dict[str, Any]]:
    """Return three operations a record; none can take effect twice unseen: a version would be too many, or a value old."""
    return [
        {"id": f"north/one/{prefix}-{number}", verb: {"condition": f"step {step}"}}
        for step, verb in enumerate(STEPS)
        for number in range(records)
    ]


@dataclass
class Watcher:
    """Polls all jobs each 200 ms, and submits a small job now and then; notes whatever must not be."""

    site: Site
    violations: list[str] = field(default_factory=list)
    longest_poll: float = 0.0
    longest_submit: float = 0.0
    polls: int = 0
    unanswered: int = 0
    refused: int = 0
    repeated: int = 0
    tokens: dict[str, str] = field(default_factory=dict)  # idempotency key -> token
    open_jobs: int = 0
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    quiet: threading.Event = field(default_factory=threading.Event)  # no more jobs are to be submitted
    silent: threading.Event = field(default_factory=threading.Event)  # and none is on its way

    def poll(self, session: requests.Session) -> None:
        """Look at every job once."""
        begun = time.monotonic()
        try:
            answer = session.get(self.site.url + "/api/jobs", params={"page.size": 1000}, headers=KEY, timeout=40)
        except requests.RequestException as error:
            self.unanswered += 1
            self.blame("web", begun, f"no answer to a poll: {type(error).__name__}")
            return
        self.polls += 1
        self.longest_poll = max(self.longest_poll, time.monotonic() - begun)
        if self.is_good(answer, 200, begun):
            jobs = answer.json()["jobs"]
            self.open_jobs = sum(RANKS[job["status"]] < 2 for job in jobs)
            for job in jobs:
                self.check(job)

    def check(self, job: dict[str, Any]) -> None:
        """Counters sum to the total at every look, and nothing goes back."""
        if sum(job[name] for name in COUNTS) + job["remaining"] != job["total"]:
            self.violations.append(f"counters do not add up: {job}")
        now = RANKS[job["status"]], -job["remaining"]
        before = self.seen.get(job["token"], now)
        if now[0] < before[0] or now[1] < before[1]:
            self.violations.append(f"went back from {before}: {job}")
        self.seen[job["token"]] = now

    def is_good(self, answer: requests.Response, wanted: int, begun: float) -> bool:
        """Say whether an answer is the wanted one; a 503 that says when to come again is what may come instead, in need."""
        if answer.status_code == wanted:
            return True
        if answer.status_code == 503 and "Retry-After" in answer.headers:
            self.refused += 1
            self.blame("database", begun, "503")
        elif answer.status_code != 409:
            self.violations.append(f"answered {answer.status_code}: {answer.text[:300]}")
        return False

    def blame(self, what: str, begun: float, text: str) -> None:
        """Note a failure that no fault explains."""
        if not self.site.is_excused(what, begun):
            self.violations.append(f"{text} with {what} as it should be")

    def submit(self, number: int) -> None:
        """Submit a small job with a key, again and again with the same key until it is taken."""
        key, operations = f"small {number}", load(f"small-{number}", 2)
        while key not in self.tokens and not self.stopping.is_set():
            begun = time.monotonic()
            try:
                answer = self.site.post(operations, Idempotency_Key=f'"{key}"')
            except requests.RequestException as error:
                self.repeated += 1
                self.blame("web", begun, f"no answer to a submit: {type(error).__name__}")
                self.stopping.wait(0.3)
                continue
            self.longest_submit = max(self.longest_submit, time.monotonic() - begun)
            if self.is_good(answer, 202, begun):
                self.tokens[key] = answer.json()["result"]["job.token"]
            else:
                self.repeated += 1
                self.stopping.wait(0.3)

    def keep_polling(self) -> None:
        """Poll until told to stop."""
        with requests.Session() as session:
            while not self.stopping.wait(POLL_SECONDS):
                self.poll(session)

    def keep_submitting(self) -> None:
        """Submit until told to be quiet."""
        number = 0
        while not self.quiet.wait(SUBMIT_SECONDS):
            self.submit(number)
            number += 1
        self.silent.set()

    def nothing_open(self) -> bool:
        """every job final"""
        return not self.site.query("SELECT id FROM jobs WHERE status IN ('queued', 'processing')")

    def settled(self) -> bool:
        """every job taken, and final"""
        self.quiet.set()
        return self.silent.is_set() and self.nothing_open()

    def account(self) -> None:
        """Count: every item has one outcome, took effect once, and the keys name one job each."""
        assert not self.violations, self.violations[:5]
        for sql in (MISCOUNTED, UNDONE, WRONG):
            found = self.site.query(sql)
            assert not found, found[:5]
        stored = {str(row[0]) for row in self.site.query("SELECT token FROM jobs WHERE idempotency_key IS NOT NULL")}
        assert stored == set(self.tokens.values())
        assert len(stored) == len(self.tokens)


@contextmanager
def watching(site: Site) -> Iterator[Watcher]:
    """Watch a site for the length of a block."""
    watcher = Watcher(site)
    threads = [threading.Thread(target=target) for target in (watcher.keep_polling, watcher.keep_submitting)]
    for thread in threads:
        thread.start()
    try:
        yield watcher
    finally:
        watcher.quiet.set()
        watcher.stopping.set()
        for thread in threads:
            thread.join(60)


def strike(site: Site, fault: Fault) -> None:
    """Let a fault come and go."""
    for what in fault.excuses:
        site.excuse(what, 3600)
    fault.begin(site)
    site.tend_for(fault.seconds)
    fault.end(site)
    for what in fault.excuses:
        del site.excused[what]
        site.excuse(what, GRACE)


@dataclass(frozen=True)
class Storm:
    """Faults from a seed, one after the other with pauses in between."""

    seed: int
    faults: tuple[Fault, ...]
    number: int

    def rage(self, site: Site, watcher: Watcher) -> list[str]:
        """Let all faults strike, for as long as there is work for them to disturb. Returns their names."""
        dice = random.Random(self.seed)
        site.dice = dice
        struck = []
        for _ in range(self.number):
            site.tend_for(dice.uniform(0.2, 2.0))
            fault = dice.choice(self.faults)
            struck.append(fault.name + ("" if site.query(OPEN_BULK) != [(0,)] else " (idle)"))
            strike(site, fault)
        return struck


OPEN_BULK = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'processing') AND queue = 'bulk'"
