"""Who may go on with what they signed in by, looked at for many at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import ids
from models.db import driver, transaction
from models.identity.passwords import digest_password
from models.identity.principal import Credential, Principal
from models.identity.service import authenticate, new_key, principal_of, revoke_keys
from models.identity.standing import stand
from models.identity.tokens import authenticate_token, sign_in_by_key, sign_in_by_password
from tests.factories import PASSWORD, accounts, project


@pytest.fixture
def people(database: str) -> dict[str, Principal]:
    with transaction() as session:
        return accounts(session) | project(session)


def standing(*people: Principal) -> list[bool]:
    with transaction() as session:
        return stand(session, people)


def test_who_has_signed_in_by_a_key_a_token_or_a_password_stands(people: dict[str, Principal]) -> None:
    with transaction() as session:
        by_token = authenticate_token(session, sign_in_by_key(session, "key-for-tests-editor").token).principal
        by_password = authenticate_token(session, sign_in_by_password(session, "owner", PASSWORD).token).principal
    assert by_token.by == people["editor"].by
    assert by_password.by is not None and by_password.by.key_id is None
    assert standing(people["editor"], by_token, by_password, people["admin"]) == [True] * 4


def test_each_falls_alone_and_in_its_place(people: dict[str, Principal]) -> None:
    asked = [people["ann"], people["ben"], people["ann"], people["cat"]] * 200
    with transaction() as session:
        revoke_keys(session, people["ann"].user_id)
    assert standing(*asked) == [False, True, False, True] * 200
    assert standing() == []


def test_another_key_of_the_user_does_not_help_but_for_itself(people: dict[str, Principal]) -> None:
    with transaction() as session:
        revoke_keys(session, people["ann"].user_id)
        other = authenticate(session, new_key(session, people["ann"].user_id))
    assert standing(people["ann"], other) == [False, True]


def test_a_key_that_has_run_out_is_none(people: dict[str, Principal]) -> None:
    values = {"past": ids.now() - timedelta(seconds=1), "user_id": people["ann"].user_id}
    with transaction() as session:
        driver(session).execute("UPDATE api_keys SET expires_on = %(past)s WHERE user_id = %(user_id)s", values)
    assert standing(people["ann"], people["ben"]) == [False, True]


def test_a_password_stands_until_it_is_another_and_keys_beside_it_go_on(people: dict[str, Principal]) -> None:
    with transaction() as session:
        by_password = sign_in_by_password(session, "owner", PASSWORD).principal
        changed = {"digest": digest_password("another"), "user_id": by_password.user_id}
        driver(session).execute("UPDATE users SET password_digest = %(digest)s WHERE id = %(user_id)s", changed)
    assert standing(by_password, people["owner"]) == [False, True]


def test_who_is_no_superuser_any_more_falls_and_who_becomes_one_does_not(people: dict[str, Principal]) -> None:
    with transaction() as session:
        driver(session).execute("UPDATE users SET superuser = NOT superuser WHERE username IN ('admin', 'ann')")
    assert standing(people["admin"], people["ann"]) == [False, True]


def test_what_nobody_signed_in_by_lets_nobody_stand(people: dict[str, Principal]) -> None:
    ann, ben = people["ann"], people["ben"]
    with transaction() as session:
        silent = principal_of(session, ann.user_id)
    wrong = [Principal(ann.user_id, "ann", ann.tenant, by=by) for by in (Credential(), ben.by, Credential(password="0" * 18))]
    assert standing(silent, *wrong, Principal(0, "nobody", "", by=ann.by)) == [False] * 5
