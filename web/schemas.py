"""The shapes of envelopes and parameters, never of evidence. What passes here is trusted afterwards.

What marshmallow itself finds missing is `invalid_request`.
"""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from werkzeug.datastructures import MultiDict

from models.classifications.state import Status
from models.errors import InvalidRequest, InvalidValue, Refused, UnknownField, pointer_to
from models.jobs.values import JobStatus
from web.fields import (
    Flag,
    Indexes,
    Moment,
    NumberedVersion,
    Pace,
    PageCursor,
    PageSize,
    PastMoment,
    Query,
    RecordData,
    Tags,
    Text,
    Version,
    Whole,
    Word,
    nothing,
)


class Paged(Schema):
    """A page of something."""

    page_size = PageSize()
    page_cursor = PageCursor()


class JobListParameters(Paged):
    """Which jobs to list."""

    status = Word(*JobStatus)
    name = Text()
    tag = Text()
    created_after = Moment()
    created_before = Moment()


class ResultParameters(Paged):
    """Which outcomes of a job to list."""

    status = Word(*Status)


class LedgerParameters(Schema):
    """Which outcomes of a job to list in the order in which they came: those behind number `after`."""

    after = Whole(load_default=0)
    limit = PageSize("limit")


class EventParameters(Schema):
    """Whether a job's events are to have its outcomes too, and behind which number."""

    outcomes = Flag()
    after = Whole(load_default=0)


class JobBody(Schema):
    """How fast a job is to go, in items a second; null is as fast as it can."""

    pace = Pace(required=True)


class RecordParameters(Schema):
    """How a record is shown."""

    data = RecordData()
    config = Flag()


class NoParameters(Schema):
    """Nothing may be asked."""


class BulkParameters(Schema):
    """What may be asked of a list of operations in its address, for bodies that are nothing but the list."""

    atomic = Flag()
    pace = Pace()


class BulkEnvelope(Schema):
    """What may stand beside `records`. The jobs that name one `import_id` are a run; `complete` ends it."""

    import_id = Text()
    status = Word("complete")
    tags = Tags()
    atomic = Flag()
    pace = Pace()


class SelectionBody(Schema):
    """What every request over a selection has; an operation's own parameters stand beside it."""

    selection = fields.Raw(load_default=nothing, allow_none=True)
    tags = Tags()
    pace = Pace()


class BulkGetBody(Schema):
    """Records of a selection, a page at a time."""

    page_size = PageSize()
    page_cursor = PageCursor(allow_none=True)
    selection = fields.Raw(load_default=nothing, allow_none=True)
    allow_all = Flag()
    glance = Flag()
    data = RecordData()
    as_of = PastMoment()


class HistoryParameters(Paged):
    """Which versions of a record to list."""


class DiffParameters(Schema):
    """Two versions of a record: without `from` the one before `to`, without `to` the present state."""

    older = Version(data_key="from")
    newer = Version(data_key="to")


class RestoreBody(Schema):
    """Which version to go back to, and which one the record must still have."""

    version = NumberedVersion(required=True)
    if_version = NumberedVersion()


class UndoBody(Schema):
    """Under `test` nothing is undone: the outcomes tell what would be."""

    test = Flag()


class FigureParameters(Schema):
    """How many minutes to look back, and whether at one's own jobs alone."""

    minutes = Whole(least=5, load_default=60)
    mine = Flag()


class InputParameters(Schema):
    """Which items of a job to show as they were sent: numbers with commas between them."""

    index = Indexes()


def parse_query(schema: type[Schema], arguments: MultiDict[str, str]) -> dict[str, Any]:
    """Return the parameters of an address. One sent twice is refused, and so is one nobody reads."""
    for name, values in arguments.lists():
        if len(values) > 1:
            raise InvalidRequest("A parameter is given once.", pointer=pointer_to(name))
    return parse(schema, Query(arguments.items()))


def parse(schema: type[Schema], data: Any) -> dict[str, Any]:
    """Return what a schema makes of an object. Raises the refusal of the first member that is not as it should be."""
    shape = schema(unknown=EXCLUDE)
    if not isinstance(data, dict):
        raise InvalidRequest("The body is a JSON object.")
    known = {field.data_key or name for name, field in shape.fields.items()}
    for name in data:
        if name not in known:
            raise UnknownField(f"`{name[:100]}` is not known here.", pointer=pointer_to(name))
    try:
        loaded: dict[str, Any] = shape.load(data)
    except ValidationError as error:
        raise _refusal(error) from None
    return loaded


def parse_members(envelope: type[Schema], params: type[Schema], data: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an object's members as two schemas share them: the envelope's, and all others."""
    if not isinstance(data, dict):
        raise InvalidRequest("The body is a JSON object.")
    names = {field.data_key or name for name, field in envelope().fields.items()}
    outside = {name: value for name, value in data.items() if name not in names}
    return parse(envelope, {name: value for name, value in data.items() if name in names}), parse(params, outside)


def _refusal(error: ValidationError) -> Refused:
    """Return what marshmallow's own fields found as a refusal: the first of them."""
    name, found = next(iter(dict(error.messages_dict).items()))
    text = found[0] if isinstance(found, list) else "Not as it should be."
    kind = InvalidRequest if "required" in text else InvalidValue
    return kind(f"`{name}`: {text}", pointer=pointer_to(name))
