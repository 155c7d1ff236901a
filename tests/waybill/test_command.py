"""The command against a server that answers as it is told: what it prints, how it ends, what it remembers."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from tests.waybill.stub import ACCEPTED, Server, accepted, job, refusal
from waybill import Patience, config, exits
from waybill.cli import OTHERS, SECTIONS, main

Run = Callable[..., Result]
RECORD = "/classification/api/classifications/v2/record/"


@pytest.fixture
def run(server: Server, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command as a user of the stub."""
    monkeypatch.setenv("WAYBILL_URL", server.url)
    monkeypatch.setenv("WAYBILL_KEY", "a key")
    monkeypatch.setenv("WAYBILL_PATIENCE", "1")
    return lambda *words, **more: CliRunner().invoke(main, words, prog_name="waybill", **more)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "o.ndjson"
    path.write_text("".join(f'{{"id": {number}}}\n' for number in range(150)))
    return str(path)


@pytest.mark.parametrize(("state", "code"), [
    (job(), 0), (job(outcome="partial"), 3), (job(outcome="failed"), 4), (job(status="rejected", outcome=None), 5),
    (job(outcome="cancelled"), 6),
])  # fmt: skip
def test_it_ends_by_the_outcome(server: Server, run: Run, file: str, state: Any, code: int) -> None:
    server.always |= {RECORD: ACCEPTED, "/api/jobs/t": state}
    assert run("submit", file).exit_code == code
    assert run("watch", "t").exit_code == code


@pytest.mark.parametrize(("answer", "code", "told"), [
    (refusal(401, "unauthorized"), exits.NO_ACCESS, "waybill login"), (refusal(403, "forbidden"), exits.NO_ACCESS, "forbidden"),
    (refusal(404, "not_found"), exits.ERROR, "not_found"), ((200, {}, b"<html>"), exits.ERROR, "Is this a Waybill server?"),
])  # fmt: skip
def test_a_refusal_is_a_sentence_with_a_remedy_and_no_trace(server: Server, run: Run, answer: Any, code: int, told: str) -> None:
    server.always["/api/jobs?page.size=1"] = answer
    server.always["/api/jobs/t"] = job()
    found = run("watch", "t")
    assert (found.exit_code, "Traceback" in found.output) == (code, False)
    assert told in found.output


def test_nobody_there_is_a_sentence_with_a_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waybill.commands.terminal.FIRST", Patience(0))
    found = run("jobs", "--url", "http://127.0.0.1:9", env={"WAYBILL_URL": ""})
    assert found.exit_code == exits.UNREACHABLE
    assert "nothing answers there" in found.output and "waybill doctor" in found.output


def test_errors_are_json_where_that_is_asked_for(server: Server, run: Run) -> None:
    server.always["/api/jobs?page.size=1"] = refusal(401, "unauthorized")
    error = json.loads(run("jobs", "--json").stderr)["error"]
    assert error["code"] == "unauthorized" and "waybill login" in error["remedy"]


def test_a_file_is_sent_once_until_it_is_to_be_sent_again(server: Server, run: Run, file: str) -> None:
    server.always |= {RECORD: ACCEPTED, "/api/jobs/t": job(total=150, succeeded=150)}
    first = json.loads(run("submit", file, "--json").stdout)
    again = json.loads(run("submit", file, "--json").stdout)
    assert (first["sent_before"], again["sent_before"], first["tokens"]) == (False, True, again["tokens"])
    assert len(server.asked()) == 2, "one file, two parts"
    anew = json.loads(run("submit", file, "--json", "--again").stdout)
    assert (anew["sent_before"], len(server.asked())) == (False, 4)
    keys = [seen.headers["idempotency-key"] for seen in server.asked()]
    assert len(set(keys)) == 4


