"""Undo: what a job's changes looked like before, where versions do not tell.

`touched_on` is the item's `updated_on` after the change: an item that has another one now was touched since.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE images (
    job_id bigint NOT NULL,
    item_id bigint NOT NULL,
    touched_on timestamptz NOT NULL,
    image jsonb NOT NULL,
    PRIMARY KEY (job_id, item_id)
);
"""


def upgrade() -> None:
    """Make the table."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove it."""
    op.get_bind().exec_driver_sql("DROP TABLE images")
