"""The document says what the server does: each route is in it, and calls made up from it are answered as it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from requests.structures import CaseInsensitiveDict
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from models import operations, parts
from models.db import transaction
from tests.serializers import as_it_is
from web.app import create_app
from web.projects.replies import speaks

__all__ = ["as_it_is"]  # how bodies of uploads are made up

# Prometheus has a format of its own, and the page is for people.
UNDESCRIBED = {"/metrics", "/", "/docs/api", "/static/{filename}"}
CURSOR, KEY, GUARD = "page.cursor", "Idempotency-Key", "max_affected"  # refused for what was before, which no shape can tell
STREAM = "/api/jobs/{token}/events"
# Systematic variations would be thousands of jobs; made-up calls find the same in seconds.
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "429"]
config = schemathesis.Config.from_dict(
    {
        "phases": {"coverage": {"enabled": False}},
        "generation": {"allow-x00": False},
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
    }
)
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", create_app(), config=config)


def template(rule: str) -> str:
    """Return a route as the document names it: the addresses of one record are two there, and aliases are not told."""
    rule = rule.replace("<any(v1, v2, v3):version>", "{version}").replace("<path:name>", "{rid}")
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def test_the_document_is_valid(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_described(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").json["paths"]
    for rule in app.url_map.iter_rules():
        path = template(rule.rule)
        if path.startswith("/variantclassification") or "/classifications/record" in path or path in UNDESCRIBED:
            continue
        if speaks(path):  # the project face is another's API, with a contract of its own
            continue
        names = {"delete", "publish", "patch"} if "{verb}" in path else {""}
        for name in names:
            described = paths[path.replace("{verb}", name)]
            assert {method.lower() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}} <= set(described), path


def test_every_operation_over_a_selection_is_described(client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").json["paths"]
    for verb in operations.registry().values():
        if verb.over_selection and verb.name.endswith("_classifications"):
            assert f"/classification/api/classifications/{{version}}/records/bulk/{verb.title}" in paths


def test_every_operation_says_which_refusals_it_has(client: FlaskClient) -> None:
    for path, item in client.get("/api/openapi.json").json["paths"].items():
        for method in item.keys() & {"get", "post", "delete"}:
            described: dict[str, Any] = item[method]["responses"]
            assert {"400", "500", "503"} <= set(described), path
            assert ("401" in described) == bool(item[method]["security"]), path


@pytest.mark.timeout(300)
@(schema.exclude(path=STREAM).parametrize())
@settings(
    max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_calls_made_up_from_the_document_are_answered_as_it_says(case: Case, worker: None) -> None:
    with transaction() as session:
        for role in ("worker", "dispatcher"):
            parts.beat(session, parts.new_part(role))
    for sent, member in ((case.query, CURSOR), (case.body, CURSOR), (case.headers, KEY), (case.body, GUARD)):
        if isinstance(sent, dict | CaseInsensitiveDict) and case.meta and case.meta.generation.mode.is_positive:
            sent.pop(member, None)
    # No compression: what calls an application without a server between unpacks nothing.
    headers = {"Authorization": "Bearer key-for-tests-ann", "Accept-Encoding": "identity"}
    case.call_and_validate(headers=headers, excluded_checks=untold(case))


def untold(case: Case) -> list[Any]:
    """Return what no shape can tell of a body: how evidence and filters are read, and that a list needs no id in the address.

    Nor is a part of an upload looked at before all of it is there.
    """
    if case.method != "POST":
        return []
    unread = "/record/{" in case.path or (case.headers or {}).get("Upload-Complete") == "?0"
    return [positive_data_acceptance, *([negative_data_rejection] if unread else [])]
