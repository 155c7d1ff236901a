"""Pausing and pacing of jobs, and the order in which outcomes came.

`pause_requested_on` is when somebody asked a job to pause, `paused_on` when the last of its chunks had come to an end. `pace` is
items a second; no item may begin before `next_on`, which each claim moves on by what it takes. `slices` are claims of a chunk
that ended a part of it as they should, so that the others can be told from them. An entry is what one transaction added to its
job's outcomes: items `place` to `place + items - 1` of chunk `no`, the last of which was outcome number `seq` of its job.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE jobs ADD COLUMN pause_requested_on timestamptz, ADD COLUMN paused_on timestamptz,
    ADD COLUMN pace integer CHECK (pace > 0), ADD COLUMN next_on timestamptz NOT NULL DEFAULT now(),
    ADD CHECK (paused_on IS NULL OR pause_requested_on IS NOT NULL);
CREATE INDEX jobs_paced ON jobs (id) WHERE pace IS NOT NULL AND status IN ('queued', 'processing');
CREATE INDEX jobs_pausing ON jobs (id) WHERE pause_requested_on IS NOT NULL AND paused_on IS NULL;
ALTER TABLE chunks ADD COLUMN slices integer NOT NULL DEFAULT 0;
CREATE TABLE entries (
    job_id bigint NOT NULL,
    seq integer NOT NULL,
    no integer NOT NULL,
    place integer NOT NULL,
    items integer NOT NULL CHECK (items > 0),
    PRIMARY KEY (job_id, seq)
);
INSERT INTO entries (job_id, seq, no, place, items)
SELECT job_id, sum(next_item) OVER (PARTITION BY job_id ORDER BY no), no, 0, next_item FROM chunks WHERE next_item > 0;
"""


def upgrade() -> None:
    """Make the columns and the table; outcomes of before are numbered in the order of their chunks."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql(
        "DROP TABLE entries; ALTER TABLE chunks DROP COLUMN slices;"
        "ALTER TABLE jobs DROP COLUMN pause_requested_on, DROP COLUMN paused_on, DROP COLUMN pace, DROP COLUMN next_on"
    )
