"""Discordances: one variant that labs classify differently (contract sections 8.1, 13). Each caller's own, of what it may see.

Found in two steps. The index on (variant, significance, lab) alone says which variants may be discordant, in its own order and a
bounded piece at a time; then the few records of these are looked at as the caller sees them. Withdrawn records are out, and so
is what has no bucket. Germline and somatic records are never compared with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from models import ids
from models.classifications.loading import find_labs
from models.classifications.variants import buckets
from models.classifications.view import origin_bucket
from models.classifications.visibility import visible_records
from models.db import Session, driver
from models.identity.people import Lab
from models.identity.principal import Principal

PIECES = (2_000, 20_000, 60_000)  # entries of the index that one page reads at most, in so many steps
MOST_KEPT = 2_000  # variants with older versions that are looked at in one step
MOST_NAMED = 20_000  # records of a gene that are looked up by its name; one with more is found by walking all variants
LOOKED_AT = 200  # variants whose records are read at once
PATIENCE = 0.1  # seconds after which a page that is not full yet ends with what it has
FACT_LENGTH = 200  # characters of a gene that the index of words holds
BETWEEN, WITHIN = "between", "within"
AFTER_ALL = "~"  # comes after every origin

CONFLICT = "{words} & ({words} - 1) <> 0 AND min(lab_id) <> max(lab_id)"
OF_LAB = "(%(lab)s::integer IS NULL OR bool_or(lab_id = %(lab)s))"
REACHED = "SELECT variant FROM records WHERE variant {beyond} %(variant)s ORDER BY variant OFFSET %(piece)s - 1 LIMIT 1"
LIVE = f"""
SELECT variant, {{words}} FROM (
    SELECT variant, significance, lab_id FROM records WHERE variant {{beyond}} %(variant)s ORDER BY variant LIMIT %(piece)s
) piece GROUP BY variant HAVING {CONFLICT} AND {OF_LAB} ORDER BY variant
"""
KEPT = """
SELECT DISTINCT variant FROM snapshots
WHERE variant {beyond} %(variant)s AND (%(reached)s::text IS NULL OR variant <= %(reached)s) ORDER BY variant
LIMIT %(kept)s
"""
OF_GENE = """
SELECT CASE WHEN w.level = 0 THEN r.variant ELSE s.variant END FROM words w
LEFT JOIN records r ON r.id = w.record_id AND w.level = 0
LEFT JOIN snapshots s ON s.record_id = w.record_id AND s.level = w.level
WHERE w.words @@ %(fact)s::tsquery LIMIT %(most)s
"""
CONFLICTING = f"""
SELECT named.variant, found.words FROM unnest(%(named)s::text[]) AS named (variant) CROSS JOIN LATERAL (
    SELECT {CONFLICT} AND {OF_LAB} AS conflict, {{words}} AS words FROM (
        SELECT significance, lab_id FROM records WHERE variant = named.variant
        UNION ALL SELECT significance, lab_id FROM snapshots WHERE variant = named.variant
    ) stated
) found WHERE found.conflict
"""


class Place(NamedTuple):
    """Where a list of discordances stands: behind this origin of this variant."""

    variant: str = ""
    origin: str = ""


START = Place()


@dataclass(frozen=True, slots=True)
class Ask:
    """Which discordances are asked for. `kind` is between or within; `variant` is in the form of a key."""

    size: int
    after: Place = START
    gene: str | None = None
    lab: str | None = None
    kind: str | None = None
    variant: str | None = None


class Statement(NamedTuple):
    """What one record says of its variant, as the caller sees it."""

    record_id: int
    lab: Lab
    lab_record_id: str
    significance: str
    share_level: int


@dataclass(frozen=True, slots=True)
class Discordance:
    """One variant of one origin that labs classify differently. `kind` is between (buckets) or within (one bucket)."""

    place: Place
    kind: str
    genes: tuple[str, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some discordances, and where the next page begins: None after the last. A page may be short and not be the last."""

    found: tuple[Discordance, ...]
    following: Place | None


