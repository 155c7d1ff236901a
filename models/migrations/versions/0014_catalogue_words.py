"""The words of records in a table of their own.

What happens to a record without changing what it says (deleting, undeleting, moving, channels, places) writes a new version of
its row, and an entry for that into every index of its table. With some forty words a record, the index of words took five sixths
of the time of such a change. A record has a row here if it has content of its own: links are found with their originals.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

APART = """
LOCK TABLE catalogue_records IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE catalogue_words (record_id bigint PRIMARY KEY, words tsvector NOT NULL)
    WITH (autovacuum_vacuum_scale_factor = 0.05);
INSERT INTO catalogue_words SELECT id, words FROM catalogue_records WHERE canonical_id IS NULL;
CREATE INDEX catalogue_words_words ON catalogue_words USING gin (words);
ALTER TABLE catalogue_records DROP words;
"""
TOGETHER = """
ALTER TABLE catalogue_records ADD words tsvector NOT NULL DEFAULT '';
UPDATE catalogue_records r SET words = w.words FROM catalogue_words w WHERE w.record_id = r.id;
CREATE INDEX catalogue_records_words ON catalogue_records USING gin (words);
DROP TABLE catalogue_words;
"""


def upgrade() -> None:
    """Move the words."""
    op.get_bind().exec_driver_sql(APART)


def downgrade() -> None:
    """Move them back."""
    op.get_bind().exec_driver_sql(TOGETHER)
