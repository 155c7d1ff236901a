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

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
STREAM = "/api/jobs/{token}/events"
CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)
EXAMPLES = 200 if FULL else 12


@pytest.fixture(scope="module")
def api_schema(parts: Parts) -> Iterator[Any]:
    """The document as it is served; afterwards the same processes must still be there."""
    with transaction() as session:
        accounts(session)
    before = sorted(children(parts.pid("web")))
    with urllib.request.urlopen(parts.url + "/api/openapi.json") as answer:
        document = json.load(answer)
    loaded = schemathesis.openapi.from_dict(document)
    loaded.config.update(base_url=parts.url)
    loaded.config.generation.update(modes=[GenerationMode.NEGATIVE])
    yield loaded.exclude(path=STREAM)
    assert sorted(children(parts.pid("web"))) == before


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=not FULL, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_what_breaks_the_rules_is_refused_as_declared(case: Case) -> None:
    case.call_and_validate(headers={"Authorization": "Bearer key-ann"}, checks=list(CHECKS), timeout=30)
