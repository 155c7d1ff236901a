"""Leftovers: rows of purged jobs and of selections past their time, which are removed in pieces. Indexes for what time removes.

A leftover says which part of a job or selection is being removed, by its table's name, and behind which key it goes on. Receipts
and rows of export files now go with their jobs, so that those whose jobs had gone before are removed here, once.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE leftovers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint,
    selection_id uuid,
    part text NOT NULL,
    after bigint NOT NULL DEFAULT -1,
    created_on timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(job_id, selection_id) = 1)
);
CREATE INDEX jobs_purged ON jobs (finished_on) WHERE purged_on IS NOT NULL;
CREATE INDEX uploads_open ON uploads (touched_on) WHERE NOT complete;
CREATE INDEX asset_leftovers_age ON asset_leftovers (created_on);
DROP INDEX deleted_records_job;
CREATE INDEX deleted_records_job ON deleted_records (job_id, id) WHERE evidence IS NOT NULL;
DELETE FROM receipts r WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = r.job_id);
DELETE FROM export_files f WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = f.job_id AND j.purged_on IS NULL);
"""
NO_TABLES = """
DROP INDEX deleted_records_job, asset_leftovers_age, uploads_open, jobs_purged;
CREATE INDEX deleted_records_job ON deleted_records (job_id) WHERE evidence IS NOT NULL;
DROP TABLE leftovers;
"""


def upgrade() -> None:
    """Make the table and the indexes."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them, and what was still to be removed."""
    op.get_bind().exec_driver_sql(NO_TABLES)
