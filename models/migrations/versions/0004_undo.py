"""The past: what versions do not tell of a record, what was deleted for good, and images of other items before a job.

`record_states` says what a record's state was until a moment at which it changed: nothing is written for a creation, nor for
evidence that only the lab sees, since neither changes anything here. A version of NULL says that there was no such record until
then. `levels` are the rows of `versions` that an undoing published otherwise, as they were. Moments are microseconds since 1970,
as versions are. A row of `deleted_records` without evidence is one whose time is over: it only says that something was there.
`images` has what a job changed of other items: `member_id` is the item of the job that a change belongs to, as those of a whole
subtree belong to the one record that was deleted.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE record_states (
    record_id bigint NOT NULL,
    moment bigint NOT NULL,
    job_id bigint,
    user_id integer NOT NULL,
    version bigint,
    owner_id integer NOT NULL,
    share_level smallint NOT NULL,
    live_level smallint NOT NULL,
    widest_level smallint NOT NULL,
    withdrawn boolean NOT NULL,
    published_version bigint,
    published_on timestamptz,
    source_id text,
    snapshots jsonb,
    levels jsonb,
    PRIMARY KEY (record_id, moment)
);
CREATE TABLE deleted_records (
    LIKE records INCLUDING STORAGE INCLUDING COMPRESSION,
    snapshots jsonb,
    moment bigint NOT NULL,
    job_id bigint,
    user_id integer NOT NULL,
    keep_until timestamptz NOT NULL,
    PRIMARY KEY (id)
);
ALTER TABLE deleted_records ALTER COLUMN evidence DROP NOT NULL;
CREATE INDEX deleted_records_age ON deleted_records (moment);
CREATE INDEX deleted_records_due ON deleted_records (keep_until) WHERE evidence IS NOT NULL;
CREATE INDEX deleted_records_job ON deleted_records (job_id) WHERE evidence IS NOT NULL;
CREATE TABLE images (
    job_id bigint NOT NULL,
    item_id bigint NOT NULL,
    member_id bigint NOT NULL,
    touched_on timestamptz NOT NULL,
    image jsonb NOT NULL,
    PRIMARY KEY (job_id, item_id)
);
CREATE INDEX images_member ON images (job_id, member_id);
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("DROP TABLE images, deleted_records, record_states")
