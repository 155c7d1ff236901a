"""Commands over selections: what they ask of the server, whom they ask before, what they tell beforehand."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.waybill.stub import ACCEPTED, Server, job, refusal
from tests.waybill.test_command import Run, run
from waybill import children, exits, search

__all__ = ["run"]  # the fixture

BULK = "/classification/api/classifications/v2/records/bulk"
GID = "11111111-1111-4111-8111-111111111111"
ITEMS = f"/api/p/{GID}/records/bulk"
TOO_MANY = (
    422, {}, {"success": False, "result": {"code": 1006, "message": "3 members.", "info": {
        "code": "too_many_affected", "job.token": "t", "limit": 2, "pointer": "/max_affected"}}, "data": {}},
)  # fmt: skip


def sent(server: Server, path: str) -> list[dict[str, Any]]:
    return [json.loads(seen.body) for seen in server.asked() if seen.place == f"POST {path}"]


@pytest.mark.parametrize(("words", "verb", "parameters"), [
    (("delete", "--reason", "DUPLICATE"), "delete", {"delete_reason": "DUPLICATE"}),
    (("publish", "--level", "institution"), "publish", {"publish": "institution"}),
    (("patch", "--set", "condition=null", "--set", "gene_symbol=TP53"), "patch",
     {"patch": {"condition": None, "gene_symbol": "TP53"}}),
    (("patch", "--set", "age=3", "--level", "institution", "--source", "lab"), "patch",
     {"patch": {"age": 3}, "publish": "institution", "source": "lab"}),
    (("bulk", "patch", "--param", 'patch={"age": 3}', "--param", "editable=true"), "patch",
     {"patch": {"age": 3}, "editable": True}),
])  # fmt: skip
def test_a_selection_is_changed_as_one_job(server: Server, run: Run, words: Any, verb: str, parameters: Any) -> None:
    server.always |= {f"{BULK}/{verb}": ACCEPTED, "/api/jobs/t": job(outcome="partial", total=2, succeeded=1, failed=1)}
    chosen = ("a", "--where", "gene_symbol", "is", "X", "--exclude", "z")
    told = run(*words, *chosen, "--max-affected", "9", "--tag", "one", "--atomic", "--on-drift", "skip", "--json", "--yes")
    assert told.exit_code == exits.PARTIAL, told.output
    assert json.loads(told.stdout)["failed"] == 1
    selection = ["a", search(filter=["gene_symbol", "is", "X"], exclude=["z"])]
    how = {"max_affected": 9, "tags": ["one"], "atomic": True, "on_drift": "skip"}
    assert sent(server, f"{BULK}/{verb}") == [{"selection": selection, **parameters, **how}]


@pytest.mark.parametrize(("words", "path", "parameters"), [
    (("delete",), "records/bulk/delete", {}), (("delete", "--assets"), "assets/bulk/delete", {}),
    (("delete", "--for-good"), "records/bulk/permanent_delete", {}), (("undelete",), "records/bulk/undelete", {}),
    (("publish", "--channel", "web"), "records/bulk/publish", {"channels": ["web"]}),
    (("move", "--to", "there", "--before", "b", "--ordering", "o"), "records/bulk/move",
     {"parent": "there", "before_record": "b", "ordering": "o"}),
    (("update", "--language", "en", "--set", "title=Moon"), "records/bulk/update", {"fields": {"en": {"title": "Moon"}}}),
    (("bulk", "commit", "--kind", "schema"), "schema/bulk/commit", {}),
    (("bulk", "channels/set", "--param", 'channels=["web"]', "--param", "enabled=false"), "records/bulk/channels/set",
     {"channels": ["web"], "enabled": False}),
])  # fmt: skip
def test_a_project_has_verbs_of_its_own(server: Server, run: Run, words: Any, path: str, parameters: Any) -> None:
    server.always |= {f"/api/p/{GID}/{path}": ACCEPTED, "/api/jobs/t": job()}
    told = run(*words, "--project", GID, "a", "--children", "b", "--q", "moon", "--no-wait", "--yes")
    assert (told.exit_code, told.stdout) == (0, "t\n"), told.output
    searched = search("moon", language="en") if "--language" in words else search("moon")
    assert sent(server, f"/api/p/{GID}/{path}") == [{"selection": ["a", children("b"), searched], **parameters}]


@pytest.mark.parametrize("words", [
    ("delete",), ("delete", "a", "--assets"), ("delete", "a", "--children", "b"), ("undelete", "a"), ("publish", "a"),
    ("publish", "a", "--level", "x", "--project", GID), ("patch", "a"), ("patch", "a", "--set", "x"), ("move", "a", "--to", "b"),
    ("patch", "a", "--project", GID, "--set", "x=1"), ("update", "a", "--project", GID),
    ("update", "a", "--project", GID, "--set", "x=1"), ("bulk", "copy", "a", "--kind", "schema"),
    ("delete", "a", "--reason", "OTHER", "--project", GID),
    ("get", "a", "--project", GID, "--csv"),
])  # fmt: skip
def test_what_cannot_be_meant_is_said_before_anything_is_sent(server: Server, run: Run, words: Any) -> None:
    found = run(*words)
    assert found.exit_code == exits.USAGE, found.output
    assert not server.asked()


def test_a_preview_changes_nothing_and_gives_a_plan(server: Server, run: Run) -> None:
    state = job(total=2, succeeded=1, failed=1, outcome="partial")
    state[2]["info"] = {"plan_token": "the-plan"}
    error = {"code": "not_found", "detail": "no", "pointer": "/id"}
    results = [
        {"index": 0, "status": "succeeded", "id": "a", "result": {"status": "withdrawn"}},
        {"index": 1, "status": "failed", "id": "b", "error": error},
    ]
    digest = {"causes": [{"code": "not_found", "count": 1, "examples": [{"index": 1, "id": "b"}]}]}
    server.always |= {
        f"{BULK}/delete": ACCEPTED, "/api/jobs/t": state, "/api/jobs/t/digest": (200, {}, digest),
        "/api/jobs/t/results?page.size=1000": (200, {}, {"results": results, "page.cursor": None}),
        "/api/jobs/t/results?page.size=1000&status=succeeded": (200, {}, {"results": results[:1], "page.cursor": None}),
    }  # fmt: skip
    told = json.loads(run("delete", "a", "b", "--preview", "--json").stdout)
    assert (told["preview"], told["plan"], told["records"]) == (True, "the-plan", {"withdrawn": 1, "failed": 1})
    assert told["examples"] == [{"id": "a", "word": "withdrawn"}]
    assert told["causes"][0]["code"] == "not_found"
    assert sent(server, f"{BULK}/delete")[0]["test"] is True
    found = run("delete", "a", "b", "--preview")
    assert found.exit_code == exits.PARTIAL
    assert "nothing was changed" in found.stderr and found.stdout == "the-plan\n"
    run("delete", "a", "b", "--plan", "the-plan")
    assert sent(server, f"{BULK}/delete")[-1] == {"selection": ["a", "b"], "plan_token": "the-plan"}


@pytest.mark.parametrize(("words", "path", "answer"), [
    (("delete", "a", "--max-affected", "2"), f"{BULK}/delete", (422, {}, {
        "code": "too_many_affected", "detail": "3 members.", "job.token": "t"})),
    (("delete", "a", "--max-affected", "2", "--project", GID), f"{ITEMS}/delete", TOO_MANY),
])  # fmt: skip
def test_more_than_was_thought_is_refused_with_a_remedy(server: Server, run: Run, words: Any, path: str, answer: Any) -> None:
    server.always[path] = answer
    found = run(*words, "--yes")
    assert found.exit_code == exits.REJECTED
    assert "3 members. (too_many_affected" in found.output and "--max-affected" in found.output


def on_a_terminal(server: Server, tmp_path: Path, answer: str, *words: str, stderr: int | None = None) -> tuple[int, str]:
    """Run the command where somebody sees and types; return how it ended and what it said."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "WAYBILL_URL": server.url, "WAYBILL_KEY": "a key", "XDG_STATE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "waybill.cli", *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=stderr or theirs, env=environment)
    os.write(ours, answer.encode())
    process.communicate(timeout=30)
    os.close(theirs)
    said = os.read(ours, 65_536).decode()
    os.close(ours)
    return process.returncode, said


