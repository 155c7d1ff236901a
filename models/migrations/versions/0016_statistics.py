"""No statistics of the search index of records: to take them is to parse thousands of documents.

Autovacuum's ANALYZE would call `record_words` for each row of its sample, seconds of a processor each time a table has grown by a
tenth. The planner then takes a search for one record in a thousand, which is what it needs to know: to use the index.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take none."""
    op.get_bind().exec_driver_sql("ALTER INDEX records_words ALTER COLUMN 1 SET STATISTICS 0")


def downgrade() -> None:
    """Take them again."""
    op.get_bind().exec_driver_sql("ALTER INDEX records_words ALTER COLUMN 1 SET STATISTICS -1")
