"""Requests made up against the rules of the served OpenAPI document, sent to a running web: refused as declared, and survived.

What is made up by the rules is sent in `tests/web/test_openapi.py`, in process; here it breaks them, over HTTP.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from models.db import transaction
from tests.factories import accounts
from tests.processes import Parts, children
from tests.serializers import as_it_is
from web import openapi

__all__ = ["as_it_is"]  # how bodies of uploads are made up

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
STREAM = "/api/jobs/{token}/events"
NOTHING_TO_BREAK = [
    "/classification/api/evidence_keys",
    "/api/limits",
    "/api/openapi.json",
    "/health/live",
    "/health/ready",
    "/.well-known/jwks.json",
]
CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)
EXAMPLES = 200 if FULL else 12


DOCUMENT = json.loads(json.dumps(openapi.document()))
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.config.generation.update(modes=[GenerationMode.NEGATIVE])


@pytest.fixture(scope="module")
def web(parts: Parts) -> Iterator[str]:
    """Where the web is that serves this document; afterwards the same processes must still be there."""
    with transaction() as session:
        accounts(session)
    before = sorted(children(parts.pid("web")))
    with urllib.request.urlopen(parts.url + "/api/openapi.json") as answer:
        assert json.load(answer) == DOCUMENT
    yield parts.url
    assert sorted(children(parts.pid("web"))) == before


@pytest.mark.timeout(3600 if FULL else 120)
@schema.exclude(path=[STREAM, *NOTHING_TO_BREAK]).parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=not FULL, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_what_breaks_the_rules_is_refused_as_declared(case: Case[Any], web: str) -> None:
    case.call_and_validate(base_url=web, headers={"Authorization": "Bearer key-for-tests-ann"}, checks=list(CHECKS), timeout=30)
