"""The sync feed: changes in two streams, each counted under the lock of its head, so that a later number commits later.

A project's head is `projects.cursor`. What is said on the common stream (`cc`) waits without a number until it is committed and a
reader numbers it. Each row of it is for one user, for a project's members, or for everybody. `feed_purged` knows, for each of
these audiences and each project, up to which cursor changes are no longer kept: who stands before it has missed some.
`jobs.announced_on` spaces a job's announcements.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE cc_head (one boolean PRIMARY KEY DEFAULT true CHECK (one), cursor bigint NOT NULL DEFAULT 0) WITH (fillfactor = 10);
INSERT INTO cc_head DEFAULT VALUES;
CREATE TABLE cc_waiting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL,
    data_type text NOT NULL,
    data_key text NOT NULL,
    project_id integer,
    user_id integer,
    data jsonb
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE cc_changes (
    cursor bigint PRIMARY KEY,
    action text NOT NULL,
    data_type text NOT NULL,
    data_key text NOT NULL,
    project_id integer,
    user_id integer,
    data jsonb,
    created_on timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cc_changes_project ON cc_changes (project_id, cursor) WHERE project_id IS NOT NULL;
CREATE INDEX cc_changes_user ON cc_changes (user_id, cursor) WHERE user_id IS NOT NULL;
CREATE INDEX cc_changes_all ON cc_changes (cursor) WHERE project_id IS NULL AND user_id IS NULL;
CREATE INDEX cc_changes_age ON cc_changes (created_on);
CREATE TABLE project_changes (
    project_id integer NOT NULL,
    cursor bigint NOT NULL,
    action text NOT NULL,
    data_type text NOT NULL,
    data_key text NOT NULL,
    created_on timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, cursor)
);
CREATE INDEX project_changes_age ON project_changes (created_on);
CREATE TABLE feed_purged (audience text PRIMARY KEY, cursor bigint NOT NULL);
ALTER TABLE jobs ADD project_id integer, ADD announced_on timestamptz;
CREATE INDEX jobs_project ON jobs (project_id, id) WHERE project_id IS NOT NULL;
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("ALTER TABLE jobs DROP project_id, DROP announced_on")
    op.get_bind().exec_driver_sql("DROP TABLE feed_purged, project_changes, cc_changes, cc_waiting, cc_head")
