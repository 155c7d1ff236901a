"""Webhooks: subscriptions of users, what is to be delivered to each in which order, and each try.

`webhooks.next_on` says when the delivering part looks at a subscription again, NULL where nothing waits. `sequence` counts a
subscription's events; it is counted under the subscription's lock, which the transaction that ends a job takes last.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
    url text NOT NULL,
    events text[] NOT NULL,
    secret text NOT NULL,
    old_secret text,
    old_until timestamptz,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    reason text,
    sequence bigint NOT NULL DEFAULT 0,
    next_on timestamptz,
    created_on timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_mine ON webhooks (user_id, created_on);
CREATE INDEX webhooks_due ON webhooks (next_on) WHERE next_on IS NOT NULL AND status = 'active';
CREATE TABLE deliveries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    sequence bigint NOT NULL,
    job_id bigint NOT NULL,
    token uuid NOT NULL,
    event text NOT NULL,
    body text NOT NULL,
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    replayed_on timestamptz,
    created_on timestamptz NOT NULL DEFAULT now(),
    UNIQUE (webhook_id, job_id),
    UNIQUE (webhook_id, sequence)
);
CREATE INDEX deliveries_waiting ON deliveries (webhook_id, replayed_on, sequence) WHERE status = 'waiting';
CREATE INDEX deliveries_age ON deliveries (created_on);
CREATE TABLE delivery_attempts (
    delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    no integer NOT NULL,
    started_on timestamptz NOT NULL,
    milliseconds integer,
    status integer,
    error text,
    PRIMARY KEY (delivery_id, no)
);
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("DROP TABLE delivery_attempts, deliveries, webhooks")