@pytest.mark.parametrize(("answer", "number"), [("n\n", 0), ("y\n", 1)])
def test_somebody_who_watches_is_asked_and_no_more_than_that_is_changed(
    server: Server, tmp_path: Path, answer: str, number: int
) -> None:
    page = {"result": {"records": ["x"], "records.size": 24, "page.cursor": None}, "data": {"records": {"x": {"id": "x"}}}}
    server.always |= {f"{BULK}/get": (200, {}, page), f"{BULK}/delete": ACCEPTED, "/api/jobs/t": job()}
    ends, said = on_a_terminal(server, tmp_path, answer, "delete", "--q", "TP53", "--no-wait")
    assert (ends, "Delete 24 records?" in said) == (0 if number else exits.ERROR, True), said
    found = sent(server, f"{BULK}/delete")
    assert [body["max_affected"] for body in found] == [24] * number


def test_yes_is_not_asked_again(server: Server, tmp_path: Path) -> None:
    server.always |= {f"{BULK}/delete": ACCEPTED, "/api/jobs/t": job()}
    ends, said = on_a_terminal(server, tmp_path, "", "delete", "a", "--yes")
    assert (ends, "records?" in said) == (0, False), said
    assert len(sent(server, f"{BULK}/delete")) == 1


@pytest.mark.parametrize("words", [("a",), ("--selection", "-"), ("a", "--json"), ("a", "--max-affected", "1")])
def test_who_cannot_answer_is_not_taken_for_somebody_who_agrees(server: Server, run: Run, words: Any) -> None:
    found = run("delete", *words, input="a\nb\n")
    assert (found.exit_code, "--yes" in found.stderr, found.stdout) == (exits.USAGE, True, "")
    assert not server.seen


