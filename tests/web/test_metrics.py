"""Numbers for operators: exported, documented, and those that dashboard and alerts use are among them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from docs.generators import metrics
from models import parts
from models.db import driver, transaction
from models.settings import settings
from tests.web.conftest import Caller, upserts
from worker.counts import Counts, counts

DOCS = Path(__file__).parents[2] / "docs"
NAME = re.compile(r"\bwaybill_[a-z_]+")
SUFFIXES = ("_total", "_bucket", "_count", "_sum")


def exported(client: FlaskClient) -> dict[str, float]:
    """Return each sample, as name and labels' values."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {" ".join([s.name, *sorted(s.labels.values())]): s.value for family in families for s in family.samples}


def names(client: FlaskClient) -> set[str]:
    return {line.split()[2] for line in client.get("/metrics").text.splitlines() if line.startswith("# TYPE waybill_")}


def plain(name: str) -> str:
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def beat(role: str) -> None:
    with transaction() as session:
        parts.beat(session, parts.new_part(role), counts=counts.total())


def used(text: str) -> set[str]:
    return {plain(name) for name in NAME.findall(text)}


def test_what_dashboard_and_alerts_use_is_exported(client: FlaskClient) -> None:
    offered = {plain(name) for name in names(client)}
    panels = json.loads((DOCS / "ops/grafana.json").read_text(encoding="utf-8"))["panels"]
    shown = used(" ".join(target["expr"] for panel in panels for target in panel["targets"]))
    groups = yaml.safe_load((DOCS / "ops/alerts.yml").read_text(encoding="utf-8"))["groups"]
    watched = used(" ".join(rule["expr"] for group in groups for rule in group["rules"]))
    assert shown <= offered
    assert watched <= offered
    assert offered == shown | watched  # nothing is exported that nobody looks at


def test_the_guide_shows_what_is_exported(client: FlaskClient) -> None:
    assert {metric.name for metric in metrics.read()} == {plain(name) for name in names(client)}


def test_each_alert_is_in_the_guide() -> None:
    guide = (DOCS / "guide/metrics.md").read_text(encoding="utf-8")
    groups = yaml.safe_load((DOCS / "ops/alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert f"`{rule['alert']}`" in guide
        assert rule["annotations"]["description"]


def test_requests_are_timed_by_their_route_and_never_by_their_address(ann: Caller) -> None:
    sample = "waybill_request_seconds_count /api/limits 2xx GET"
    before = exported(ann.client).get(sample, 0)
    ann.get("/api/limits")
    ann.get("/api/jobs/no-job-of-this-name")
    ann.get("/nobody-serves-this")
    after = exported(ann.client)
    assert after[sample] == before + 1
    assert after["waybill_request_seconds_count 4xx GET other"] >= 1
    assert "no-job-of-this-name" not in "".join(after)
    assert "nobody-serves-this" not in "".join(after)


def test_what_a_worker_did_is_told_by_its_heartbeat(ann: Caller, work_all: Callable[[], None]) -> None:
    before = counts.total()
    ann.send(upserts(3))
    work_all()
    beat("worker")
    after = exported(ann.client)
    name = next(sample.split()[-1] for sample in after if sample.startswith("waybill_claims_total"))
    assert after[f"waybill_claims_total {name}"] == before["claims"] + 1
    items = next(value for sample, value in after.items() if sample.startswith("waybill_items_total succeeded"))
    assert items == before["succeeded"] + 3
    assert after["waybill_recent_jobs succeeded"] == 1
    assert after["waybill_parts worker"] == 1
    assert after["waybill_parts dispatcher"] == 0


def test_open_chunks_are_told_by_queue_and_attempts(ann: Caller) -> None:
    ann.send(upserts(1))
    with transaction() as session:
        driver(session).execute("UPDATE chunks SET attempts = 7")
        driver(session).execute("UPDATE jobs SET created_on = now() - interval '1 hour', next_on = now() - interval '1 hour'")
    found = exported(ann.client)
    assert found["waybill_queue_chunks open small"] == 1
    assert found["waybill_most_attempts"] == 7
    assert found["waybill_oldest_job_seconds queued small"] == pytest.approx(3_600, abs=60)
    assert found["waybill_oldest_chunk_seconds"] == pytest.approx(3_600, abs=60)


def test_webhooks_that_wait_are_told(ann: Caller, work_all: Callable[[], None]) -> None:
    assert ann.post("/api/webhooks", {"url": "https://8.8.8.8/"}).status_code == 201
    ann.send(upserts(1))
    work_all()
    assert exported(ann.client)["waybill_webhook_deliveries_waiting"] == 1
    with transaction() as session:
        driver(session).execute("UPDATE webhooks SET status = 'disabled'")
    found = exported(ann.client)
    assert (found["waybill_webhook_deliveries_waiting"], found["waybill_webhooks_disabled"]) == (0, 1)


def test_each_process_of_a_pool_counts_in_a_row_of_its_own() -> None:
    made = Counts(settings().slots + 1)
    for row in range(settings().slots + 1):
        made.write_to(row)
        made.add("claims", row + 1)
    assert made.total()["claims"] == sum(range(settings().slots + 2))
    assert made.total()["wakes"] == 0
