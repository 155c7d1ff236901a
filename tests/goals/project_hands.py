"""A project in this process: a member's client, a worker's hands, and things in it to do something with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.db import driver, transaction
from tests.factories import CHANNELS, ORDERINGS, PROJECT
from worker.runner import work

ORDERING = ORDERINGS["alphabetical"]
UNKNOWN = "99999999-9999-4999-8999-999999999999"
OPEN = "SELECT job_id, no FROM chunks WHERE status <> 'done' ORDER BY job_id, lane, no"


@dataclass
class Editor:
    """A member who may write, and who works on what was asked for."""

    client: FlaskClient

    def raw(self, path: str, body: Any) -> TestResponse:
        address = path if path.startswith("/") else f"/api/p/{PROJECT}/{path}"
        return self.client.post(address, json=body, headers={"Authorization": "Bearer key-for-tests-owner"})

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.raw(path, body)
        assert answer.status_code == 200, answer.text
        return {**answer.json["result"], "data": answer.json["data"]}

    def work(self) -> None:
        """Do all open work."""
        while chunks := query(OPEN):
            for job_id, no in chunks:
                work(job_id, no)

    def end(self, token: str) -> dict[str, Any]:
        self.work()
        job = self.call("jobs/get", job=token)["jobs"][token]
        assert job["status"] == "done", job
        return dict(job)

    def run(self, path: str, **body: Any) -> dict[str, Any]:
        return self.end(self.call(path, **body)["job.token"])

    def undo(self, job: dict[str, Any], **body: Any) -> dict[str, Any]:
        answer = self.raw(f"/api/jobs/{job['token']}/undo", body)
        assert answer.status_code == 202, answer.text
        return self.end(answer.json["result"]["job.token"])

    def pages(self, kind: str, token: str, size: int = 1000) -> list[dict[str, Any]]:
        """Read all of a job's results, members or drift."""
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = self.call(f"jobs/{kind}", job=token, **{"page.size": size}, **more)
            assert len(page[kind]) <= size
            found += page[kind]
            if page["page.cursor"] is None:
                return found
            more = {"page.cursor": page["page.cursor"]}

    def endings(self, token: str) -> list[tuple[Any, ...]]:
        """Return how each item of a job ended, in their order."""
        rows = self.pages("results", token)
        return [(row["index"], row["id"], row["status"], row["error"] and row["error"]["code"]) for row in rows]

    def root(self, kind: str = "records") -> str:
        return str(self.call(f"{kind}/root")["root"])

    def record(self, parent: str, title: str) -> str:
        gid: str = self.call("records/create", parent=parent, ordering=ORDERING)["record"]
        self.call("records/update", record=gid, fields={"en": {"title": title}})
        return gid


def query(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with transaction() as session:
        return driver(session).execute(sql, values).fetchall()


def plant(editor: Editor, number: int = 40, seed: int = 7) -> None:
    """Fill the project: a tree of records with links and deleted ones, folders in folders, a schema in all its states."""
    dice = Random(seed)
    _plant_schema(editor)
    gids = [editor.root(), *(str(UUID(int=dice.getrandbits(128), version=4)) for _ in range(number))]
    lines = [
        {"gid": gid, "parent": dice.choice(gids[:at]), "fields": {"en": {"title": f"stone {at}", "size": str(at)}}}
        | ({"definition": "thing"} if at % 3 else {"definition": "other", "fields": {"en": {"title": f"stone {at}"}}})
        | {"channels": [key for key in CHANNELS.values() if dice.random() < 0.5]}
        for at, gid in enumerate(gids)
        if at
    ]
    editor.end(editor.call("records/bulk/create", records=lines)["job.token"])
    for parent in dice.sample(gids, 4):
        editor.run("records/bulk/link", selection=dice.sample(gids[1:], 3), parent=parent, ordering=ORDERING)
    for gid in dice.sample(gids[1:], 4):
        editor.raw("records/delete", {"record": gid})
    _plant_assets(editor, dice)


def _plant_assets(editor: Editor, dice: Random) -> None:
    folders = [editor.root("assets")]
    for at in range(24):
        folders.append(editor.call("assets/create", parent=dice.choice(folders), name=f"folder {at}")["asset"])
    for gid in dice.sample(folders[1:], 3):
        editor.raw("assets/delete", {"asset": gid})


def _plant_schema(editor: Editor) -> None:
    fields = {name: editor.call("fields/create", name=name, type="textline")["field"] for name in ("size", "colour", "shape")}
    fields["title"] = next(gid for gid, item in editor.call("init")["data"]["fields"].items() if item["name"] == "title")
    part = editor.call("classes/create", name="part", fields=[fields["shape"]])["class"]
    for name, parts in {"thing": ["title", "size", "colour"], "other": ["title"]}.items():
        made = editor.call("definitions/create", name=name, fields=[fields[part] for part in parts], classes=[part])
        editor.call("definitions/commit", definition=made["definition"])
    editor.call("fields/create", name="fresh", type="text")
    editor.call("fields/modify", field=fields["colour"], label={"en": "Colour"})
    editor.call("classes/modify", **{"class": part}, label={"en": "Part"})


TABLES = ("catalogue_records", "catalogue_words", "assets", "schema_items", "saved_queries")
PLACES = """
SELECT r.gid::text, key, row_number() OVER (PARTITION BY parent_id, key ORDER BY (positions->>key)::int NULLS LAST, id)
FROM catalogue_records r CROSS JOIN (SELECT DISTINCT jsonb_object_keys(positions) AS key FROM catalogue_records) keys
"""


def state() -> dict[tuple[str, str], str]:
    """Return all that a project holds, by table and key: but for times, and with places as an order among siblings."""
    found: dict[tuple[str, str], str] = {}
    for table in TABLES:
        for (row,) in query(f"SELECT to_jsonb(t) - '{{updated_on,positions}}'::text[] FROM {table} t"):
            found[table, str(row.get("gid") or row["record_id"])] = json.dumps(row, sort_keys=True)
    for gid, key, place in query(PLACES):
        found[f"places by {key}", gid] = str(place)
    return found


def differences(before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]) -> dict[tuple[str, str], Any]:
    """Return what two states do not share."""
    return {key: (before.get(key), after.get(key)) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
