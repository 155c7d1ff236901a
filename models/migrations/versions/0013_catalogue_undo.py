"""Undo of the schema, and when its items last changed.

`schema_images` has what a job changed of schema items, as `images` has it of records and assets: ids are counted for each table
apart. `schema_moments` tells of an item when it or what is changed with it (its working copy, the layouts of both) last changed.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

IMAGES = """
CREATE TABLE schema_images (
    job_id bigint NOT NULL,
    item_id bigint NOT NULL,
    member_id bigint NOT NULL,
    touched_on timestamptz NOT NULL,
    image jsonb NOT NULL,
    PRIMARY KEY (job_id, item_id)
);
CREATE INDEX schema_images_member ON schema_images (job_id, member_id);
"""
MOMENTS = """
CREATE VIEW schema_moments AS
SELECT item.id, greatest(item.updated_on, layout.updated_on, copy.updated_on, copied.updated_on) AS updated_on
FROM schema_items item
LEFT JOIN schema_items layout ON layout.gid = (item.body->>'layout')::uuid
LEFT JOIN schema_items copy ON copy.original_id = item.id AND copy.is_working_copy
LEFT JOIN schema_items copied ON copied.gid = (copy.body->>'layout')::uuid
"""


def upgrade() -> None:
    """Make them."""
    for part in (IMAGES, MOMENTS):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("DROP VIEW schema_moments; DROP TABLE schema_images")
