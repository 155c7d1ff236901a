"""Every example of the published page about selections and jobs, in its order: each request as it is printed, and each
answer compared key by key with the printed one.

What the page leaves to the reader (`<gid-1>`, `...`) is a record of a small tree here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from models.db import transaction
from tests.factories import PROJECT, project
from tests.processes import Parts

ORDERING = "bbbbbbbb-0000-4000-8000-000000000001"


@dataclass
class Project:
    """A client of the project, by hand: the token goes from each reply into the next request."""

    url: str
    token: str = ""
    named: dict[str, str] = field(default_factory=dict)

    def raw(self, path: str, body: dict[str, Any]) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = requests.post(self.url + path, json=body, headers=headers, timeout=30)
        self.token = answer.headers.get("Authorization", self.token)
        return answer

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.raw(f"/api/p/{PROJECT}/{path}", body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Authorization"].count(".") == 2, "the page shows a token in each reply"
        return answer.json()

    def make(self, parent: str, title: str, definition: str | None = None) -> str:
        gid: str = self.post("records/create", {"parent": parent, "ordering": ORDERING})["result"]["record"]
        if definition:
            self.post("records/definition/set", {"record": gid, "definition": definition})
        self.post("records/update", {"record": gid, "fields": {"nl": {"title": title}, "en": {"title": title}}})
        return gid

    def fill(self, value: Any) -> Any:
        """Put gids in the place of their names on the page."""
        if isinstance(value, dict):
            return {name: self.fill(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.fill(part) for part in value]
        return self.named.get(value, value) if isinstance(value, str) else value

    def events(self, cc: int, token: str) -> list[dict[str, Any]]:
        """Follow a job on the sync feed to its end."""
        told: list[dict[str, Any]] = []
        until = time.monotonic() + 30
        while not told or told[-1]["data"]["status"] not in ("done", "rejected"):
            assert time.monotonic() < until, told
            for item in self.raw("/sync/get", {"cc_cursor": cc}).json()["result"]["sync"]:
                cc = item["cursor"]
                told += [item] if item["data_key"] == token else []
            time.sleep(0.05)
        return told


@pytest.fixture(scope="module")
def page(parts: Parts) -> Project:
    with transaction() as session:
        project(session)
    client = Project(parts.url)
    client.raw(f"/api/p/{PROJECT}/auth", {"api_key": "key-for-tests-editor"})
    root = client.post("records/root", {})["result"]["root"]
    definition = client.post("records/get", {"record": root})["data"]["records"][root]["definition"]
    client.named["<definition-gid>"] = definition
    for name in ("<gid-1>", "<gid-2>", "<gid-3>", "<gid-4>", "<gid-5>", "<gid-9>", "<gid-o>"):
        client.named[name] = client.make(root, f"top {name[5:-1]}")
    for name in "xyzuvw":
        client.named[f"<gid-{name}>"] = client.make(client.named["<gid-9>"], f"child {name}")
    client.named["<below-o>"] = client.make(client.named["<gid-o>"], "below o")
    for number, name in enumerate(["<gid-a>", "<gid-b>", "<gid-c>", *(f"<hit-{at}>" for at in range(20))]):
        client.named[name] = client.make(root, f"cms {'225' if number % 2 else 'page'} {number}")
    return client


SEARCH: dict[str, Any] = {
    "search": {"language": "nl", "q": "+cms 225", "filter": ["definition", "is", "<definition-gid>"]},
    "exclude": ["<gid-a>", "<gid-b>", "<gid-c>"],
}
CHILDREN: dict[str, Any] = {"children": "<gid-9>", "exclude": ["<gid-x>", "<gid-y>", "<gid-z>"]}
HITS = [f"<hit-{number}>" for number in range(20)]
EXAMPLES: list[tuple[list[Any], list[str]]] = [
    (["<gid-1>", "<gid-2>", "<gid-3>"], ["<gid-1>", "<gid-2>", "<gid-3>"]),
    ([CHILDREN], ["<gid-u>", "<gid-v>", "<gid-w>"]),
    ([SEARCH], HITS),
    (
        ["<gid-1>", "<gid-2>", "<gid-3>", CHILDREN, "<gid-4>", "<gid-5>", SEARCH, {"children": "<gid-o>"}],
        ["<gid-1>", "<gid-2>", "<gid-3>", "<gid-u>", "<gid-v>", "<gid-w>", "<gid-4>", "<gid-5>", *HITS, "<below-o>"],
    ),
]


@pytest.mark.parametrize(("selection", "members"), EXAMPLES, ids=["gids", "children", "search", "all of them"])
def test_a_bulk_delete_of_each_kind_of_selection(page: Project, selection: list[Any], members: list[str]) -> None:
    cc = page.raw("/sync/cursors", {}).json()["result"]["cc.cursor"]
    reply = page.post("records/bulk/delete", {"selection": page.fill(selection)})
    assert set(reply) == {"success", "result", "data"}
    assert (reply["success"], set(reply["result"]), reply["data"]) == (True, {"job.token"}, {})
    token = reply["result"]["job.token"]
    told = page.events(cc, token)
    assert [item["data"]["status"] for item in told][:1] == ["queued"]
    for item in told:
        assert set(item) == {"type", "cursor", "action", "data_type", "data_key", "data"}
        assert (item["type"], item["action"], item["data_type"], item["data_key"]) == ("cc", "UPDATE", "jobs", token)
        assert set(item["data"]) == {"project_gid", "job", "status", "info", "created_on", "updated_on"}
        assert (item["data"]["project_gid"], item["data"]["job"]) == (PROJECT, "bulk_delete_records")
        assert {"total", "remaining"} <= set(item["data"]["info"])
    assert [item["data"]["info"]["total"] for item in told] == [len(members)] * len(told)
    assert told[-1]["data"]["info"]["remaining"] == 0
    gone = page.post("records/get", {"records": page.fill(members)})["data"]["records"]
    assert {record["status"] for record in gone.values()} == {"deleted"}
    kept = page.fill(["<gid-x>", "<gid-y>", "<gid-z>", "<gid-a>", "<gid-b>", "<gid-c>", "<gid-9>", "<gid-o>"])
    assert {record["status"] for record in page.post("records/get", {"records": kept})["data"]["records"].values()} == {
        "published"
    }
    page.events(
        cc := told[-1]["cursor"], page.post("records/bulk/undelete", {"selection": page.fill(members)})["result"]["job.token"]
    )
    assert cc > 0


def test_a_bulk_get_of_seventeen_by_ten(page: Project) -> None:
    keep = 17
    search = {
        "search": {"language": "nl", "q": "+cms 225"},
        "exclude": page.fill(["<gid-a>", "<gid-b>", "<gid-c>", *HITS[keep:]]),
    }
    ask = {"language": "nl", "selection": [search], "page.size": 10}
    first = page.post("records/bulk/get", ask)
    second = page.post("records/bulk/get", ask | {"page.cursor": first["result"]["page.cursor"]})
    for reply, number in ((first, 10), (second, 7)):
        assert set(reply) == {"success", "result", "data"}
        assert set(reply["result"]) == {"records", "records.size", "page.cursor"}
        assert (len(reply["result"]["records"]), reply["result"]["records.size"]) == (number, 17)
        assert set(reply["data"]["records"]) == set(reply["result"]["records"])
    assert first["result"]["page.cursor"]
    assert second["result"]["page.cursor"] is None
    assert {*first["result"]["records"], *second["result"]["records"]} == set(page.fill(HITS[:keep]))
    with_term = ["225" in first["data"]["records"][gid]["title"]["nl"] for gid in first["result"]["records"]]
    assert with_term == sorted(with_term, reverse=True), "who has the plain term too comes first"


def test_schema_items_have_no_children(page: Project) -> None:
    answer = page.raw(f"/api/p/{PROJECT}/schema/bulk/get", {"selection": [{"children": page.named["<definition-gid>"]}]})
    assert (answer.status_code, answer.json()["result"]["code"]) == (422, 1006)


def test_a_rejected_job_says_why(page: Project) -> None:
    cc = page.raw("/sync/cursors", {}).json()["result"]["cc.cursor"]
    answer = page.raw(
        f"/api/p/{PROJECT}/records/bulk/delete", {"selection": page.fill(["<gid-1>", "<gid-2>"]), "max_affected": 1}
    )
    token = answer.json()["result"]["info"]["job.token"]
    (item,) = page.events(cc, token)
    assert item["data"]["status"] == "rejected"
    assert item["data"]["info"]["error"]["code"] == "too_many_affected"
