"""Every example of the OpenAPI document is sent to the application, and answered in the shape that the document promises."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator

from models import ids, parts
from models.db import transaction
from models.identity.service import import_accounts
from tests.web.test_streams import events
from web.examples import ANSWERS, BODIES, LAB, LINES, QUERIES, RECORD
from web.openapi import document

METHODS = ("get", "post", "patch")
ASYNC = {"Prefer": "respond-async"}
KEY = {"Authorization": "Bearer key-of-the-examples"}
LAST_PART = {"Upload-Offset": "0", "Upload-Complete": "?1"}
PREFIX = "/classification/api/classifications"


class Sent(NamedTuple):
    """One call: what the document names it, and what is sent."""

    name: str
    title: str
    method: str
    path: str
    query: dict[str, Any]
    body: Any = None
    media_type: str = "application/json"


def calls() -> Iterator[Sent]:
    """Give each example; and once without any parameter each reading, and whatever has an example of its answer."""
    for path, item in document()["paths"].items():
        for method in (method for method in METHODS if method in item):
            operation = item[method]
            name = operation["operationId"]
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                for title, example in body["examples"].items():
                    yield Sent(name, title, method, path, {}, example["value"], kind)
            if method == "get" or name in ANSWERS:
                yield Sent(name, "", method, path, {})
            for parameter in operation.get("parameters", ()):
                if parameter.get("in") == "query" and "example" in parameter:
                    yield Sent(name, parameter["name"], method, path, {parameter["name"]: parameter["example"]})


CALLS = list(calls())


class Site:
    """The application with what the examples speak of: a lab, its records, jobs, a run, a webhook."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        webhook = self.send("post", "/api/webhooks", BODIES["createWebhook"]["all ends of jobs"])
        self.send("post", f"{PREFIX}/v2/record/", BODIES["postRecords"]["one operation"])
        many = BODIES["postRecords"]["an import run"]
        posted = self.send("post", f"{PREFIX}/v2/record/", many, ASYNC)
        over = self.send("post", f"{PREFIX}/v2/records/bulk/patch", BODIES["patchRecords"]["a new value"], ASYNC)
        exported = self.send("get", f"{PREFIX}/v2/record/?level=editable", None, ASYNC)
        begun = self.client.post(
            f"{PREFIX}/v2/record/", headers=KEY | {"Upload-Complete": "?0", "Content-Type": "application/x-ndjson"}, buffered=True
        )
        runs = self.send("get", f"{PREFIX}/v3/imports").json["imports"]
        named = {"": posted, "/members": over, "/drift": over, "/undo": over, "/files": exported}
        self.tokens = {about: self.finished(answer.json["result"]["job.token"]) for about, answer in named.items()}
        deliveries = self.send("get", f"/api/webhooks/{webhook.json['id']}/deliveries").json["deliveries"]
        self.places = {
            "rid": self.send("get", f"{PREFIX}/v2/record/{RECORD}").json["meta"]["id"], "webhook": webhook.json["id"], "no": 0,
            "number": runs[0]["id"], "version": "v2", "organisation": LAB.split("/")[0], "lab": LAB.split("/")[1],
            "record": RECORD.rpartition("/")[2], "upload": begun.headers["Location"].rpartition("/")[2],
            "delivery": deliveries[0]["id"],
        }  # fmt: skip

    def send(self, method: str, path: str, body: Any = None, more: dict[str, str] | None = None, **kwargs: Any) -> Any:
        headers = KEY | (more or {})
        given = {"json": body} if body is not None else {}
        return self.client.open(path, method=method.upper(), headers=headers, buffered=True, **given, **kwargs)

    def finished(self, token: str) -> str:
        """Return the token of a job once it is done."""
        until = ids.monotonic() + 30
        while self.send("get", f"/api/jobs/{token}").json["status"] != "done":
            assert ids.monotonic() < until
            time.sleep(0.05)
        return token

    def address(self, path: str) -> str:
        """Return the path of a call with what there is here in its places."""
        about = next(part for part in ("/members", "/drift", "/undo", "/files", "") if part in path)
        return path.format(**self.places, token=self.tokens[about])

    def example(self, sent: Sent) -> Any:
        """Send an example."""
        query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in sent.query.items()}
        if sent.body is None:
            return self.send(sent.method, self.address(sent.path), query_string=query)
        if sent.media_type == "application/json":
            return self.send(sent.method, self.address(sent.path), sent.body)
        more = LAST_PART if "{upload}" in sent.path else {}
        return self.send(sent.method, self.address(sent.path), None, more, data=sent.body, content_type=sent.media_type)


