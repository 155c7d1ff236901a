"""Accounts and keys, against the real database."""

from __future__ import annotations

import copy
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from models import ids
from models.db import transaction
from models.errors import InvalidRequest, NotFound, Unauthorized
from models.identity.principal import Principal
from models.identity.service import (
    Report,
    authenticate,
    find_people,
    find_user_id,
    import_accounts,
    list_labs,
    new_key,
    principal_of,
    revoke_keys,
)
from models.identity.tables import api_keys, lab_members, users

pytestmark = pytest.mark.usefixtures("database")

ANN_KEY = "ann-key-0123456789abcdef"
DOCUMENT: dict[str, Any] = {
    "organisations": [{"group_name": "xyz", "name": "XYZ Pathology"}, {"group_name": "abc", "name": "ABC"}],
    "labs": [
        {"group_name": "xyz/north", "name": "North", "organisation": "xyz"},
        {"group_name": "xyz/south", "name": "South", "organisation": "xyz", "external": True},
        {"group_name": "abc/main", "name": "Main", "organisation": "abc"},
    ],
    "users": [
        {"name": "ann", "email": "Ann@example.org", "labs": ["xyz/north", "abc/main"], "api_key": ANN_KEY},
        {"name": "bob", "labs": [], "superuser": True},
    ],
    "projects": [
        {
            "gid": "74af80f4-51e6-5969-8ca6-8f86e75d9f5f",
            "name": "Places",
            "languages": ["en", "nl"],
            "members": [{"user": "ann", "roles": ["owner"]}],
            "channels": [{"key": "03c6ca11-5d31-52c2-aa82-121453762b76", "name": "All"}],
        }
    ],
}


def load(document: Any = None) -> Report:
    with transaction() as session:
        return import_accounts(session, DOCUMENT if document is None else document)


def sign_in(key: str) -> Principal:
    with transaction() as session:
        return authenticate(session, key)


def changed(**parts: Any) -> dict[str, Any]:
    return copy.deepcopy(DOCUMENT) | parts


def set_key(**values: Any) -> None:
    with transaction() as session:
        session.execute(api_keys.update().values(values))


def fresh_key(username: str) -> str:
    with transaction() as session:
        user_id = find_user_id(session, username)
        assert user_id is not None
        return new_key(session, user_id)


def test_a_second_import_changes_nothing() -> None:
    first, second = load(), load()
    assert first.created == 2 + 3 + 2 + 2 + 1 + 1
    assert (second.created, second.updated) == (0, 0)
    assert second.unchanged == 2 + 3 + 2 + 1


def test_the_shipped_accounts_can_be_imported() -> None:
    document = json.loads((Path(__file__).parents[3] / "data" / "accounts.json").read_text(encoding="utf-8"))
    assert load(document).created > 90
    assert load(document).changed == 0
    assert sign_in(document["users"][0]["api_key"]).username == document["users"][0]["name"]


def test_a_key_names_its_user_with_labs_organisations_and_tenant() -> None:
    load()
    ann = sign_in(ANN_KEY)
    assert (ann.username, ann.tenant, ann.superuser) == ("ann", "xyz", False)
    assert len(ann.lab_ids) == 2
    assert len(ann.organisation_ids) == 2
    assert ann.actor().lab_ids == ann.lab_ids


def test_a_user_without_labs_is_a_tenant_alone() -> None:
    load()
    bob = sign_in(fresh_key("bob"))
    assert (bob.tenant, bob.superuser, bob.lab_ids) == ("user:bob", True, frozenset())


@pytest.mark.parametrize("key", ["", "no such key, at all", "ü" * 30, "x" * 8_192, "wbk_" + "a" * 49, "a\x00b", "' or 1=1 --"])
def test_an_unknown_key_is_refused(key: str) -> None:
    load()
    with pytest.raises(Unauthorized):
        sign_in(key)


def test_unknown_expired_and_revoked_keys_are_refused_alike() -> None:
    load()
    texts = []
    for values in ({"expires_on": ids.now() - timedelta(seconds=1)}, {"expires_on": None, "revoked_on": ids.now()}):
        set_key(**values)
        with pytest.raises(Unauthorized) as refused:
            sign_in(ANN_KEY)
        texts.append(refused.value.detail)
    with pytest.raises(Unauthorized) as refused:
        sign_in("nobody-has-this-key-000")
    assert texts == [refused.value.detail] * 2


def test_revoking_all_keys_of_a_user_works_at_once() -> None:
    load()
    keys = [ANN_KEY, fresh_key("ann")]
    with transaction() as session:
        assert revoke_keys(session, sign_in(ANN_KEY).user_id) == 2
    for key in keys:
        with pytest.raises(Unauthorized):
            sign_in(key)


