"""The words of records and snapshots in a table of their own, which triggers keep: whoever writes, searches find it.

A change that no word is touched by writes nothing into the index of words, and does not even make the words anew. Until now each
new version of a row had an entry for each of its words, and the snapshots that others see had no index at all. `level` is 0 for
the record itself. `words_differ` must look at what `record_words` reads. `version` is that of the evidence.
Words have no statistics, as before: a search is taken for one record in a thousand, and so uses the index.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE words (record_id bigint, level smallint, words tsvector NOT NULL, PRIMARY KEY (record_id, level))
    WITH (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE words ALTER words SET STATISTICS 0
"""
# After the triggers: from then on nobody else writes until all is done.
FILL = """
INSERT INTO words SELECT id, 0, record_words(lab_record_id, evidence) FROM records;
INSERT INTO words SELECT s.record_id, s.level, record_words(r.lab_record_id, s.evidence)
    FROM snapshots s JOIN records r ON r.id = s.record_id;
CREATE INDEX words_words ON words USING gin (words);
DROP INDEX records_words
"""
DIFFER = """
CREATE FUNCTION words_differ(before jsonb, after jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    b jsonb := before #> '{}';
    a jsonb := after #> '{}';
BEGIN
    RETURN (b->'gene_symbol', b->'clingen_allele_id', b->'patient_id', b->'sample_id', b->'family_id', b->'c_hgvs',
            b->'condition', b->'interpretation_summary', b->'clinical_significance', b->'zygosity', b->'allele_origin')
        IS DISTINCT FROM (a->'gene_symbol', a->'clingen_allele_id', a->'patient_id', a->'sample_id', a->'family_id', a->'c_hgvs',
            a->'condition', a->'interpretation_summary', a->'clinical_significance', a->'zygosity', a->'allele_origin');
END
$$
"""
# Planned anew each time: a plan that was kept from one row would be a bad one for a thousand.
KEEP = """
CREATE FUNCTION keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE TG_ARGV[0];
    RETURN NULL;
END
$$;
CREATE TRIGGER words_made AFTER INSERT ON records REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION keep_words($$
    INSERT INTO words SELECT id, 0, record_words(lab_record_id, evidence) FROM fresh
$$);
CREATE TRIGGER words_renewed AFTER UPDATE ON records REFERENCING OLD TABLE AS gone NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION keep_words($$
    UPDATE words w SET words = record_words(fresh.lab_record_id, fresh.evidence) FROM fresh JOIN gone ON gone.id = fresh.id
    WHERE w.record_id = fresh.id AND w.level = 0 AND (gone.version, gone.lab_record_id) <> (fresh.version, fresh.lab_record_id)
        AND (gone.lab_record_id <> fresh.lab_record_id OR words_differ(gone.evidence, fresh.evidence))
$$);
CREATE TRIGGER words_gone AFTER DELETE ON records REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION keep_words($$
    DELETE FROM words w USING gone WHERE w.record_id = gone.id AND w.level = 0
$$);
CREATE TRIGGER words_made AFTER INSERT ON snapshots REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION keep_words($$
    INSERT INTO words
    SELECT s.record_id, s.level, CASE WHEN s.version = r.version THEN w.words ELSE record_words(r.lab_record_id, s.evidence) END
    FROM fresh s JOIN records r ON r.id = s.record_id JOIN words w ON w.record_id = r.id AND w.level = 0
$$);
CREATE TRIGGER words_gone AFTER DELETE ON snapshots REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION keep_words($$
    DELETE FROM words w USING gone WHERE w.record_id = gone.record_id AND w.level = gone.level
$$);
"""
TOGETHER = """
DROP TABLE words;
DROP TRIGGER words_made ON snapshots;
DROP TRIGGER words_gone ON snapshots;
DROP TRIGGER words_made ON records;
DROP TRIGGER words_renewed ON records;
DROP TRIGGER words_gone ON records;
DROP FUNCTION keep_words();
DROP FUNCTION words_differ(jsonb, jsonb);
CREATE INDEX records_words ON records USING gin (record_words(lab_record_id, evidence));
ALTER INDEX records_words ALTER COLUMN 1 SET STATISTICS 0
"""


def upgrade() -> None:
    """Move the words."""
    for statement in (TABLE, DIFFER, KEEP, FILL):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Move them back."""
    op.get_bind().exec_driver_sql(TOGETHER)
