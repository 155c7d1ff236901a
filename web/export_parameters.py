"""What an export may be asked for in an address: the published table of bulk GET (S0), and that of the export endpoint (18.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import Schema, fields

from models import ids
from models.classifications.keys import key_set
from models.classifications.state import Level
from models.classifications.variants import normalise_build
from models.errors import InvalidDate, InvalidValue, pointer_to
from models.exports.service import Ask, Scope, Shape, Share
from web.fields import Flag, Whole, Word, nothing

NUMBER = re.compile(r"([0-9]{1,10})(\.[0-9]{1,6})?", re.ASCII)
AGO = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
PAST = r"^([0-9]{1,9}|1[0-6][0-9]{8})(\.[0-9]{1,6})?$"  # any later moment may be one to come
SINCE = r"^([0-9]{1,10}|[0-9]{1,4}[smhdw]|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]))$"
MOST_DAYS = 100_000  # a bare number up to here counts days, a larger one the seconds since 1970
GROUPS = ("all", "none", "variant")
LEAST_ROWS, MOST_ROWS = 100, 100_000
MOST_REPEATS = 50
LEVELS = {
    "editable": (Share.EDITABLE, None),
    "public": (Share.PUBLISHED, Level.PUBLIC),
    "global": (Share.PUBLISHED, Level.PUBLIC),
    "logged_in_users": (Share.PUBLISHED, Level.LOGGED_IN_USERS),
    "loggd_in_users": (Share.PUBLISHED, Level.LOGGED_IN_USERS),  # as the page prints it
}
SHARES = {
    "logged_in_users": (Share.PUBLISHED, Level.LOGGED_IN_USERS),
    "public": (Share.PUBLISHED, Level.LOGGED_IN_USERS),  # 18.3: treated the same
    "any": (Share.READABLE, None),
    "editable": (Share.EDITABLE, None),
}


class Time(fields.Field[int]):
    """UNIX seconds, with decimals or without."""

    def __init__(self) -> None:
        super().__init__(load_default=nothing, metadata={"type": "string", "pattern": PAST})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        version = ids.parse_version(value) if isinstance(value, str) and NUMBER.fullmatch(value) else None
        if version is None:
            raise InvalidDate(f"`{attr}` is a UNIX timestamp such as 1557189685.485863.", pointer=pointer_to(str(attr)))
        return version


class Since(fields.Field[int]):
    """A date, a time, how long ago (7d, 2w, 3h, 30m, 45s), a number of days, or UNIX seconds."""

    def __init__(self) -> None:
        super().__init__(load_default=nothing, metadata={"type": "string", "pattern": SINCE})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        found = _since(str(value))
        if found is None:
            detail = f"`{attr}` is a date, a time with its zone, 7d, 2w, 3h, 30m or 45s, a number of days, or a UNIX timestamp."
            raise InvalidDate(detail, pointer=pointer_to(str(attr)))
        return found


def _since(text: str) -> int | None:
    try:
        ago = AGO.fullmatch(text)
        if ago:
            return ids.stamp(ids.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])}))
        if text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= MOST_DAYS:
            return ids.stamp(ids.now() - timedelta(days=int(text)))
        if NUMBER.fullmatch(text):
            return ids.parse_version(text)
        moment = datetime.fromisoformat(text)
        return ids.stamp(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, OverflowError):
        return None


class Names(fields.Field[tuple[str, ...]]):
    """Names with commas between them."""

    def __init__(self) -> None:
        super().__init__(load_default=nothing, metadata={"type": "string"})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> tuple[str, ...]:
        return tuple(sorted({name.strip() for name in str(value).split(",") if name.strip()}))


class GroupBy(fields.Field[str]):
    """What makes an entry of a zip: all, none, variant or an evidence key by any spelling of its name; empty for no zip."""

    def __init__(self) -> None:
        known = ["", *GROUPS, *(key.name for key in key_set().all())]
        super().__init__(load_default=nothing, metadata={"type": "string", "enum": known})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str | None:  # type: ignore[override]
        if not value or value in GROUPS:
            return value or None
        key = key_set().find(str(value)[:200])
        if key is None:
            detail = f"`{attr}` is all, none, variant or an evidence key."
            raise InvalidValue(detail, pointer=pointer_to(str(attr)))
        return key.name


class Build(fields.Field[str]):
    """A genome build by any of its names."""

    def __init__(self) -> None:
        super().__init__(load_default=nothing, metadata={"type": "string", "enum": ["GRCh37", "GRCh38"]})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        build = normalise_build(str(value)[:100])
        if build is None:
            raise InvalidValue(f"`{attr}` is no genome build known here.", pointer=pointer_to(str(attr)))
        return build


class RowsPerFile(Whole):
    """How many rows a file has at most."""

    def __init__(self) -> None:
        super().__init__(least=LEAST_ROWS, load_default=nothing)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        return min(super()._deserialize(value, attr, data, **kwargs), MOST_ROWS)


class ExportParameters(Schema):
    """What both endpoints take: how the records are written, beyond what the pages say."""

    rows_per_file = RowsPerFile()
    columns = Word("used", "all")
    value_format = Word("keys", "labels")
    formulas = Word("guard", "raw")
    key_names = Word("full", "short")
    full_detail = Flag()
    terminator = Flag()
    as_of = Time()


class BulkGetParameters(ExportParameters):
    """The published table, with the two rows that the page lost."""

    level = Word(*LEVELS)
    output = Word("json", "csv", "redcap", "ndjson", "parquet")
    group_by = GroupBy()
    limit = Whole(load_default=nothing)
    after = Time()
    labs_include = Names()
    labs_excluded = Names()


class ExportEndpointParameters(ExportParameters):
    """The export endpoint as it is today."""

    type = Word("json", "csv", "redcap", "ndjson", "parquet")
    build = Build()
    share_level = Word(*SHARES)
    exclude_orgs = Names()
    exclude_labs = Names()
    include_labs = Names()
    since = Since()
    allele_origin = Word("germline", "somatic", "other")
    row_limit = Whole(load_default=nothing)
    group_by = GroupBy()


class DictionaryParameters(Schema):
    """How many records a row of REDCap may have."""

    repeats = Whole(least=1, load_default=10)


def bulk_ask(asked: Mapping[str, Any], layout: str) -> Ask:
    """Return what a bulk GET asks for."""
    share, audience = LEVELS[asked["level"] or "logged_in_users"]
    scope = Scope(
        share=share,
        audience=audience,
        labs=asked["labs_include"],
        labs_excluded=asked["labs_excluded"] or (),
        published_after=asked["after"],
        limit=asked["limit"],
        as_of=asked["as_of"],
    )
    return Ask(scope=scope, shape=_shape(asked, asked["output"] or "json", "bulk", layout), moment=ids.stamp(ids.now()))


def export_ask(asked: Mapping[str, Any]) -> Ask:
    """Return what is asked of the export endpoint."""
    share, audience = SHARES[asked["share_level"] or "logged_in_users"]
    scope = Scope(
        share=share,
        audience=audience,
        labs=asked["include_labs"],
        labs_excluded=asked["exclude_labs"] or (),
        organisations_excluded=asked["exclude_orgs"] or (),
        since=asked["since"],
        origin=asked["allele_origin"],
        limit=asked["row_limit"],
        as_of=asked["as_of"],
    )
    return Ask(scope=scope, shape=_shape(asked, asked["type"] or "json", "export", "v2"), moment=ids.stamp(ids.now()))


def _shape(asked: Mapping[str, Any], output: str, face: str, layout: str) -> Shape:
    return Shape(
        output=output,
        face=face,
        layout=layout,
        group_by=asked["group_by"],
        rows_per_file=asked["rows_per_file"],
        all_columns=asked["columns"] == "all",
        labels=asked["value_format"] == "labels",
        guard=(asked["formulas"] or ("guard" if output == "csv" else "raw")) == "guard",
        short_keys=(asked["key_names"] or ("short" if face == "export" else "full")) == "short",
        full_detail=asked["full_detail"],
        terminator=asked["terminator"],
        build=asked.get("build"),
    )
