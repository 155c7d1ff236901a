"""Keys of API users, for the owners of their projects to see again and again.

Only a key's digest is kept. So that it can be shown later all the same, an API user's key is derived from the installation's
secret; one that was revoked or ran out is followed by the next.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from uuid import UUID

import sqlalchemy as sa

from models import ids
from models.db import Session
from models.errors import Forbidden, NotFound
from models.identity.principal import Principal
from models.identity.service import SHOWN, spell_key
from models.identity.tables import api_keys, project_members, users
from models.settings import settings

MOST_KEYS = 1_000
API = "api"  # the option of a user that says so

_seats = sa.select(project_members).where(project_members.c.user_id == sa.bindparam("user_id"))


def key_of_api_user(session: Session, principal: Principal, gid: str, project_gid: UUID) -> str:
    """Return the key of an API user of a project that the principal owns.

    Raises NotFound for who is no API user of this project, Forbidden where the key would open a project of others.
    """
    user_id = session.execute(sa.select(users.c.id).where(users.c.gid == UUID(gid), users.c.options[API].as_boolean())).scalar()
    projects = {row.project_gid for row in session.execute(_seats, {"user_id": user_id})}
    if user_id is None or project_gid not in projects:
        raise NotFound("This is no API user of this project.")
    owned = {row.project_gid for row in session.execute(_seats, {"user_id": principal.user_id}) if "owner" in row.roles}
    if not principal.superuser and not projects <= owned:
        raise Forbidden("This API user is a member of projects that you do not own.")
    return _live_key(session, user_id, gid)


def _live_key(session: Session, user_id: int, gid: str) -> str:
    now = ids.now()
    for number in range(MOST_KEYS):
        key = _derived(gid, number)
        digest = ids.digest(key.encode())
        row = session.execute(sa.select(api_keys).where(api_keys.c.digest == digest)).first()
        if row is None:
            made = {"user_id": user_id, "prefix": key[:SHOWN], "digest": digest, "created_on": now}
            session.execute(api_keys.insert().values(made))
            return key
        if row.revoked_on is None and (row.expires_on is None or row.expires_on > now):
            return key
    raise NotFound("All keys of this API user were revoked.")


def _derived(gid: str, number: int) -> str:
    secret = settings().secret_key.partition(",")[0].strip()
    code = hmac.digest(secret.encode(), f"waybill api user 1:{gid}:{number}".encode(), hashlib.sha256)
    return spell_key(urlsafe_b64encode(code).rstrip(b"=").decode())
