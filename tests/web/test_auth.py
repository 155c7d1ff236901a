"""Who is let in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import ids
from models.db import transaction
from models.identity.tables import api_keys
from tests.web.conftest import RECORD, Caller

PAGE = {"/", "/docs/api", "/static/<path:filename>"}  # the same for everybody; what it shows it asks for with a key
SIGN_IN = {"/api/p/<project>/auth", "/api/p/<project>/login", "/api/login", "/api/ping"}  # look at credentials themselves
SEALED = {"/media/p/<project>/<seal>/<name>"}  # the address itself is the permission
OPEN = (
    SEALED
    | {
        "/health/live",
        "/health/ready",
        "/metrics",
        "/api/limits",
        "/api/openapi.json",
        "/api/projects/openapi.json",
        "/.well-known/jwks.json",
    }
    | PAGE
    | SIGN_IN
)
NEVER = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Basic a2V5LWFubg==",
    "Token key-for-tests-ann",
    "key-for-tests-ann",
    "Bearer nobody-has-this-key",
    "Bearer " + "x" * 8_192,
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.",
    "Bearer key-for-tests-ann key-for-tests-ann",
    "Bearer k\u00e9y",
    "Bearer ' OR 1=1 --",
]


@pytest.mark.parametrize("header", NEVER)
def test_whatever_is_no_key_of_ours_is_answered_alike(client: FlaskClient, header: str | None) -> None:
    response = client.get("/api/jobs", headers={} if header is None else {"Authorization": header})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="waybill"'
    body = response.json
    assert (body["code"], body["detail"]) == ("unauthorized", "A valid API key is needed: Authorization: Bearer <key>.")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_in_any_case(client: FlaskClient, scheme: str) -> None:
    assert client.get("/api/jobs", headers={"Authorization": f"{scheme} key-for-tests-ann"}).status_code == 200


@pytest.mark.parametrize("name", ["token", "key", "api_key", "access_token"])
def test_a_key_in_the_address_is_none(client: FlaskClient, name: str) -> None:
    assert client.get(f"/api/jobs?{name}=key-for-tests-ann").status_code == 401


@pytest.mark.parametrize("values", [{"revoked_on": ids.now()}, {"expires_on": ids.now() - timedelta(seconds=1)}])
def test_a_revoked_or_expired_key_is_refused_at_once(ann: Caller, values: dict[str, object]) -> None:
    assert ann.get("/api/jobs").status_code == 200
    with transaction() as session:
        session.execute(api_keys.update().values(values))
    assert ann.get("/api/jobs").status_code == 401


def test_only_what_holds_nobodys_data_is_open(app: Flask, client: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<token>", "x").replace("<any(v1, v2, v3):version>", "v2").replace("<path:name>", "1")
        path = path.replace("<verb>", "delete").replace("<int(max=2147483647):no>", "1").replace("<int:no>", "1")
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            expected = path in OPEN or path.endswith("/evidence_keys")
            assert (client.open(path, method=method).status_code != 401) is expected, path


def test_nobody_reads_a_body_before_knowing_whose_it_is(client: FlaskClient) -> None:
    class Unread:
        def read(self, *_: int) -> bytes:
            raise AssertionError("the body was read")

    environ = {"wsgi.input": Unread(), "CONTENT_LENGTH": "100", "CONTENT_TYPE": "application/json"}
    assert client.post(RECORD, environ_overrides=environ).status_code == 401
