"""Search: the words of a record, and the one index that serves `q` and the commonest filters.

`record_words` must stay what `models/selection/words.py` (FACTS, TEXTS) expects. A fact is a lexeme `=key=value`, which no text
yields, since the parser of texts never begins a lexeme with `=`. Texts are cut where a tsvector would refuse them, and each is
parsed alone: an unclosed tag in one must not swallow the next. `evidence || '{}'` fetches the document from its own table once
instead of once a key.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORDS = """
CREATE FUNCTION record_words(lab_record_id text, evidence jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 5000 AS $$
DECLARE
    e jsonb := evidence || '{}';
BEGIN
    RETURN to_tsvector('simple', left(concat_ws(' ', lab_record_id, e->'gene_symbol'->>'value', e->'clingen_allele_id'->>'value',
            e->'patient_id'->>'value', e->'sample_id'->>'value', e->'family_id'->>'value'), 20000))
        || coalesce(to_tsvector('simple', left(e->'c_hgvs'->>'value', 20000)), '')
        || coalesce(to_tsvector('simple', left(e->'condition'->>'value', 20000)), '')
        || coalesce(to_tsvector('simple', left(e->'interpretation_summary'->>'value', 20000)), '')
        || to_tsvector('simple', left(concat_ws(' ', e->'condition'->>'note', e->'condition'->>'explain',
            e->'interpretation_summary'->>'note', e->'interpretation_summary'->>'explain'), 20000))
        || array_to_tsvector(array_remove(ARRAY[
            '=gene_symbol=' || left(e->'gene_symbol'->>'value', 200),
            '=clinical_significance=' || left(e->'clinical_significance'->>'value', 200),
            '=zygosity=' || left(e->'zygosity'->>'value', 200),
            '=allele_origin=' || left(e->'allele_origin'->>'value', 200),
            '=clingen_allele_id=' || left(e->'clingen_allele_id'->>'value', 200),
            '=patient_id=' || left(e->'patient_id'->>'value', 200),
            '=sample_id=' || left(e->'sample_id'->>'value', 200),
            '=family_id=' || left(e->'family_id'->>'value', 200)], NULL));
END
$$
"""
INDEX = "CREATE INDEX records_words ON records USING gin (record_words(lab_record_id, evidence))"


def upgrade() -> None:
    """Make the function and the index."""
    op.get_bind().exec_driver_sql(WORDS)
    op.get_bind().exec_driver_sql(INDEX)


def downgrade() -> None:
    """Remove them."""
    op.get_bind().exec_driver_sql("DROP INDEX records_words")
    op.get_bind().exec_driver_sql("DROP FUNCTION record_words(text, jsonb)")
