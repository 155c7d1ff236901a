"""Dashboard, alerts and compose files: what they name exists, and they are as their tools want them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generators import metrics, settings
from tests.docs.blocks import ROOT

OPS = ROOT / "docs" / "ops"
SELECTOR = re.compile(r"(waybill_\w+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
SUFFIXES = {"gauge": ("",), "counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
SERIES = {metric.name + suffix: set(metrics.labels(metric)) for metric in metrics.read() for suffix in SUFFIXES[metric.type]}
EVERYWHERE = {"instance", "job", "le"}
COMPOSE = sorted(OPS.glob("compose.*.yml"))


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((OPS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((OPS / "grafana.json").read_text(encoding="utf-8"))["panels"]
    return found


EXPRESSIONS = [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel.get("targets", ())]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_series_and_labels_that_there_are(expression: str) -> None:
    used = SELECTOR.findall(expression)
    assert used
    labels = {label for series, _ in used for label in SERIES[series]} | EVERYWHERE
    for series, selected in used:
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selected)) <= SERIES[series] | EVERYWHERE
    assert {name.strip() for names in GROUPED.findall(expression) for name in names.split(",") if name.strip()} <= labels
    assert _balanced(expression)


def _balanced(expression: str) -> bool:
    closing = {")": "(", "]": "[", "}": "{"}
    open_: list[str] = []
    for sign in expression:
        if sign in closing.values():
            open_.append(sign)
        elif sign in closing and (not open_ or open_.pop() != closing[sign]):
            return False
    return not open_


def test_counters_are_only_looked_at_as_rates() -> None:
    for expression in EXPRESSIONS:
        for counter in re.findall(r"waybill_\w+_(?:total|bucket|count|sum)\b", expression):
            assert re.search(rf"(?:rate|increase)\({counter}(?:\{{[^}}]*\}})?\[", expression), expression


def test_an_alert_says_how_bad_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 5
    for rule in rules():
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
        shown = re.findall(r"\{\{ \$labels\.(\w+) \}\}", rule["annotations"]["summary"])
        assert all(f"by ({label})" in rule["expr"] for label in shown)


def test_panels_have_numbers_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.name)
def test_a_compose_file_is_valid_and_passes_known_settings(file: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    known = {f"WAYBILL_{one.name}" for one in settings.read()}
    services = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    assert {name for service in services.values() for name in service.get("environment", ())} <= known


def test_workers_elsewhere_have_what_workers_here_have() -> None:
    here = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["worker"]
    there = yaml.safe_load((OPS / "compose.workers.yml").read_text(encoding="utf-8"))["services"]["worker"]
    assert set(there["environment"]) == set(here["environment"])
    alike = set(here["environment"]) - {"WAYBILL_DATABASE_URL", "WAYBILL_BROKER_URL"}
    assert {name: there["environment"][name] for name in alike} == {name: here["environment"][name] for name in alike}
    for part in ("command", "read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period", "init"):
        assert there[part] == here[part]
