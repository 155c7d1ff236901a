"""Safety: groups and frozen moments of a chunk's items, rehearsed records, drift, and answers kept for repeats.

`groups`, `units` and `moments` go with a chunk's `indexes`: the group an item stands and falls with, the number of the part of
the chunk that may be tried alone, and when a frozen member had last changed.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE chunks ADD COLUMN groups text[], ADD COLUMN units integer[], ADD COLUMN moments timestamptz[];
CREATE TABLE rehearsals (
    job_id bigint NOT NULL,
    lab_id integer NOT NULL,
    lab_record_id text COLLATE "C" NOT NULL,
    record jsonb,
    PRIMARY KEY (job_id, lab_id, lab_record_id)
);
CREATE TABLE drifts (
    job_id bigint NOT NULL,
    index integer NOT NULL,
    record_id bigint NOT NULL,
    change text NOT NULL CHECK (change IN ('changed', 'gone', 'unmatched')),
    frozen_on timestamptz,
    found_on timestamptz,
    PRIMARY KEY (job_id, index)
);
CREATE TABLE answers (
    user_id integer NOT NULL,
    idempotency_key text NOT NULL,
    body_digest bytea NOT NULL,
    answer bytea,
    created_on timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, idempotency_key)
);
CREATE INDEX answers_age ON answers (created_on);
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql(
        "DROP TABLE answers, drifts, rehearsals;ALTER TABLE chunks DROP COLUMN groups, DROP COLUMN units, DROP COLUMN moments"
    )
