"""Variants that labs classify differently."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, Response, request

from models.classifications.discordance import START, Ask, Discordance, Place, Statement, list_discordances
from models.classifications.record_id import dump_id
from models.classifications.sharing import level_name
from models.classifications.variants import buckets, normalise_key
from models.db import transaction
from models.selection.cursor import seal
from web.auth import principal, sign_in
from web.fields import Text, Word
from web.paging import open_page, paged
from web.schemas import Paged, parse_query

MOST_NAMED = 100  # records named of one lab with one classification; `count` tells how many there are
LONGEST_VARIANT = 2_000
KIND = "discordances"

api = Blueprint("variants", __name__)
api.before_request(sign_in)


class DiscordanceParameters(Paged):
    """Which discordances to list."""

    variant = Text(longest=LONGEST_VARIANT)
    gene = Text()
    lab = Text()
    kind = Word("between", "within")


@api.get("/classifications/v3/discordances")
def get_discordances() -> Response:
    """List variants of which two labs say two things, in the order of their keys. A page may be short and not be the last."""
    ask = parse_query(DiscordanceParameters, request.args)
    size, cursor, binding = open_page(ask, KIND)
    after = Place(*map(str, cursor.place)) if cursor.place else START
    variant = ask.pop("variant")
    query = Ask(size, after, **ask, variant=variant and normalise_key(variant))
    with transaction() as session:
        page = list_discordances(session, principal(), query)
    following = seal(binding, tuple(page.following), cursor.issued) if page.following else None
    return paged({"discordances": [_dump(one) for one in page.found]}, size, following)


def _dump(one: Discordance) -> dict[str, Any]:
    by_lab = groupby(one.statements, lambda stated: stated.lab)
    return {
        "variant": one.place.variant,
        "allele_origin_bucket": one.place.origin,
        "kind": one.kind,
        "gene_symbols": list(one.genes),
        "labs": [
            {"lab_id": lab.group_name, "lab_name": lab.name, "classifications": _classifications(list(stated))}
            for lab, stated in by_lab
        ],
    }


def _classifications(stated: list[Statement]) -> list[dict[str, Any]]:
    said = sorted(stated, key=lambda one: one.significance)
    return [_classification(word, list(same)) for word, same in groupby(said, lambda one: one.significance)]


def _classification(word: str, same: list[Statement]) -> dict[str, Any]:
    named = [{"id": dump_id(one.lab.group_name, one.lab_record_id), "publish": level_name(one.share_level)} for one in same]
    return {"clinical_significance": word, "bucket": buckets()[word], "count": len(same), "records": named[:MOST_NAMED]}
