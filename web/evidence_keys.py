"""The evidence keys (contract section 19): open to everybody, each with what a client needs to check its values itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from marshmallow import Schema

from models import ids
from models.classifications.keys import dump_keys, key_set
from models.classifications.sharing import PAGE_NAMES
from web.answers import JSON, unless_known
from web.fields import Flag, Text, Word, nothing
from web.schemas import parse_query

VERSION = "Evidence-Keys-Version"

api = Blueprint("evidence_keys", __name__)


class MaybeFlag(Flag):
    """True, false, or not asked."""

    def __init__(self) -> None:
        super().__init__()
        self.load_default = nothing


class KeyParameters(Schema):
    """Which keys to list; a key is named in any spelling that evidence may have."""

    key = Text()
    q = Text()
    evidence_category = Text()
    value_type = Word(*"ABCDFILMNSTU")
    namespace = Text()
    max_share_level = Word(*PAGE_NAMES[1:])
    mandatory = MaybeFlag()
    immutable = MaybeFlag()
    hide = MaybeFlag()


@lru_cache(maxsize=1)
def _listed() -> tuple[Mapping[str, Any], ...]:
    return tuple(dump_keys())


@lru_cache(maxsize=1)
def _version() -> str:
    """Return what changes whenever any key does."""
    return ids.digest(msgspec.json.encode(_listed())).hex()[:16]


def _asked(key: Mapping[str, Any], name: str, value: Any) -> bool:
    if name == "key":
        found = key_set().find(value)
        return found is not None and found.name == key["key"]
    if name == "q":
        return value.lower() in key["key"] or value.lower() in key["label"].lower()
    return bool(key.get(name, False) == value)


@api.get("/evidence_keys")
def list_evidence_keys() -> Response:
    """List the evidence keys in display order. Needs no login."""
    asked = {name: value for name, value in parse_query(KeyParameters, request.args).items() if value is not None}
    found = [key for key in _listed() if all(_asked(key, name, value) for name, value in asked.items())]
    headers = {"Cache-Control": "public, max-age=300", VERSION: _version()}
    return unless_known(Response(msgspec.json.encode(found), content_type=JSON, headers=headers))
