"""Whether people may go on with what they signed in by: looked at for many at once, as those who wait are many."""

from __future__ import annotations

from collections.abc import Sequence

from models import ids
from models.db import Session, driver
from models.identity.principal import Credential, Principal

STANDING = """
SELECT asked.place - 1, u.superuser, u.password_digest, EXISTS (
    SELECT FROM api_keys k WHERE k.id = asked.key_id AND k.user_id = u.id AND k.revoked_on IS NULL
        AND (k.expires_on IS NULL OR k.expires_on > %(now)s)
) FROM unnest(%(users)s::int[], %(keys)s::int[]) WITH ORDINALITY AS asked (user_id, key_id, place)
JOIN users u ON u.id = asked.user_id
"""


def stand(session: Session, people: Sequence[Principal]) -> list[bool]:
    """Say of each whether the key or password still is the user's, and whether who was a superuser still is one."""
    values = {"users": [who.user_id for who in people], "keys": [who.by and who.by.key_id for who in people], "now": ids.now()}
    standing = [False] * len(people)
    for place, superuser, digest, live in driver(session).execute(STANDING, values).fetchall():
        who = people[place]
        standing[place] = (live or _is_password(who.by, digest)) and (superuser or not who.superuser)
    return standing


def _is_password(by: Credential | None, digest: str | None) -> bool:
    return by is not None and by.password is not None and digest is not None and fingerprint(digest) == by.password


def fingerprint(digest: str) -> str:
    """Return what a password is told apart by from those before and after it."""
    return ids.digest(digest.encode())[:9].hex()
