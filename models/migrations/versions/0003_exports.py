"""Exports: the files that export jobs made.

The fence of the claim that wrote a file is part of its name on disk, so that a worker that was overtaken writes over nothing.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE export_files (
    job_id bigint NOT NULL,
    no integer NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    rows integer NOT NULL,
    bytes bigint NOT NULL,
    digest bytea NOT NULL,
    fence integer NOT NULL,
    created_on timestamptz NOT NULL,
    PRIMARY KEY (job_id, no)
);
"""


def upgrade() -> None:
    """Make the table."""
    op.get_bind().exec_driver_sql(TABLE)


def downgrade() -> None:
    """Remove it."""
    op.get_bind().exec_driver_sql("DROP TABLE export_files")
