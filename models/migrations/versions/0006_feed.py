"""The sync feed: changes in two streams, each counted under the lock of its head, so that a later number commits later.

A project's head is `projects.cursor`; the common stream (`cc`) has a head of its own.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE cc_head (one boolean PRIMARY KEY DEFAULT true CHECK (one), cursor bigint NOT NULL DEFAULT 0);
INSERT INTO cc_head DEFAULT VALUES;
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
CREATE TABLE project_changes (
    project_id integer NOT NULL,
    cursor bigint NOT NULL,
    action text NOT NULL,
    data_type text NOT NULL,
    data_key text NOT NULL,
    created_on timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, cursor)
);
CREATE INDEX cc_changes_age ON cc_changes (created_on);
CREATE INDEX project_changes_age ON project_changes (created_on);
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("DROP TABLE project_changes, cc_changes, cc_head")