def list_discordances(session: Session, principal: Principal, ask: Ask) -> Page:
    """Return a page of the discordances that the caller can see, in the order of their keys."""
    labs = find_labs(session, [ask.lab]) if ask.lab is not None else []
    if ask.lab is not None and not labs:
        return Page((), None)
    found: list[Discordance] = []
    after, lab_id = ask.after, labs[0].id if labs else None
    looked, until = None, ids.monotonic() + PATIENCE
    for piece in PIECES:
        reached, candidates = _candidates(session, ask, (after, lab_id, piece))
        for some in _parts(candidates):
            if looked is not None and ids.monotonic() > until:
                return Page(tuple(found), Place(looked, AFTER_ALL))
            looked = some[-1]
            found += [one for one in _seen(session, principal, some) if one.place > ask.after and _wanted(one, ask)]
            if len(found) > ask.size:
                return Page(tuple(found[: ask.size]), found[ask.size - 1].place)
        if reached is None:
            return Page(tuple(found), None)
        after = Place(reached, AFTER_ALL)
    return Page(tuple(found), after)


def kind_of(said: Iterable[tuple[int, str]]) -> str | None:
    """Return how (lab id, significance) pairs differ: between or within buckets, None where the labs agree."""
    pairs = set(said)
    if len({lab for lab, _ in pairs}) < 2 or len({word for _, word in pairs}) < 2:
        return None
    return BETWEEN if len({buckets()[word] for _, word in pairs}) > 1 else WITHIN


def _wanted(one: Discordance, ask: Ask) -> bool:
    return (
        ask.kind in (None, one.kind)
        and (ask.gene is None or ask.gene.upper() in one.genes)
        and (ask.lab is None or any(stated.lab.group_name == ask.lab for stated in one.statements))
    )


def _candidates(session: Session, ask: Ask, where: tuple[Place, int | None, int]) -> tuple[str | None, list[str]]:
    """Return how far the index was read, None for to its end, and what may be discordant up to there."""
    after, lab_id, piece = where
    beyond = ">" if after.origin == AFTER_ALL else ">="
    values = {"variant": after.variant, "lab": lab_id, "piece": piece, "fact": _fact(ask.gene or ""), "kept": MOST_KEPT}
    if ask.variant is not None:
        return None, _conflicting(session, values, [ask.variant] if _lies_beyond(ask.variant, after) else [], ask.kind)
    if ask.gene is not None and (of_gene := _of_rare_gene(session, values)) is not None:
        some = [one for one in of_gene if _lies_beyond(one, after)][:MOST_KEPT]
        return some[-1] if len(some) == MOST_KEPT else None, _conflicting(session, values, some, ask.kind)
    reached = next(iter(_variants(session, REACHED.format(beyond=beyond), values)), None)
    live = _possible(session, LIVE.format(beyond=beyond, words=_words()), values, ask.kind)
    kept = _variants(session, KEPT.format(beyond=beyond), values | {"reached": reached})
    if len(kept) == MOST_KEPT:
        reached = kept[-1]
    unsure = kept if reached is None else [*kept, reached]  # of the last one not all may have been read
    found = {variant for variant in live if reached is None or variant < reached}
    return reached, sorted(found.union(_conflicting(session, values, unsure, ask.kind)))


def _of_rare_gene(session: Session, values: Mapping[str, Any]) -> list[str] | None:
    """Return the variants of a gene's records; None for a gene with so many that it is quicker to walk all variants."""
    found = _variants(session, OF_GENE, {**values, "most": MOST_NAMED})
    return None if len(found) == MOST_NAMED else sorted(filter(None, set(found)))


def _lies_beyond(variant: str, after: Place) -> bool:
    return variant > after.variant or (variant == after.variant and after.origin != AFTER_ALL)


