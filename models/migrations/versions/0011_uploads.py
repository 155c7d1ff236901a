"""Uploads that can be resumed, and receipts of jobs.

An upload's bytes lie in files, a file for each request that brought some; `received` says how many of them are safe on disk. Each
request has a fence of its own, so that one that was given up by its client moves nothing any more. A receipt is kept as it was
signed; the public keys of all that ever signed stay known, also after the installation's secret was changed.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE uploads (
    id uuid PRIMARY KEY,
    user_id integer NOT NULL,
    idempotency_key text NOT NULL,
    target text NOT NULL,
    asked jsonb NOT NULL,
    length bigint,
    digest bytea,
    received bigint NOT NULL DEFAULT 0,
    fence integer NOT NULL DEFAULT 0,
    complete boolean NOT NULL DEFAULT false,
    job_token uuid,
    refusal jsonb,
    created_on timestamptz NOT NULL DEFAULT now(),
    touched_on timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, idempotency_key),
    CHECK (received <= length)
);
CREATE INDEX uploads_age ON uploads (touched_on);
CREATE TABLE upload_parts (
    upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
    start bigint NOT NULL,
    fence integer NOT NULL,
    size bigint NOT NULL,
    PRIMARY KEY (upload_id, start)
);
CREATE TABLE receipts (
    job_id bigint PRIMARY KEY,
    jws text NOT NULL,
    created_on timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE receipt_keys (
    kid text PRIMARY KEY,
    public_key bytea NOT NULL,
    created_on timestamptz NOT NULL DEFAULT now()
);
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("DROP TABLE receipt_keys, receipts, upload_parts, uploads")
