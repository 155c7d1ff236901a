"""The page at a well-used installation: how long the server takes for all that a view asks for when it is opened.

A view's time is that of its requests one after the other, on one connection, from the sending to the last byte. The goal is in
milliseconds, on the machine that the figures were seen on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import quote

from bench.filling import PROJECT, Filled, fill
from bench.measures import Row
from bench.stand import Stand

GOAL = 300  # milliseconds
TRIES = 10
FACE = "/classification/api/classifications"
GET = f"{FACE}/v2/records/bulk/get"


@dataclass(frozen=True)
class Ask:
    """One request of a view."""

    path: str
    json: Mapping[str, Any] | None = None

    def send(self, product: Stand) -> Any:
        """Send it and read its answer whole."""
        method = "GET" if self.json is None else "POST"
        headers = {"Prefer": "respond-async"}
        answer = product.session.request(method, product.url + self.path, json=self.json, headers=headers, timeout=120)
        if answer.status_code >= 400:
            raise RuntimeError(f"{self.path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()


@dataclass(frozen=True)
class View:
    """A view of the page: what it asks for."""

    name: str
    asks: tuple[Ask, ...]


def _records(**search: Any) -> Ask:
    """Return what the record browser asks for, as web/static/records.js does."""
    asked = {"selection": [{"search": search}], "allow_all": not search, "glance": True}
    return Ask(GET, {**asked, "page.size": 25, "page.cursor": None})


def _call(rule: str, **params: Any) -> Ask:
    return Ask(f"/api/p/{PROJECT}/{rule}", params)


def views(filled: Filled) -> list[View]:
    """Return the views with what each asks for."""
    job = f"/api/jobs/{filled.large}"
    record = f"{FACE}/v2/record/{filled.record}"
    older, newer = filled.versions
    keys = Ask("/classification/api/evidence_keys")
    languages = {"languages": ["en"]}
    page = {**languages, "page.size": 50}
    filters: dict[str, Any] = {
        "a gene": ["gene_symbol", "is", "BRCA1"],
        "a gene and a class": ["and", ["gene_symbol", "is", "BRCA1"], ["clinical_significance", "is", "P"]],
        "a lab": ["lab", "is", "bench_0/lab_0"],
        "changed since": ["updated_on", ">", "2020-01-01T00:00:00Z"],
        "withdrawn": ["withdrawn", "is", True],
        "a condition": ["condition", "q", "segregates"],
        "a value is filled": ["curation_date", "exists"],
    }
    rare, begun = "F00007B00000500", "F0000*"
    searches = {"a common word": "BRCA1", "a rare word": rare, "two words": "BRCA1 segregates", "a beginning": begun}
    return [
        View("sign in", (Ask("/api/jobs?page.size=1"),)),
        View("dashboard", (Ask("/api/jobs?page.size=25"), Ask("/api/figures?minutes=60&mine=true"), Ask("/sync/cursors"),
                           Ask("/api/notices/unseen"))),
        View("jobs by state, kind and tag", (Ask("/api/jobs?page.size=25&status=done&name=undo&tag=weekly"),)),
        View("jobs of a tag that none has", (Ask("/api/jobs?page.size=25&tag=none"),)),
        View("a large job", (Ask(job), Ask(f"{job}/digest"), Ask(f"{job}/results?status=failed&page.size=50"))),
        View("items of a job as sent", (Ask(f"{job}/inputs?index=0,4,8"),)),
        View("all items of a job", (Ask(f"{job}/results?page.size=50"),)),
        View("records: nothing asked", (keys,)),
        View("records: all", (keys, _records())),
        *[View(f"records: {name}", (_records(q=q),)) for name, q in searches.items()],
        *[View(f"records where {name}", (_records(filter=tree),)) for name, tree in filters.items()],
        View("a selection's preview begun", (Ask(f"{FACE}/v2/records/bulk/publish", {
            "selection": [{"search": {"filter": ["and", filters["a gene and a class"], filters["a lab"]]}}], "publish": "public",
            "test": True,
        }),)),
        View("a record with its versions", (keys, Ask(record), Ask(f"{record}/versions?page.size=20"))),
        View("two versions compared", (Ask(f"{record}/diff?from={older:.6f}&to={newer:.6f}"),)),
        View("discordances", (Ask(f"{FACE}/v3/discordances?page.size=20"),)),
        View("discordances of a gene", (Ask(f"{FACE}/v3/discordances?page.size=20&gene=BRCA1"),)),
        View("discordances of a lab", (Ask(f"{FACE}/v3/discordances?page.size=20&lab={quote('bench_0/lab_0', safe='')}"),)),
        View("discordances within a bucket", (Ask(f"{FACE}/v3/discordances?page.size=20&kind=within"),)),
        View("projects", (Ask("/api/init", {}),)),
        View("a project's tree", (_call("init", omit_extended_definitions=True), _call("records/root", **languages))),
        View("a project's search", (_call("records/search", q="amber", glance=True, language="en", **page),)),
        View("a record of a project", (_call("records/worksheet", record=filled.thing, **page),)),
        View("operations", (Ask("/api/figures?minutes=1440"), Ask("/health/ready"))),
        View("webhooks", (Ask("/api/webhooks"),)),
        View("a webhook's deliveries", (Ask(f"/api/webhooks/{filled.webhook}/deliveries?page.size=25"),)),
        View("a webhook's failed deliveries", (Ask(f"/api/webhooks/{filled.webhook}/deliveries?page.size=25&status=failed"),)),
        View("notices", (Ask("/api/notices?page.size=25"),)),
        View("submit", (Ask("/api/limits"),)),
        View("API reference", (Ask("/api/openapi.json"),)),
    ]  # fmt: skip


def measure(product: Stand, records: int, jobs: int) -> list[Row]:
    """Fill the product and time every view."""
    began = time.perf_counter()
    filled = fill(product, records, jobs)
    print(f"filled with {records:,} records and {jobs:,} jobs in {time.perf_counter() - began:.0f} s", flush=True)
    return [_timed(product, view) for view in views(filled)]


def _timed(product: Stand, view: View) -> Row:
    times = [_once(product, view) for _ in range(TRIES + 1)][1:]  # the first one warms up
    middle = median(times)
    row = Row(f"page: {view.name}, in ms", [middle], f"<= {GOAL}", f"best {min(times):,.0f}, worst {max(times):,.0f} of {TRIES}")
    print(f"{'SLOW ' if middle > GOAL else ''}{row.name} {middle:,.0f}, {row.figures}", flush=True)
    return row


def _once(product: Stand, view: View) -> float:
    began = time.perf_counter()
    for ask in view.asks:
        ask.send(product)
    return (time.perf_counter() - began) * 1_000