def test_the_last_use_is_noted_once_a_minute() -> None:
    load()

    def last_use() -> Any:
        sign_in(ANN_KEY)
        with transaction() as session:
            return session.execute(sa.select(api_keys.c.last_used_on)).scalar()

    first = last_use()
    assert first is not None
    assert last_use() == first
    set_key(last_used_on=first - timedelta(minutes=2))
    assert last_use() > first - timedelta(minutes=1)


def test_noting_the_last_use_never_waits_for_another_request() -> None:
    load()
    with transaction() as session:
        session.execute(sa.select(api_keys).with_for_update())
        assert sign_in(ANN_KEY).username == "ann"


def test_a_new_key_is_recognisable_and_stored_as_a_digest_only() -> None:
    load()
    key = fresh_key("ann")
    assert re.fullmatch(r"wbk_[A-Za-z0-9_-]{43}[0-9a-f]{6}", key)
    assert sign_in(key).username == "ann"
    with transaction() as session:
        stored = repr(session.execute(sa.select(api_keys)).all())
    assert key not in stored
    assert ANN_KEY not in stored


def test_a_mistyped_key_of_ours_is_known_by_its_checksum() -> None:
    load()
    key = fresh_key("ann")
    with pytest.raises(Unauthorized):
        sign_in(key[:10] + ("a" if key[10] != "a" else "b") + key[11:])


def test_importing_fewer_labs_takes_rights_away_and_keeps_the_tenant() -> None:
    load()
    before = sign_in(ANN_KEY)
    load(changed(users=[{"name": "ann", "email": "Ann@example.org", "labs": []}]))
    after = sign_in(ANN_KEY)
    assert (after.lab_ids, after.tenant) == (frozenset(), before.tenant)
    with transaction() as session:
        assert session.execute(sa.select(lab_members)).all() == []


def test_rights_are_read_anew() -> None:
    load()
    ann = sign_in(ANN_KEY)
    with transaction() as session:
        assert principal_of(session, ann.user_id) == ann
        with pytest.raises(NotFound):
            principal_of(session, 999_999)


def test_labs_come_with_their_organisation_and_unknown_ones_are_left_out() -> None:
    load()
    with transaction() as session:
        found = list_labs(session, ["xyz/south", "no/lab", "no lab", "a\x00/b"])
        assert list_labs(session, []) == {}
    assert list(found) == ["xyz/south"]
    south = found["xyz/south"]
    assert (south.name, south.external) == ("South", True)
    assert (south.organisation_group, south.organisation_name) == ("xyz", "XYZ Pathology")


def test_people_are_found_by_name_and_address_in_any_case() -> None:
    load()
    with transaction() as session:
        found = find_people(session, {"ANN", "ann@EXAMPLE.org", "nobody", "\x00"})
        assert find_people(session, set()) == {}
    assert set(found) == {"ann", "ann@example.org"}
    assert found["ann"].username == "ann"
    assert len(found["ann"].lab_ids) == 2


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], None),
        ({"userz": []}, None),
        ({"users": [{"email": "x@example.org"}]}, "/users/0"),
        ({"users": [{"name": 7}]}, "/users/0/name"),
        ({"users": [{"name": "a\x00b"}]}, "/users/0/name"),
        ({"users": [{"name": "cy", "labs": ["nolab"]}]}, "/users/0/labs/0"),
        ({"users": [{"name": "cy", "labs": ["no/lab"]}]}, "/users/0/labs/0"),
        ({"users": [{"name": "cy", "api_key": "short"}]}, "/users/0/api_key"),
        ({"users": [{"name": "cy", "api_key": "fifteen-letters"}]}, "/users/0/api_key"),
        ({"users": [{"name": "cy"}, {"name": "Cy"}]}, "/users/1/name"),
        ({"users": [{"name": "cy", "api_key": ANN_KEY}]}, "/users/0/api_key"),
        ({"users": [{"name": "cy", "email": "Ann@example.org"}]}, "/users/0/email"),
        ({"labs": [{"group_name": "abc/x", "name": "X", "organisation": "xyz"}]}, "/labs/0/group_name"),
        ({"labs": [{"group_name": "no/x", "name": "X", "organisation": "no"}]}, "/labs/0/organisation"),
        ({"organisations": [{"group_name": "a.b", "name": "X"}]}, "/organisations/0/group_name"),
        ({"projects": [{"gid": "no", "name": "X", "languages": []}]}, "/projects/0/gid"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place_and_nothing_is_stored(document: Any, pointer: str | None) -> None:
    load()
    with pytest.raises(InvalidRequest) as refused:
        load(document)
    assert refused.value.pointer == pointer
    assert ANN_KEY not in refused.value.detail
    with transaction() as session:
        assert session.execute(sa.select(sa.func.count()).select_from(users)).scalar() == 2
