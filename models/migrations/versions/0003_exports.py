"""Exports: what was deleted for good, for those who fetch changes; the files that export jobs made."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE tombstones (
    record_id bigint PRIMARY KEY,
    lab_id integer NOT NULL,
    lab_record_id text COLLATE "C" NOT NULL,
    widest_level smallint NOT NULL,
    deleted_on timestamptz NOT NULL
);
CREATE INDEX tombstones_age ON tombstones (deleted_on);
CREATE TABLE export_files (
    job_id bigint NOT NULL,
    no integer NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    rows integer NOT NULL,
    bytes bigint NOT NULL,
    digest bytea NOT NULL,
    created_on timestamptz NOT NULL,
    PRIMARY KEY (job_id, no)
);
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("DROP TABLE export_files, tombstones")