def test_a_run_that_was_stopped_goes_on_with_the_part_that_is_missing(server: Server, run: Run, file: str) -> None:
    parts = [accepted("a"), refusal(400, "stopped"), accepted("b")]
    server.always |= {RECORD: lambda _: parts.pop(0), "/api/jobs/a": job("a", total=100), "/api/jobs/b": job("b", total=50)}
    stopped = run("submit", file)
    assert stopped.exit_code == exits.ERROR
    assert "100 operations" in stopped.output
    done = json.loads(run("submit", file, "--json").stdout)
    assert (done["tokens"], done["job"]["total"]) == (["a", "b"], 150)
    keys = [seen.headers["idempotency-key"] for seen in server.asked()]
    assert keys[1] == keys[2] != keys[0]


def test_what_was_lost_here_is_known_to_the_server_by_the_same_keys(
    server: Server, run: Run, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always |= {RECORD: ACCEPTED, "/api/jobs/t": job(total=150)}
    for folder in "ab":
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / folder))
        run("submit", file)
    first, second = server.asked()[:2], server.asked()[2:]
    assert [(seen.headers["idempotency-key"], seen.body) for seen in first] == [
        (seen.headers["idempotency-key"], seen.body) for seen in second
    ]


def test_a_dry_run_is_another_run_and_asks_for_no_change(server: Server, run: Run, file: str) -> None:
    validate = "/classification/api/classifications/v2/records/bulk/validate"
    server.always |= {RECORD: ACCEPTED, validate: ACCEPTED, "/api/jobs/t": job()}
    assert "nothing was stored" in run("submit", file, "--dry-run").output
    assert [seen.place for seen in server.asked()] == [f"POST {validate}"] * 2
    run("submit", file)
    assert len(server.asked()) == 4


def test_standard_input_is_a_file_too(server: Server, run: Run) -> None:
    server.always |= {RECORD: ACCEPTED, "/api/jobs/t": job()}
    assert run("submit", "-", input='{"id": 1}\n').exit_code == 0
    assert run("submit", "-", input="").exit_code != 0


def test_several_files_end_as_the_worst_mixture(server: Server, run: Run, file: str, tmp_path: Path) -> None:
    other = tmp_path / "p.json"
    other.write_text('[{"id": 1}]')
    tokens = iter("aab")
    server.always |= {
        RECORD: lambda _: accepted(next(tokens)),
        "/api/jobs/a": job("a"),
        "/api/jobs/b": job("b", outcome="failed"),
    }
    assert run("submit", file, str(other)).exit_code == exits.PARTIAL


def test_login_keeps_a_key_that_the_server_takes(server: Server, run: Run) -> None:
    server.always["/api/jobs?page.size=1"] = refusal(401, "unauthorized")
    assert run("login", "--url", server.url, "--key-file", "-", input="bad\n").exit_code != 0
    assert not config.path().exists()
    server.always["/api/jobs?page.size=1"] = (200, {}, {"jobs": []})
    assert run("login", "--url", server.url, input="good\n").exit_code == 0
    assert config.read()["profiles"]["default"] == {"url": server.url, "key": "good"}
    assert stat.S_IMODE(config.path().stat().st_mode) == 0o600


def test_doctor_says_what_is_wrong_and_what_to_do(server: Server, run: Run) -> None:
    server.always |= {
        "/health/live": (200, {"Date": "Sun, 22 Nov 2020 12:00:00 GMT"}, {}), "/health/ready": refusal(503, "unavailable"),
        "/api/openapi.json": (200, {}, {"info": {"version": "99.1"}}),
    }  # fmt: skip
    found = run("doctor", "--json")
    checks = {check["name"]: check for check in map(json.loads, found.stdout.splitlines())}
    assert found.exit_code == exits.ERROR
    assert {name: checks[name]["ok"] for name in ("reached", "clock", "ready", "version", "access", "limits")} == {
        "reached": True, "clock": False, "ready": False, "version": None, "access": True, "limits": True,
    }  # fmt: skip
    assert all(check["remedy"] for check in checks.values() if check["ok"] is False)


