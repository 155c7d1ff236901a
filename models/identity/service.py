"""Identity, as the database has it: who a key belongs to, what a user may do, who and which labs there are."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from models import ids
from models.db import Session
from models.errors import NotFound, Unauthorized
from models.identity.accounts import LAB_GROUP
from models.identity.importing import Report, import_accounts
from models.identity.people import Lab, Person
from models.identity.principal import Credential, Principal
from models.identity.tables import api_keys, lab_members, labs, organisations, users

__all__ = [
    "Report",
    "authenticate",
    "find_people",
    "import_accounts",
    "list_labs",
    "new_key",
    "principal_of",
]

KEY_PREFIX = "wbk_"
KEY_DAYS = 365
KEY_LENGTH = 200  # more is no key of anybody
SHOWN = 8  # characters of a key that are kept readable, so that its owner can tell which one it is
STALE = timedelta(minutes=1)
OURS = re.compile(rf"{KEY_PREFIX}([A-Za-z0-9_-]{{43}})([0-9a-f]{{6}})")
REFUSAL = "A valid API key is needed: Authorization: Bearer <key>."

_rights = (
    users.c.id,
    users.c.username,
    users.c.tenant,
    users.c.superuser,
    sa.func.array_agg(lab_members.c.lab_id).label("lab_ids"),
    sa.func.array_agg(labs.c.organisation_id).label("organisation_ids"),
)
_memberships = users.outerjoin(lab_members).outerjoin(labs, labs.c.id == lab_members.c.lab_id)
_by_user = sa.select(*_rights).select_from(_memberships).where(users.c.id == sa.bindparam("user_id")).group_by(users.c.id)
_by_key = (
    sa.select(*_rights, api_keys.c.id.label("key_id"), api_keys.c.last_used_on)
    .select_from(_memberships.join(api_keys, api_keys.c.user_id == users.c.id))
    .where(
        api_keys.c.digest == sa.bindparam("digest"),
        api_keys.c.revoked_on.is_(None),
        sa.or_(api_keys.c.expires_on.is_(None), api_keys.c.expires_on > sa.bindparam("now")),
    )
    .group_by(users.c.id, api_keys.c.id)
)
_unlocked_key = sa.select(api_keys.c.id).where(api_keys.c.id == sa.bindparam("key_id")).with_for_update(skip_locked=True)
_note_use = api_keys.update().where(api_keys.c.id.in_(_unlocked_key)).values(last_used_on=sa.bindparam("now"))


def authenticate(session: Session, key: str) -> Principal:
    """Return whose key this is. Raises Unauthorized for unknown, expired and revoked keys alike."""
    if not _plausible(key):
        raise Unauthorized(REFUSAL)
    now = ids.now()
    row = session.execute(_by_key, {"digest": ids.digest(key.encode()), "now": now}).first()
    if row is None:
        raise Unauthorized(REFUSAL)
    if row.last_used_on is None or row.last_used_on < now - STALE:
        session.execute(_note_use, {"key_id": row.key_id, "now": now})  # never waits for another request with the key
    return replace(_principal(row), by=Credential(key_id=row.key_id))


def _plausible(key: str) -> bool:
    """Say whether a text may be a key; a mistyped key of ours is found out by its checksum, without a query."""
    if not key or len(key) > KEY_LENGTH or not key.isascii():
        return False
    if not key.startswith(KEY_PREFIX):
        return True
    parts = OURS.fullmatch(key)
    return parts is not None and _checksum(parts[1]) == parts[2]


def _checksum(secret: str) -> str:
    return ids.digest(secret.encode())[:3].hex()


def _present(values: Collection[int | None]) -> frozenset[int]:
    return frozenset(value for value in values if value is not None)


def _principal(row: sa.Row[Any]) -> Principal:
    return Principal(row.id, row.username, row.tenant, row.superuser, _present(row.lab_ids), _present(row.organisation_ids))


def principal_of(session: Session, user_id: int) -> Principal:
    """Return a user with today's rights. Raises NotFound."""
    row = session.execute(_by_user, {"user_id": user_id}).first()
    if row is None:
        raise NotFound("There is no such user.")
    return _principal(row)


def find_user_id(session: Session, username: str) -> int | None:
    """Return the id of a user, or None."""
    return session.execute(sa.select(users.c.id).where(users.c.username == username)).scalar()


def new_key(session: Session, user_id: int) -> str:
    """Make a key for a user and return it: 256 random bits and a checksum. Only its SHA-256 is kept, so it is shown once."""
    secret = ids.new_secret()
    key = spell_key(secret)
    now = ids.now()
    row = {"user_id": user_id, "prefix": key[:SHOWN], "digest": ids.digest(key.encode()), "created_on": now}
    session.execute(api_keys.insert().values(row | {"expires_on": now + timedelta(days=KEY_DAYS)}))
    return key


def spell_key(secret: str) -> str:
    """Return the key that a secret of 43 URL-safe characters makes."""
    return f"{KEY_PREFIX}{secret}{_checksum(secret)}"


def revoke_keys(session: Session, user_id: int) -> int:
    """Revoke all keys of a user, at once; return how many there were."""
    live = api_keys.update().where(api_keys.c.user_id == user_id, api_keys.c.revoked_on.is_(None))
    return session.execute(live.values(revoked_on=ids.now())).rowcount


_lab_columns = (
    labs.c.id,
    labs.c.group_name,
    labs.c.name,
    labs.c.organisation_id,
    organisations.c.group_name.label("organisation_group"),
    organisations.c.name.label("organisation_name"),
    labs.c.external,
)


def list_labs(session: Session, group_names: Collection[str]) -> dict[str, Lab]:
    """Return the labs among these names; a name of no lab is left out."""
    wanted = [name for name in group_names if LAB_GROUP.fullmatch(name)]
    if not wanted:
        return {}
    found = sa.select(*_lab_columns).join(organisations).where(labs.c.group_name.in_(wanted))
    return {row.group_name: Lab(*row) for row in session.execute(found)}


def find_people(session: Session, names: Collection[str]) -> dict[str, Person]:
    """Return users by lower-case username and e-mail address, of those among `names` that are known."""
    wanted = [name.lower() for name in names if name.isprintable()]
    if not wanted:
        return {}
    columns = (users.c.id, users.c.username, users.c.email, sa.func.array_agg(lab_members.c.lab_id).label("lab_ids"))
    spelled = sa.or_(sa.func.lower(users.c.username).in_(wanted), sa.func.lower(users.c.email).in_(wanted))
    found = sa.select(*columns).outerjoin(lab_members).where(spelled).group_by(users.c.id).order_by(users.c.id.desc())
    rows = session.execute(found).all()
    people = {row.id: Person(row.id, row.username, _present(row.lab_ids)) for row in rows}
    by_email = {row.email.lower(): people[row.id] for row in rows if row.email}
    return by_email | {row.username.lower(): people[row.id] for row in rows}
