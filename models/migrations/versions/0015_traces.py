"""Where a job's spans hang: the W3C trace context of the request that stored it, as `traceparent`, then its `tracestate` if any.

It is in the row, and not in messages, so that a dispatcher and workers that start later, or again, go on with the same trace.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.get_bind().exec_driver_sql("ALTER TABLE jobs ADD COLUMN trace text CHECK (length(trace) <= 600)")


def downgrade() -> None:
    """Remove it."""
    op.get_bind().exec_driver_sql("ALTER TABLE jobs DROP COLUMN trace")