def test_get_makes_a_selection_of_what_is_named(server: Server, run: Run, tmp_path: Path) -> None:
    page = {"result": {"records": ["x"], "records.size": 1, "page.cursor": None}, "data": {"records": {"x": {"id": "x"}}}}
    server.answers = [(200, {}, page)] * 3
    (tmp_path / "ids").write_text("c\nd\n")
    words = ("--q", "TP53", "--where", "age", ">", "3", "--where", "gene_symbol", "is", "X", "--exclude", "z")
    found = run("get", "a", "b", "--selection", str(tmp_path / "ids"), *words)
    assert json.loads(found.stdout) == {"id": "x"}
    body = json.loads(server.asked()[0].body)
    searched = {"q": "TP53", "filter": ["and", ["age", ">", 3], ["gene_symbol", "is", "X"]]}
    assert body["selection"] == ["a", "b", "c", "d", {"search": searched, "exclude": ["z"]}]
    assert run("get", "a", "--ids-only").stdout == "x\n"
    assert run("get", "a", "--count").stdout == "1\n"
    assert run("get").exit_code == exits.USAGE


def test_a_formula_in_a_table_is_text(server: Server, run: Run, tmp_path: Path) -> None:
    record = {"id": "x", "data": {"age": "=1+1", "notes": 'two\nlines, "quoted"'}}
    page = {"result": {"records": ["x"], "page.cursor": None}, "data": {"records": {"x": record}}}
    server.answers = [(200, {}, page)]
    run("get", "x", "-o", str(tmp_path / "x.csv"))
    text = (tmp_path / "x.csv").read_text()
    assert "'=1+1" in text and '"two\nlines, ""quoted"""' in text


def test_a_server_command_says_where_it_lives(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("waybill.cli._plugged", dict)
    found = run("accounts")
    assert found.exit_code == exits.USAGE
    assert "waybill[server]" in found.output


def test_help_tells_whole_sentences_by_what_they_are_for(run: Run) -> None:
    told = run("--help").output
    assert "..." not in told.partition("Options:")[2]
    titles = [line.removesuffix(":") for line in told.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options", *SECTIONS, OTHERS]
    for one in (one for commands in SECTIONS.values() for one in commands):
        options = run(*str(one.name).split(), "--help").output
        assert one.help and one.help.split("\n")[0].rstrip(".").split()[0] in options
        shown = [option for option in one.params if isinstance(option, click.Option) and not option.hidden]
        assert all(option.help for option in shown), one.name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(run: Run, shell: str) -> None:
    assert "_WAYBILL_COMPLETE" in run("completion", shell).output


def test_a_bar_is_shown_on_a_terminal_and_nowhere_else(server: Server, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    running = job(status="processing", outcome=None, total=2, remaining=1)
    states = [running, job(outcome="partial", total=2, succeeded=1, failed=1)]
    server.always |= {RECORD: ACCEPTED, "/api/jobs/t": lambda _: states.pop(0) if len(states) > 1 else states[0]}
    quiet = run("submit", "-", input='{"id": 1}\n{"id": 2}\n')
    assert "done, partial: 2 operations" in quiet.output and "%" not in quiet.output
    shown = io.StringIO()
    monkeypatch.setattr("waybill.show.console", lambda: Console(file=shown, force_terminal=True, width=120))
    run("submit", "-", "--again", input='{"id": 1}\n{"id": 2}\n')
    assert "100%" in shown.getvalue() and "1 failed" in shown.getvalue()


SERVERS = (
    "flask",
    "celery",
    "sqlalchemy",
    "psycopg",
    "msgspec",
    "models",
    "web",
    "worker",
    "manage",
    "pandas",
    "polars",
    "httpx2",
)


def test_the_client_is_there_without_anything_of_the_server() -> None:
    program = f"import sys, waybill, waybill.cli; print([name for name in {SERVERS} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_setting_that_is_no_number_is_said_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_PATIENCE", "long")
    found = run("jobs")
    assert (found.exit_code, "WAYBILL_PATIENCE" in found.output) == (exits.ERROR, True)
