"""The reference is whole: what the code has stands in it, with a meaning and a remedy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs.generators import PARTS, calls, commands, errors, metrics, project_calls, settings
from models import settings as settings_module
from web.app import create_app
from web.projects import openapi

ASKED = re.compile(r"(?:env|source)\.\w+\(\s*\"(\w+)\"")
ITEM_CODES = re.compile(r"\bcode=\"([a-z_]+)\"")
CODE = Path(settings_module.__file__).parents[1]


def test_every_setting_has_a_meaning() -> None:
    asked = set(ASKED.findall(Path(settings_module.__file__).read_text(encoding="utf-8")))
    found = {one.name: one for one in settings.read()}
    assert set(found) == asked
    silent = [name for name, one in found.items() if not one.meaning]
    assert not silent, "say in a comment beside its field in models/settings.py what it is"


def test_a_setting_is_told_as_it_is() -> None:
    found = {one.name: one for one in settings.read()}
    assert (found["PORT"].kind, found["PORT"].default) == ("whole number", "8080")
    assert int(found["DISPATCH_WINDOW"].default) == 2 * int(found["LANES"].default)
    assert found["MAX_OPERATIONS"].group == settings.LIMITS
    assert found["PAUSE_AT"].for_tests and not found["HOME"].for_tests
    assert "| `67108864` (64 MiB) |" in "\n".join(settings.pages())


def test_every_error_has_a_meaning_and_a_remedy() -> None:
    silent = [one.name for one in errors.read() if not one.remedy or not one.meaning]
    assert not silent, f"add what to do to {errors.REMEDIES}, and the meaning to the class"


def test_no_remedy_is_for_a_code_that_is_gone() -> None:
    known = {one.name for one in errors.read()}
    written = re.findall(r"^([a-z_]+) = |^\[items\.([a-z_]+)\]", errors.REMEDIES.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name or item for name, item in written} - {"meaning", "remedy"} <= known


def test_every_code_that_an_item_may_end_with_is_told() -> None:
    used = {code for room in ("models", "worker", "web") for file in (CODE / room).rglob("*.py")
            for code in ITEM_CODES.findall(file.read_text(encoding="utf-8"))}  # fmt: skip
    assert used
    assert used <= {one.name for one in errors.read()}


def test_a_metric_is_told_with_its_labels() -> None:
    found = {metric.name: metrics.labels(metric) for metric in metrics.read()}
    assert found["waybill_request_seconds"] == ("method", "route", "status")
    assert found["waybill_items"] == ("part", "outcome")


def test_every_call_of_the_document_is_told() -> None:
    text = "\n".join(calls.pages())
    for method, path, _ in calls.read():
        assert f"`{method} {path}`" in text
    assert len(calls.read()) > 40


def test_every_area_of_the_calls_has_some() -> None:
    heads = {line.removeprefix("## ") for line in calls.pages() if line.startswith("## ")}
    assert heads == {title for _, title in calls.AREAS}


def test_the_document_beside_the_table_is_the_servers_with_its_examples() -> None:
    served = create_app().test_client().get("/api/openapi.json").get_json()
    assert json.loads(calls.document()) == served


def test_every_call_of_projects_is_told_once_with_what_it_takes_and_gives() -> None:
    lines = list(project_calls.pages())
    document = json.loads(project_calls.document())
    told = [next(line for line in lines if f"`{method} {path}`" in line) for method, path, _ in project_calls.read()]
    assert len(set(told)) == len(document["paths"])
    search = next(line for line in told if "`POST /api/p/{project}/records/search`" in line)
    assert "| `language`, `q?`," in search
    assert "| `records`, `records.size`, `records.complete`; data: `records`," in search
    move = next(line for line in told if "`POST /api/p/{project}/records/bulk/move`" in line)
    assert "`selection`" in move and "`job.token`" in move
    assert any("records/bulk/create`" in line and "| `test?`, `records` |" in line for line in told)
    assert "- `POST /api/reset`" in lines


def test_every_area_of_the_calls_of_projects_has_some() -> None:
    lines = list(project_calls.pages())
    heads = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert heads == [*project_calls.AREAS, project_calls.NOT_OFFERED]
    assert all(lines[lines.index(f"## {area}") + 4].startswith("| `") for area in project_calls.AREAS)


def test_the_document_of_projects_is_the_servers() -> None:
    assert json.loads(project_calls.document()) == create_app().test_client().get(openapi.DOCUMENT).get_json()


def test_every_command_is_told_with_its_options() -> None:
    text = "\n".join(commands.pages())
    for words, one in commands.commands():
        assert f"### {words}\n" in text
        assert one.help, f"{words} has no help"
    assert "`--dry-run`" in text
    assert str(Path.home()) not in text.replace("/home/you", "")


@pytest.mark.parametrize("name", sorted(PARTS.keys() - {"refusals"}))
def test_a_table_has_as_many_cells_in_every_row(name: str) -> None:
    rows = [line for line in PARTS[name]() if line.startswith("| ")]
    assert rows
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    heads = [width for row, width in zip(rows, widths, strict=True) if set(row) <= set("|- ")]
    assert set(widths) == set(heads)
