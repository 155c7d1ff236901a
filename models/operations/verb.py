"""What a bulk operation is: a name, its parameters, and what it makes of each member of a chunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from models.catalogue.project import Project
from models.db import Session
from models.identity.people import Actor
from models.jobs.ledger import Chunk, Outcome
from models.jobs.values import Result
from models.selection.cursor import MAX_LENGTH
from models.selection.spaces import RECORDS

TABLES = {"records": "catalogue_records", "assets": "assets", "items": "schema_items"}  # by what names of operations end with
UNDO = "undo"  # the job that takes another one back


def _count(value: object) -> None:
    if type(value) is not int or value < 0:
        raise ValidationError("Not a whole number from 0 on.")


class SelectionParams(Schema):
    """What every operation over a selection takes beside the selection itself."""

    test = fields.Boolean(truthy={True}, falsy={False})
    max_affected = fields.Raw(validate=_count)
    on_drift = fields.String(validate=validate.OneOf(("apply", "skip")))
    allow_all = fields.Boolean(truthy={True}, falsy={False})
    plan_token = fields.String(validate=validate.Length(1, MAX_LENGTH))


@dataclass(frozen=True, slots=True)
class Verb:
    """A bulk operation. `name` is the job's name; for an operation over selections it is `bulk_<verb>_<kind>`.

    `params` checks what a client may send beside the selection. `run` applies a whole chunk, set-based, one outcome an item
    in the order of the items. `answer` turns outcomes back into what a single call would have answered.
    `over_selection` says whether items are members of a selection or operations as they were sent. `undo` takes a job of this
    operation back: the chunk's items are the ids of what the job changed, `chunk.params["undoes"]` is the job's id, and under
    `chunk.params["test"]` nothing is written. None: there is nothing to take back. `check` refuses, when a job is asked for,
    parameters of which a project can tell at once that they lead nowhere. `apart` says, of an operation over a project's items,
    that what one comes to never hangs on another, so that each chunk of a test can be tried alone. `final` says why a job is not
    undone, for who asks for it.
    """

    name: str
    params: type[Schema]
    run: Callable[[Session, Chunk], list[Outcome]]
    answer: Callable[[Session, Actor, Sequence[Outcome]], list[Result]]
    over_selection: bool = True
    undo: Callable[[Session, Chunk], list[Outcome]] | None = None
    check: Callable[[Session, Project, Mapping[str, Any]], None] | None = None
    apart: bool = False
    final: str = ""

    @property
    def table(self) -> str:
        """Return the table of what the operation is over."""
        return TABLES.get(self.name.rsplit("_", 1)[-1], RECORDS)

    def tried_whole(self, params: Mapping[str, Any]) -> bool:
        """Say whether a job with these params over a project's items is a test that has to be tried in one go."""
        return bool(params.get("test")) and not self.apart

    @property
    def title(self) -> str:
        """Return the verb alone, as the address of the operation has it."""
        return self.name.split("_")[1]


class NoParams(Schema):
    """An operation without parameters of its own."""


def read_params(verb: Verb, values: Mapping[str, Any]) -> dict[str, Any]:
    """Check an operation's own parameters. Raises marshmallow's ValidationError."""
    loaded: dict[str, Any] = verb.params().load(values)
    return loaded
