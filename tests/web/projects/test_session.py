"""Signing in, tokens, and what a client gets first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from models import ids
from models.db import transaction
from models.identity import tokens
from models.identity.passwords import digest_password
from models.identity.service import find_user_id, revoke_keys
from models.identity.tables import users
from models.settings import settings
from tests.factories import CHANNELS, FIELDLISTS, ORDERINGS, PASSWORD, PROJECT
from tests.web.projects.conftest import Member, refusal
from web import quotas
from web.tallies import Tallies, Window

RESULT = {
    "user", "user_projects", "project", "project_members", "last_backed_up", "cc.version", "cc.cursor", "cursor",
}  # fmt: skip
DATA = {
    "cc.users", "cc.projects", "cc.projects_members", "cc.languages",
    "definitions", "classes", "fields", "layouts", "queries",
}  # fmt: skip


def sign_in(member: Member, **more: Any) -> Any:
    return member.client.post(f"/api/p/{member.project}/auth", json={"api_key": member.key, **more})


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def at(monkeypatch: pytest.MonkeyPatch, **later: float) -> None:
    moment = ids.now() + timedelta(**later)
    monkeypatch.setattr(ids, "now", lambda: moment)


def test_auth_gives_the_first_data_and_a_bare_token(editor: Member) -> None:
    response = sign_in(editor)
    assert response.status_code == 200
    token = response.headers["Authorization"]
    assert token.count(".") == 2
    assert " " not in token
    body = response.json
    assert body["success"] is True
    assert set(body["result"]) == RESULT
    assert set(body["data"]) == DATA
    assert body["result"]["cc.version"] >= "2026.09.001"
    assert [type(body["result"][name]) for name in ("cc.cursor", "cursor", "last_backed_up")] == [int, int, float]


def test_the_first_data_describe_the_project_its_members_and_its_schema(editor: Member) -> None:
    body = sign_in(editor).json
    result, data = body["result"], body["data"]
    assert result["user_projects"] == {PROJECT: ["editor"]}
    assert sorted(user["username"] for user in data["cc.users"].values()) == ["editor", "owner", "reader", "robot"]
    assert {(seat["project_gid"], seat["user_gid"]) for seat in data["cc.projects_members"]} == {
        (PROJECT, gid) for gid in result["project_members"]
    }
    shown = data["cc.projects"][PROJECT]
    assert data["cc.users"][shown["owner"]]["username"] == "owner"
    options = shown["options"]
    assert options["languages"] == ["en", "nl"]
    assert options["orderedchannels"] == ["__all__", *CHANNELS.values()]
    assert options["orderings"] == {key: name for name, key in ORDERINGS.items()}
    assert options["orderedfieldlists"] == list(FIELDLISTS.values())
    assert data["cc.languages"]["nl"] == "Dutch"
    (base,) = data["definitions"].values()
    assert (base["is_base"], base["is_new"], base["is_working_copy"], base["is_extended"]) == (True, False, False, False)
    assert data["fields"][base["titlefield"]]["type"] == "text"
    assert base["layout"] in data["layouts"]


def test_only_ones_own_user_shows_more(editor: Member) -> None:
    body = sign_in(editor).json
    shown = [gid for gid, user in body["data"]["cc.users"].items() if "email" in user]
    assert shown == [body["result"]["user"]]


def test_init_gives_the_same_by_post_and_get(editor: Member) -> None:
    first = sign_in(editor)
    headers = {"Authorization": f"Bearer {first.headers['Authorization']}"}
    for response in (editor.client.get(f"/api/p/{PROJECT}/init", headers=headers), editor.post("init", {}, headers=headers)):
        assert response.json == first.json
        assert response.headers["Authorization"] == first.headers["Authorization"]


@pytest.mark.parametrize(
    "body", [{}, {"api_key": None}, {"api_key": 7}, {"api_key": "x", "omit_extended_definitions": 1}, [], "x"]
)
def test_auth_with_wrong_parameters_is_a_400(editor: Member, body: Any) -> None:
    body = {**body, "api_key": editor.key} if isinstance(body, dict) and body.get("api_key") == "x" else body
    assert refusal(editor.client.post(f"/api/p/{PROJECT}/auth", json=body))[0] == 400


def test_an_unknown_key_and_a_strange_project_are_a_403(editor: Member, stranger: Member) -> None:
    assert refusal(editor.client.post(f"/api/p/{PROJECT}/auth", json={"api_key": "nobodys-key-at-all"})) == (403, "forbidden")
    assert refusal(sign_in(stranger)) == (403, "forbidden")
    for other in ("22222222-2222-4222-8222-222222222222", "no-gid", "%C3%BC"):
        answer = editor.client.post(f"/api/p/{other}/auth", json={"api_key": editor.key})
        assert refusal(answer) == (403, "forbidden")
        assert "Authorization" not in answer.headers


def test_login_by_password_gives_the_same_reply(owner: Member) -> None:
    login = owner.client.post(f"/api/p/{PROJECT}/login", json={"username": "owner", "password": PASSWORD})
    assert login.json == sign_in(owner).json
    assert claims(login.headers["Authorization"])["sub"]


@pytest.mark.parametrize("who", [("owner", "wrong"), ("nobody", PASSWORD), ("editor", ""), ("owner", "x" * 5_000)])
def test_a_wrong_login_is_a_403_that_tells_nothing(owner: Member, who: tuple[str, str]) -> None:
    body = {"username": who[0], "password": who[1]}
    answer = owner.client.post(f"/api/p/{PROJECT}/login", json=body)
    assert refusal(answer) == (403, "forbidden")
    assert answer.json["result"]["message"] == "There is no such user, or this is not the password."


def test_the_common_login_and_init_know_no_project(owner: Member) -> None:
    login = owner.client.post("/api/login", json={"username": "owner", "password": PASSWORD})
    assert set(login.json["result"]) == {"user", "user_projects", "cc.version", "cc.cursor"}
    owner.token = login.headers["Authorization"]
    assert owner.post("/api/init").json == login.json
    assert owner.client.get("/api/init", headers={"Authorization": f"Bearer {owner.token}"}).json == login.json


def test_without_or_with_a_wrong_token_the_answer_is_401_in_the_envelope(editor: Member, web: FlaskClient) -> None:
    token = sign_in(editor).headers["Authorization"]
    forged = jwt.encode(claims(token), "another key of thirty-two bytes, or more", algorithm="HS256")
    unsigned = jwt.encode(claims(token), None, algorithm="none")
    credentials = (token[:-3], forged, unsigned, "x.y.z", "eyJ.e.e", "")
    for header in (None, "", token, *(f"Bearer {credential}" for credential in credentials)):
        answer = web.post(f"/api/p/{PROJECT}/init", json={}, headers={} if header is None else {"Authorization": header})
        assert refusal(answer) == (401, "unauthorized"), header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
        assert "Authorization" not in answer.headers


def test_a_token_is_renewed_once_half_of_its_time_is_over(editor: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    editor.token = sign_in(editor).headers["Authorization"]
    at(monkeypatch, seconds=settings().token_seconds * 0.4)
    assert editor.post("init").headers["Authorization"] == editor.token
    at(monkeypatch, seconds=settings().token_seconds * 0.2)
    renewed = editor.post("init").headers["Authorization"]
    assert claims(renewed)["exp"] > claims(editor.token)["exp"]
    failed = editor.post("queries/get", {"query": "no gid"})
    assert (failed.status_code, failed.headers["Authorization"]) == (400, renewed)


def test_a_token_runs_out(editor: Member) -> None:
    editor.token = sign_in(editor).headers["Authorization"]
    old = {**claims(editor.token), "exp": int(ids.now().timestamp()) - 1}
    editor.token = jwt.encode(old, tokens._keys()[0], algorithm="HS256")
    assert editor.refused("init") == (401, "unauthorized")


def test_a_token_ends_with_the_key_or_password_it_was_given_for(editor: Member, owner: Member) -> None:
    editor.token = sign_in(editor).headers["Authorization"]
    owner.token = owner.client.post("/api/login", json={"username": "owner", "password": PASSWORD}).headers["Authorization"]
    assert [member.post("init").status_code for member in (editor, owner)] == [200, 200]
    with transaction() as session:
        revoke_keys(session, find_user_id(session, "editor") or 0)
        session.execute(users.update().where(users.c.username == "owner").values(password_digest=digest_password("another")))
    assert [member.post("init").status_code for member in (editor, owner)] == [401, 401]


def test_the_other_face_takes_the_token_too(owner: Member) -> None:
    token = sign_in(owner).headers["Authorization"]
    headers = {"Authorization": f"Bearer {token}"}
    assert owner.client.get("/api/jobs", headers=headers).status_code == 200
    assert owner.client.get("/api/jobs", headers={"Authorization": f"Bearer {token}x"}).status_code == 401


def test_ping_answers_everybody(web: FlaskClient) -> None:
    assert web.get("/api/ping").json["success"] is True


def test_an_owner_sees_the_key_of_an_api_user_and_it_is_always_the_same(owner: Member, editor: Member) -> None:
    robot = next(gid for gid, user in sign_in(owner).json["data"]["cc.users"].items() if user["username"] == "robot")
    key = owner.call("apikeys/get", user=robot)["apikey"]
    assert owner.call("apikeys/get", user=robot)["apikey"] == key
    signed = owner.client.post(f"/api/p/{PROJECT}/auth", json={"api_key": key})
    assert signed.json["result"]["user"] == robot
    assert editor.refused("apikeys/get", user=robot) == (403, "forbidden")
    assert owner.refused("apikeys/get", user=sign_in(editor).json["result"]["user"]) == (422, "not_found")
    with transaction() as session:
        revoke_keys(session, find_user_id(session, "robot") or 0)
    assert owner.call("apikeys/get", user=robot)["apikey"] != key


OWNER = {"username": "owner", "password": PASSWORD}
GUESSES = {
    "auth": (f"/api/p/{PROJECT}/auth", {"api_key": "key-for-tests-editor"}, {"api_key": "a guess {}"}),
    "login": (f"/api/p/{PROJECT}/login", OWNER, OWNER | {"password": "guess {}"}),
    "common": ("/api/login", OWNER, OWNER | {"password": "guess {}"}),
}  # fmt: skip


@pytest.mark.parametrize("way", GUESSES)
def test_who_guesses_is_slowed_down_even_with_the_right_one(editor: Member, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    path, right, wrong = GUESSES[way]
    address = f"192.0.2.{list(GUESSES).index(way) + 1}"
    monkeypatch.setenv("WAYBILL_WRONG_KEYS", "3")
    monkeypatch.setattr(quotas, "right_keys", Window(Tallies(), "right", quotas.KNOWN_SECONDS))
    settings.cache_clear()

    def answer(body: dict[str, str], peer: str = address) -> Any:
        return editor.client.post(path, json=body, environ_base={"REMOTE_ADDR": peer})

    try:
        for at in range(3):
            guess = {name: text.format(at) for name, text in wrong.items()}
            assert refusal(answer(guess)) == (403, "forbidden")
        limited = answer(right)
        assert refusal(limited) == (429, "quota_exceeded")
        assert 1 <= int(limited.headers["Retry-After"]) <= 60
        assert limited.json["result"]["info"]["violated-policies"] == ["wrong-keys"]
        assert "Authorization" not in limited.headers
        elsewhere = answer(right, "198.51.100.7")
        assert elsewhere.json["success"] is True
        assert answer(right).json["success"] is True, "what was right a moment ago is let through"
    finally:
        monkeypatch.undo()
        settings.cache_clear()
