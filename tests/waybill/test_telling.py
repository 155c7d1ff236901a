"""Notices and webhooks, by both clients and by the command, against a server that answers as it is told."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from click.shell_completion import BashComplete
from rich.console import Console

from tests.waybill.stub import Cut, Server, refusal
from tests.waybill.test_command import Run, run
from waybill import Delivery, Notice, Problem, Unreachable, Webhook, exits
from waybill.cli import main

__all__ = ["run"]  # the fixture

MOMENT = "2026-11-22T12:00:0{}.5Z"
HOOK = {
    "id": "h", "url": "https://hooks.example.org/", "events": ["job.done"], "status": "active", "reason": None, "sequence": 3,
    "created_on": MOMENT.format(0), "old_secret_until": None, "disabled_on": None, "waiting": 0, "next_try_on": None,
    "last_delivery": {"status": "delivered", "event": "job.done", "job.token": "t", "tried_on": MOMENT.format(1)},
}  # fmt: skip
SECRET = {**HOOK, "secret": "whsec_x"}
TRY = {"no": 1, "started_on": MOMENT.format(1), "milliseconds": 7, "status": 500, "error": None}


def done(number: int, *, seen: bool) -> dict[str, Any]:
    job = {"token": f"t{number}", "job": "bulk_classifications", "status": "done", "outcome": "partial", "total": 3, "failed": 1}
    return {"kind": "done", "happened_on": MOMENT.format(number), "seen": seen, "job": job, "webhook": None}


def delivery(number: int, status: str = "failed") -> dict[str, Any]:
    return {
        "id": f"d{number}", "webhook_id": f"msg_{number}", "sequence": number, "event": "job.done", "job.token": "t",
        "status": status, "created_on": MOMENT.format(1), "replayed_on": None, "attempts": [TRY],
    }  # fmt: skip


GONE = {
    "kind": "webhook_disabled", "happened_on": MOMENT.format(4), "seen": False, "job": None,
    "webhook": {"id": "h", "url": HOOK["url"], "reason": "gone"},
}  # fmt: skip
LIST = [GONE, done(3, seen=False), done(2, seen=True)]


@pytest.fixture
def telling(server: Server) -> Server:
    """The stub with three notices on two pages, one webhook, and three deliveries on two pages."""
    for size in (1, 2, 20, 100):
        pages = {"": (LIST[:2], "next"), "&page.cursor=next": (LIST[2:], None)}
        for more, (found, cursor) in pages.items():
            page = {"notices": found, "unseen": 2, "page.cursor": cursor}
            server.always[f"/api/notices?page.size={size}{more}"] = (200, {}, page)
        rows = {"": ([delivery(3), delivery(2)], "next"), "&page.cursor=next": ([delivery(1)], None)}
        for more, (log, cursor) in rows.items():
            page = {"deliveries": log, "page.cursor": cursor}
            server.always[f"/api/webhooks/h/deliveries?page.size={size}{more}"] = (200, {}, page)
    server.always |= {
        "/api/notices/unseen": (200, {}, {"unseen": 2}), "/api/notices/seen": (200, {}, {"unseen": 0}),
        "/api/webhooks/h": (200, {}, HOOK), "/api/webhooks/h/deliveries/d1/replay": (202, {}, delivery(1, "waiting")),
        "/api/webhooks/h/deliveries/replay": (202, {}, {"replayed": 3}), "/api/webhooks/h/rotate": (200, {}, SECRET),
        "/api/webhooks/h/disable": (200, {}, {**HOOK, "status": "disabled", "reason": "by_owner"}),
        "/api/webhooks/h/enable": (200, {}, HOOK),
        "/api/webhooks": lambda seen: (201, {}, SECRET) if seen.body else (200, {}, {"webhooks": [HOOK]}),
    }  # fmt: skip
    return server


# --- the clients ---


def test_notices_are_paged_counted_and_seen(telling: Server, client: Any) -> None:
    found = list(client.notices(size=2))
    assert [(notice.kind, notice.seen) for notice in found] == [("webhook_disabled", False), ("done", False), ("done", True)]
    assert isinstance(found[0], Notice)
    assert (found[0].webhook["reason"], found[1].job["token"]) == ("gone", "t3")
    assert (client.unseen(), client.see(found[1]), client.see(MOMENT.format(4))) == (2, 0, 0)
    assert [json.loads(seen.body) for seen in telling.asked()] == [{"until": MOMENT.format(3)}, {"until": MOMENT.format(4)}]
    assert list(client.notices().to_pandas()["what"])[:2] == [HOOK["url"], "bulk_classifications"]


def test_webhooks_are_made_changed_and_removed(telling: Server, client: Any) -> None:
    hooks = client.webhooks
    assert [(hook.id, hook.events) for hook in hooks.list()] == [("h", ["job.done"])]
    made = hooks.create("https://hooks.example.org/", ["job.done"])
    assert isinstance(made, Webhook) and made.secret == "whsec_x"
    assert "whsec" not in repr(made)
    hooks.create("https://hooks.example.org/")
    bodies = [json.loads(seen.body) for seen in telling.asked()]
    assert bodies == [{"url": "https://hooks.example.org/", "events": ["job.done"]}, {"url": "https://hooks.example.org/"}]
    assert (hooks.disable("h").reason, hooks.enable("h").status, hooks.rotate("h").secret) == ("by_owner", "active", "whsec_x")
    assert hooks.get("h") == Webhook.parse(HOOK)
    telling.always["/api/webhooks/h"] = (204, {}, b"")
    hooks.delete("h")
    assert [seen.place for seen in telling.asked("DELETE")] == ["DELETE /api/webhooks/h"]


def test_deliveries_are_paged_and_replayed(telling: Server, client: Any) -> None:
    found = list(client.webhooks.deliveries("h", size=2))
    assert [(one.id, one.token, one.attempts[0]["status"]) for one in found] == [(f"d{n}", "t", 500) for n in (3, 2, 1)]
    assert isinstance(found[0], Delivery)
    assert (client.webhooks.replay("h", "d1").status, client.webhooks.replay_failed("h")) == ("waiting", 3)
    telling.always["/api/webhooks/h/deliveries?status=failed&page.size=100"] = (200, {}, {"deliveries": [], "page.cursor": None})
    assert not list(client.webhooks.deliveries("h", "failed"))
    assert client.webhooks.deliveries("h").to_polars()["tries"].to_list() == [1, 1, 1]


@pytest.mark.parametrize(("trouble", "raised"), [(Cut(), Unreachable), (refusal(503, "unavailable"), Problem)])
def test_a_webhook_or_a_secret_is_not_made_twice(server: Server, client: Any, trouble: Any, raised: type[Exception]) -> None:
    for act in (lambda: client.webhooks.create("https://a.example.org"), lambda: client.webhooks.rotate("h")):
        server.answers = [trouble]
        with pytest.raises(raised) as caught:
            act()
        assert any("not sent again" in note for note in caught.value.__notes__)
    assert len(server.asked()) == 2


def test_a_refusal_says_nothing_of_a_doubt(server: Server, client: Any) -> None:
    server.answers = [refusal(400, "invalid_target")]
    with pytest.raises(Problem, match="invalid_target") as caught:
        client.webhooks.create("http://a.example.org")
    assert not hasattr(caught.value, "__notes__")


def test_a_webhook_whose_removal_was_not_answered_is_removed(server: Server, client: Any) -> None:
    server.answers = [Cut(), refusal(404, "not_found")]
    client.webhooks.delete("h")
    server.answers = [refusal(404, "not_found")]
    with pytest.raises(Problem, match="not_found"):
        client.webhooks.delete("h")


# --- the command ---


def test_the_command_lists_notices_and_marks_those_that_it_showed(telling: Server, run: Run) -> None:
    told = [json.loads(line) for line in run("notices").stdout.splitlines()]
    assert told == LIST
    assert not telling.asked()
    fresh = run("notices", "--unseen", "--seen", "--json")
    assert [json.loads(line)["seen"] for line in fresh.stdout.splitlines()] == [False, False]
    assert [json.loads(seen.body) for seen in telling.asked()] == [{"until": MOMENT.format(4)}]
    assert len(run("notices", "--limit", "1").stdout.splitlines()) == 1


def test_people_see_a_table_and_how_much_is_new(telling: Server, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waybill.commands.terminal.Terminal.for_people", property(lambda _: True))
    shown = io.StringIO()
    monkeypatch.setattr("waybill.commands.terminal.Console", lambda: Console(file=shown, width=200))
    assert "2 not seen; --seen" in run("notices").stderr
    assert "webhook_disabled" in shown.getvalue() and "bulk_classifications" in shown.getvalue()
    run("webhooks", "list")
    run("webhooks", "deliveries", "h")
    assert "delivered" in shown.getvalue() and "500" in shown.getvalue()


def test_the_command_makes_a_webhook_and_tells_its_secret_once(telling: Server, run: Run) -> None:
    made = run("webhooks", "add", "https://hooks.example.org/", "--event", "job.done")
    assert (made.exit_code, made.stdout) == (exits.SUCCEEDED, "h\nwhsec_x\n")
    assert "whsec" not in made.stderr
    assert json.loads(run("webhooks", "rotate", "h", "--json").stdout) == SECRET
    assert json.loads(run("webhooks", "list").stdout) == HOOK
    assert json.loads(telling.asked()[0].body)["events"] == ["job.done"]


def test_the_command_changes_and_removes_a_webhook(telling: Server, run: Run) -> None:
    assert json.loads(run("webhooks", "disable", "h", "--json").stdout)["status"] == "disabled"
    assert "is active" in run("webhooks", "enable", "h").stderr
    telling.always["/api/webhooks/h"] = (204, {}, b"")
    assert json.loads(run("webhooks", "remove", "h", "--json").stdout) == {"id": "h", "removed": True}
    assert "removed" in run("webhooks", "remove", "h").stderr


def test_the_command_lists_deliveries_and_replays_them(telling: Server, run: Run) -> None:
    rows = [json.loads(line) for line in run("webhooks", "deliveries", "h", "--limit", "2").stdout.splitlines()]
    assert [(row["id"], row["token"], row["attempts"]) for row in rows] == [("d3", "t", [TRY]), ("d2", "t", [TRY])]
    assert json.loads(run("webhooks", "replay", "h", "d1", "--json").stdout)["status"] == "waiting"
    assert json.loads(run("webhooks", "replay", "h", "--failed", "--json").stdout) == {"replayed": 3}
    assert "3 are delivered again" in run("webhooks", "replay", "h", "--failed").stderr
    for words in ((), ("d1", "--failed")):
        assert run("webhooks", "replay", "h", *words).exit_code == exits.USAGE


@pytest.mark.parametrize(("words", "code", "remedy"), [
    (("add", "http://a.example.org"), "invalid_target", "https"),
    (("add", "https://a.example.org"), "invalid_state", "remove ID"),
    (("replay", "h", "d"), "invalid_state", "enable ID"), (("replay", "h", "d"), "not_found", "deliveries ID"),
    (("enable", "h"), "invalid_state", "rotate ID"), (("remove", "h"), "not_found", "webhooks list"),
    (("deliveries", "h"), "not_found", "webhooks list"), (("add", "https://a.example.org"), "unauthorized", "waybill login"),
])  # fmt: skip
def test_errors_tell_what_to_do(server: Server, run: Run, words: Any, code: str, remedy: str) -> None:
    answer = refusal(409, code)
    server.answers = [answer]
    found = run("webhooks", *words)
    assert (found.exit_code, remedy in found.stderr, "Traceback" in found.output) == (exits.ERROR, True, False)
    server.answers = [answer]
    assert remedy in json.loads(run("webhooks", *words, "--json").stderr)["error"]["remedy"]


def test_who_does_not_know_whether_a_webhook_was_made_is_told_where_to_look(server: Server, run: Run) -> None:
    for words in ((), ("--json",)):
        server.answers = [Cut()]
        found = run("webhooks", "add", "https://a.example.org", *words)
        assert (found.exit_code, "waybill webhooks list" in found.stderr) == (exits.UNREACHABLE, True)
    assert "waybill webhooks list" in json.loads(found.stderr)["error"]["remedy"]


def test_shells_complete_the_group_and_its_commands() -> None:
    def completed(*words: str) -> set[str]:
        shell = BashComplete(main, {}, "waybill", "_WAYBILL_COMPLETE")
        return {str(item.value) for item in shell.get_completions(list(words[:-1]), words[-1])}

    assert completed("web") >= {"webhooks"} and completed("not") == {"notices"}
    assert completed("webhooks", "re") == {"remove", "replay"}
    assert completed("webhooks", "replay", "--f") == {"--failed"}
    assert completed("webhooks", "add", "--event", "job") == {"job.done", "job.rejected"}