def test_who_does_not_see_the_question_does_not_answer_it(server: Server, tmp_path: Path) -> None:
    ends, said = on_a_terminal(server, tmp_path, "y\n", "delete", "a", stderr=subprocess.DEVNULL)
    assert (ends, said) == (exits.USAGE, "y\r\n"), "what was typed is all that is on the terminal"
    assert not server.seen


def test_records_of_a_project_are_read_by_pages(server: Server, run: Run, client: Any) -> None:
    def page(gid: str, cursor: str | None) -> Any:
        result = {"records": [gid], "records.size": 2, "page.cursor": cursor}
        return 200, {}, {"success": True, "result": result, "data": {"records": {gid: {"gid": gid}}}}

    pages = {None: page("a", "next"), "next": page("b", None)}
    server.always[f"{ITEMS}/get"] = lambda seen: pages[json.loads(seen.body).get("page.cursor")]
    project = client.project(GID)
    assert [item["gid"] for item in project.items([children("root")])] == ["a", "b"]
    assert project.count([children("root")]) == 2
    assert run("get", "--project", GID, "--children", "root", "--ids-only").stdout == "a\nb\n"


def test_a_project_says_what_it_is_asked_in_words(server: Server, client: Any) -> None:
    server.always |= {f"{ITEMS}/{verb}": ACCEPTED for verb in ("delete", "undelete", "permanent_delete", "move", "link")}
    server.always |= {f"{ITEMS}/update": ACCEPTED, f"{ITEMS}/publish": TOO_MANY}
    project = client.project(GID)
    for verb in ("delete", "undelete", "permanent_delete"):
        assert getattr(project, verb)("a", test=True).token == "t"
        assert sent(server, f"{ITEMS}/{verb}") == [{"selection": ["a"], "test": True}]
    for verb in ("move", "link"):
        getattr(project, verb)(["a"], "there", ordering="o")
        assert sent(server, f"{ITEMS}/{verb}") == [{"selection": ["a"], "parent": "there", "ordering": "o"}]
    project.update([children("b")], {"en": {"title": "Moon"}}, max_affected=2)
    assert sent(server, f"{ITEMS}/update")[0]["max_affected"] == 2
    with pytest.raises(Exception, match="too_many_affected") as caught:
        project.publish(["a"], ["web"])
    assert (caught.value.token, caught.value.pointer) == ("t", "/max_affected")  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="records, assets, schema"):
        project.bulk("delete", ["a"], kind="people")


def test_a_refusal_of_the_project_face_keeps_its_stable_code(server: Server, client: Any) -> None:
    server.always[f"{ITEMS}/delete"] = refusal(403, "forbidden")
    with pytest.raises(Exception, match="forbidden"):
        client.project(GID).delete(["a"])
