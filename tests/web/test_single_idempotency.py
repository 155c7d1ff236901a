"""A single operation with an Idempotency-Key: carried out once, answered as often as it is asked for."""

from __future__ import annotations

from models import ids
from models.db import driver, transaction
from tests.web.conftest import GOOD, RECORD, Caller, code_of, count

KEY = {"idempotency_key": '"one"'}
OPERATION = {"id": "north/one/r0", "create": GOOD}


def test_a_repeat_is_answered_as_the_first_was_and_changes_nothing(ann: Caller) -> None:
    first, again = (ann.post(RECORD, OPERATION, **KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json == first.json
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert count("versions") == 1


def test_another_body_with_the_key_is_refused(ann: Caller) -> None:
    ann.post(RECORD, OPERATION, **KEY)
    assert code_of(ann.post(RECORD, OPERATION | {"publish": "lab"}, **KEY)) == (422, "idempotency_key_reused")


def test_a_key_of_a_job_is_none_for_a_single_operation_and_the_other_way_round(ann: Caller) -> None:
    ann.send([OPERATION], idempotency_key='"two"')
    assert code_of(ann.post(RECORD, OPERATION, idempotency_key='"two"')) == (422, "idempotency_key_reused")
    ann.post(RECORD, OPERATION, **KEY)
    assert code_of(ann.post(RECORD, {"records": [OPERATION]}, **KEY)) == (422, "idempotency_key_reused")


def test_what_was_refused_leaves_no_key_behind(ann: Caller) -> None:
    patch = {"id": "north/one/r0", "patch": {"condition": "x"}}
    assert code_of(ann.post(RECORD, patch, **KEY)) == (404, "not_found")
    ann.post(RECORD, OPERATION)
    assert ann.post(RECORD, patch, **KEY).status_code == 200


def test_keys_belong_to_users(ann: Caller) -> None:
    ann.post(RECORD, OPERATION, **KEY)
    both = Caller(ann.client, "both")
    assert code_of(both.post(RECORD, OPERATION, **KEY)) == (409, "already_exists")


def test_a_repeat_that_comes_while_the_first_runs_is_told_so(ann: Caller) -> None:
    scope = f"POST {RECORD}\none"
    with transaction() as session:
        user = driver(session).execute("SELECT id FROM users WHERE username = 'ann'").fetchone()
        assert user
        values = (user[0], ids.digest(scope.encode()).hex(), b"x")
        driver(session).execute("INSERT INTO answers (user_id, idempotency_key, body_digest) VALUES (%s, %s, %s)", values)
        assert code_of(ann.post(RECORD, OPERATION, **KEY)) == (409, "idempotency_key_in_flight")
    assert count("records") == 0
