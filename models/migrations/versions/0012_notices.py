"""Notices: until when each user has seen them, and what finds the ended jobs of a user. Secrets of webhooks are sealed.

Notices are read from the jobs and webhooks themselves, so that there is no second store of them. `jobs_ended` leaves out what
only tries something. Who was there before has nothing unseen. A secret that was stored as it is, is sealed with the
installation's secret key under the webhook's id: AES-SIV, in base64. How is written down here, as it was then.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from uuid import UUID

from alembic import op
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models.settings import settings

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NOTICES = """
ALTER TABLE users ADD COLUMN notices_seen_on timestamptz NOT NULL DEFAULT now();
CREATE INDEX jobs_ended ON jobs (submitter_id, finished_on, token)
    WHERE finished_on IS NOT NULL AND name <> 'validate_classifications' AND coalesce(params->'test' <> 'true', true);
CREATE INDEX outcomes_quarantined ON outcomes (job_id) WHERE code = 'quarantined';
ALTER TABLE webhooks ADD COLUMN disabled_on timestamptz;
UPDATE webhooks SET disabled_on = now() WHERE status = 'disabled';
CREATE INDEX deliveries_ended ON deliveries (webhook_id, sequence) WHERE status <> 'waiting';
CREATE INDEX records_withdrawn ON records (id) WHERE withdrawn;
"""
NO_NOTICES = """
DROP INDEX records_withdrawn, deliveries_ended, outcomes_quarantined, jobs_ended;
ALTER TABLE webhooks DROP COLUMN disabled_on;
ALTER TABLE users DROP COLUMN notices_seen_on;
"""


def upgrade() -> None:
    """Add the columns and indexes, and seal."""
    op.get_bind().exec_driver_sql(NOTICES)
    _rewrite(_seal)


def downgrade() -> None:
    """Remove them, and store secrets as they are; one that cannot be read is lost."""
    op.get_bind().exec_driver_sql(NO_NOTICES)
    _rewrite(_unseal)


def _rewrite(change: Callable[[UUID, str], str]) -> None:
    connection = op.get_bind()
    for webhook_id, *secrets in connection.exec_driver_sql("SELECT id, secret, old_secret FROM webhooks").all():
        changed = [secret and change(webhook_id, secret) for secret in secrets]
        connection.exec_driver_sql("UPDATE webhooks SET secret = %s, old_secret = %s WHERE id = %s", (*changed, webhook_id))


def _seal(webhook_id: UUID, secret: str) -> str:
    return b64encode(next(_keys()).encrypt(secret.encode(), _names(webhook_id))).decode("ascii")


def _unseal(webhook_id: UUID, stored: str) -> str:
    for key in _keys():
        try:
            return key.decrypt(b64decode(stored), _names(webhook_id)).decode()
        except (InvalidTag, ValueError):
            continue
    return stored


def _names(webhook_id: UUID) -> list[bytes]:
    return [b"waybill webhook secret 1", webhook_id.hex.encode()]


def _keys() -> Iterator[AESSIV]:
    if not settings().secrets:
        raise LookupError("WAYBILL_SECRET_KEY is not set")
    for secret in settings().secrets[:2]:
        halves = [sha256(f"waybill webhooks, half {half}: {secret}".encode()).digest() for half in (1, 2)]
        yield AESSIV(b"".join(halves))