def _variants(session: Session, sql: str, values: Mapping[str, Any]) -> list[str]:
    return [row[0] for row in driver(session).execute(sql, values, prepare=False).fetchall()]


def _conflicting(session: Session, values: Mapping[str, Any], named: Sequence[str], kind: str | None) -> list[str]:
    """Return those of these variants of which two labs say two things, in order."""
    return sorted(_possible(session, CONFLICTING.format(words=_words()), {**values, "named": list(named)}, kind)) if named else []


def _possible(session: Session, sql: str, values: Mapping[str, Any], kind: str | None) -> list[str]:
    """Return the variants of a query, without those whose words, whoever sees them, cannot differ in the kind asked for."""
    return [variant for variant, words in driver(session).execute(sql, values, prepare=False).fetchall() if _may_be(words, kind)]


def _may_be(words: int, kind: str | None) -> bool:
    if kind is None:
        return True
    said = [words & bucket for bucket in _bits().values()]
    return sum(map(bool, said)) > 1 if kind == BETWEEN else any(bits & (bits - 1) for bits in said)


@lru_cache(maxsize=1)
def _words() -> str:
    """Return the SQL for the words that are said of a variant: a number with a bit for each."""
    cases = " ".join(f"WHEN '{word}' THEN {1 << at}" for at, word in enumerate(buckets()))
    return f"bit_or(CASE significance {cases} ELSE 0 END)"


@lru_cache(maxsize=1)
def _bits() -> dict[int, int]:
    """Return bucket -> the bits of its words."""
    found: dict[int, int] = {}
    for at, bucket in enumerate(buckets().values()):
        found[bucket] = found.get(bucket, 0) | 1 << at
    return found


def _fact(gene: str) -> str:
    text = gene.upper()[:FACT_LENGTH].replace("\\", "\\\\").replace("'", "''")
    return f"'=gene_symbol={text}'"


def _parts(candidates: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(candidates)
    while part := list(islice(rest, LOOKED_AT)):
        yield part


def _seen(session: Session, principal: Principal, variants: Sequence[str]) -> Iterator[Discordance]:
    """Return the discordances among these variants' records that the caller sees, in order."""
    seen = visible_records(principal)
    wanted = sa.cast(sa.literal(list(variants), ARRAY(sa.Text(collation="C"))), ARRAY(sa.Text(collation="C")))
    columns = [seen.c[name] for name in ("id", "lab_id", "lab_record_id", "variant", "significance", "share_level")]
    texts = [seen.c.evidence[(key, "value")].astext.label(key) for key in ("allele_origin", "gene_symbol")]
    asked = sa.select(*columns, *texts).where(
        seen.c.variant == sa.any_(wanted), seen.c.significance.is_not(None), seen.c.withdrawn.is_(sa.false())
    )
    rows = sorted(session.execute(asked).all(), key=lambda row: (row.variant, _origin(row), row.lab_id, row.lab_record_id))
    labs = {lab.id: lab for lab in find_labs(session, lab_ids={row.lab_id for row in rows})} if rows else {}
    for place, stated in groupby(rows, lambda row: Place(row.variant, _origin(row))):
        one = _discordance(place, list(stated), labs)
        if one:
            yield one


def _origin(row: sa.Row[Any]) -> str:
    return origin_bucket(row.allele_origin)


def _discordance(place: Place, rows: Sequence[sa.Row[Any]], labs: Mapping[int, Lab]) -> Discordance | None:
    kind = kind_of((row.lab_id, row.significance) for row in rows)
    if kind is None:
        return None
    genes = tuple(sorted({row.gene_symbol for row in rows if row.gene_symbol}))
    statements = [Statement(row.id, labs[row.lab_id], row.lab_record_id, row.significance, row.share_level) for row in rows]
    statements.sort(key=lambda one: (one.lab.group_name, one.lab_record_id))
    return Discordance(place, kind, genes, tuple(statements))
