"""The document of the project face: every route is in it, its examples fit, what is made up from it never breaks the server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from models import operations
from tests.factories import ORDERINGS, PROJECT
from tests.web.projects.conftest import Member
from web.app import create_app
from web.projects import openapi
from web.projects.described import COMMON, IN_PROJECT
from web.projects.openapi import DOCUMENT, template
from web.projects.replies import speaks

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
CHECKS = [status_code_conformance, response_schema_conformance]
WAITING = ("/sync/events",)  # never ends by itself
OPEN_ENDED = ("wait",)
document = openapi.build(create_app())
schema = schemathesis.openapi.from_dict(document)
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], allow_x00=False)


def test_the_document_is_valid_and_served(client: FlaskClient) -> None:
    served = client.get(DOCUMENT)
    assert served.status_code == 200
    assert served.json == document
    validate(document)


def test_every_route_is_described(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        path = template(rule)
        if speaks(path) and not path.endswith("/{verb}"):
            told = document["paths"][path]
            assert {method.lower() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}} == set(told), path
            assert all(method["summary"] for method in told.values()), path


def test_nothing_is_described_that_is_not_served(app: Flask) -> None:
    served = {template(rule) for rule in app.url_map.iter_rules()}
    assert {f"/api/p/{{project}}/{rule}" for rule in IN_PROJECT} | set(COMMON) <= served


def test_every_operation_over_a_selection_is_described(client: FlaskClient) -> None:
    """Each is there under the address that it is served at: a reader without a token is told so, and not that it is unknown."""
    verbs = [verb for verb in operations.registry().values() if verb.over_selection and "classifications" not in verb.name]
    told = [path for path in document["paths"] if "/bulk/" in path and not path.endswith(("/bulk/get", "/bulk/create"))]
    assert len(told) == len(verbs)
    for path in told:
        assert client.post(path.replace("{project}", PROJECT), json={}).status_code == 401, path


def _examples() -> Iterator[tuple[str, Any, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                for example in body.get("examples", {}).values():
                    yield f"{method} {path} {kind}", body["schema"], example["value"]
    for name, response in document["components"]["responses"].items():
        for body in response["content"].values():
            for example in body.get("examples", {}).values():
                yield name, body["schema"], example["value"]


def test_examples_are_as_the_document_says() -> None:
    found = list(_examples())
    assert len(found) > 250
    for place, shape, example in found:
        validator = Draft202012Validator({**shape, "components": document["components"]})
        assert not [error.message for error in validator.iter_errors(example)], place


@pytest.fixture
def known(editor: Member) -> dict[str, Any]:
    """What there is in the project, by the names under which calls ask for it."""
    data = editor.call("init")["data"]
    root = editor.call("records/root")["root"]
    base = next(item for item in data["definitions"].values() if item["is_base"])
    return {
        "record": editor.call("records/create", parent=root, ordering=next(iter(ORDERINGS.values())))["record"], "parent": root,
        "definition": base["gid"], "field": base["titlefield"], "fields": {"en": {"title": "made up"}}, "language": "en",
        "languages": ["en"], "selection": [{"children": root}], "project": PROJECT, "cc_cursor": 0, "cursor": 0,
    }  # fmt: skip


@pytest.mark.timeout(3600 if FULL else 240)
def test_calls_made_up_from_the_document_never_break_the_server(app: Flask, known: dict[str, Any]) -> None:
    """Half of them about what there is, so that they get further than to the first refusal."""
    headers = {"Authorization": "Bearer key-for-tests-editor"}
    tried = 0

    def attempt(case: Case[Any]) -> None:
        nonlocal tried
        tried += 1
        if case.path_parameters and "project" in case.path_parameters:
            case.path_parameters["project"] = PROJECT
        if isinstance(case.body, dict):
            meant = {name: value for name, value in known.items() if name in case.body and tried % 2}
            case.body.update(meant)
            for name in OPEN_ENDED:
                case.body.pop(name, None)
        response = case.call(app=app, headers=headers)
        case.validate_response(response, checks=CHECKS)
        offered = "200" in case.operation.definition.raw["responses"]
        assert response.status_code < 500 or (response.status_code == 501 and (not offered or case.path.startswith("/dam/")))

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path not in WAITING and (operation.method.upper() == "POST" or operation.body or FULL):
            _run(operation.as_strategy(), attempt)
    assert tried > 150


def _run(strategy: Any, attempt: Any) -> None:
    @seed(1)
    @settings(
        max_examples=30 if FULL else 1, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategy)
    def each(case: Case[Any]) -> None:
        attempt(case)

    each()