@pytest.fixture
def site(client: FlaskClient, worker: None, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("93.184.216.34", 443))])
    user = {"name": "jo", "email": "jo@example.org", "labs": [LAB], "superuser": False, "api_key": "key-of-the-examples"}
    lab = {"group_name": LAB, "name": "North Street Lab", "organisation": LAB.split("/")[0]}
    organisation = {"group_name": LAB.split("/")[0], "name": "XYZ Pathology"}
    with transaction() as session:
        import_accounts(session, {"organisations": [organisation], "labs": [lab], "users": [user], "projects": []})
        for role in ("worker", "dispatcher"):
            parts.beat(session, parts.new_part(role))
    return Site(client)


def test_every_example_is_answered_as_the_document_says(site: Site) -> None:
    described = document()
    wrong: list[Any] = []
    for sent in CALLS:
        answer = site.example(sent)
        told = described["paths"][sent.path][sent.method]["responses"].get(str(answer.status_code))
        if answer.status_code >= 400 or told is None:
            wrong.append((sent[:2], answer.status_code, answer.text[:300]))
            continue
        shapes = told["content"]
        assert answer.mimetype in shapes, (sent, answer.mimetype)
        if answer.is_json:
            whole = {**shapes[answer.mimetype]["schema"], "components": described["components"]}
            wrong += [(sent[:2], error.message[:300]) for error in OAS31Validator(whole).iter_errors(answer.json)]
    assert wrong == []


def members(name: str, text: str) -> Any:
    """Return the names of what an answer has; of events, those of each kind, with those of its data."""
    if name == "streamEvents":
        kinds = {event.get("event", ""): event for event in events(text.encode())}
        return {kind: (event.keys(), json.loads(event.get("data", "{}")).keys()) for kind, event in kinds.items()}
    return json.loads(text).keys()


def test_an_answer_has_what_its_example_has(site: Site) -> None:
    for name, example in ANSWERS.items():
        sent = next(sent for sent in CALLS if sent.name == name)
        answer = site.example(sent._replace(query=QUERIES.get(name, {})))
        assert members(name, answer.text) == members(name, example if isinstance(example, str) else json.dumps(example))


def test_no_example_is_of_what_there_is_not_and_every_body_has_one() -> None:
    named = {sent.name for sent in CALLS}
    assert {*BODIES, *LINES, *QUERIES, *ANSWERS} <= named
    with_body = {
        operation["operationId"]: operation["requestBody"]["content"]
        for item in document()["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "requestBody" in operation
    }
    assert [name for name, content in with_body.items() if not all(body.get("examples") for body in content.values())] == []
    parameters = {(sent.name, name) for sent in CALLS for name in sent.query}
    assert parameters == {(name, parameter) for name, query in QUERIES.items() for parameter in query}


def test_examples_are_what_the_document_says_of_bodies_and_parameters() -> None:
    described = document()
    for item in described["paths"].values():
        for method in item.keys() & set(METHODS):
            operation = item[method]
            shown = [
                (body["schema"], example["value"])
                for body in operation.get("requestBody", {}).get("content", {}).values()
                for example in body.get("examples", {}).values()
            ]
            parameters = (parameter for parameter in operation.get("parameters", ()) if "example" in parameter)
            shown += [(parameter["schema"], parameter["example"]) for parameter in parameters]
            answers = [body for answer in operation["responses"].values() for body in answer.get("content", {}).values()]
            shown += [(body["schema"], body["example"]) for body in answers if "example" in body]
            for shape, value in shown:
                OAS31Validator({**shape, "components": described["components"]}).validate(value)
