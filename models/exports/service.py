"""The exports room's front door: what web and operations use."""

from __future__ import annotations

import msgspec

from models.classifications import past
from models.db import Session, driver
from models.exports.ask import Ask, Scope, Shape, Share, dump_ask, parse_ask
from models.exports.files import File, list_files, open_file
from models.exports.marks import Mark, mark, watermark
from models.exports.source import Records, Source
from models.exports.stream import Export, file_name
from models.identity.principal import Principal

__all__ = [
    "Ask",
    "Export",
    "File",
    "Mark",
    "Scope",
    "Shape",
    "Share",
    "Source",
    "begin",
    "dump_ask",
    "file_name",
    "frozen",
    "list_files",
    "mark",
    "open_export",
    "open_file",
    "open_source",
    "parse_ask",
    "settle",
    "watermark",
]

PATIENCE = "60s"  # that the database waits for a client who does not read, before it lets go of the export's state


def begin(session: Session) -> None:
    """Make a transaction show one state to its end. To be called before anything else in it."""
    connection = driver(session)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{PATIENCE}'")


def settle(session: Session, principal: Principal, ask: Ask) -> None:
    """See to it that the moment that an export is asked as of is complete and still kept. Not in the export's own transaction.

    Raises InvalidDate, Unavailable, Gone.
    """
    if ask.scope.as_of is not None:
        past.settle(session, principal, ask.scope.as_of)


def frozen(ask: Ask) -> Ask:
    """Return an export as of the moment at which it was asked for, unless it names another."""
    if ask.scope.as_of is not None:
        return ask
    return msgspec.structs.replace(ask, scope=msgspec.structs.replace(ask.scope, as_of=ask.moment))


def open_source(session: Session, principal: Principal, scope: Scope) -> Source:
    """Return where the rows of an export come from."""
    return Records(session, principal, scope)


def open_export(session: Session, principal: Principal, ask: Ask) -> Export:
    """Return an export that can be read."""
    return Export(session, ask, principal.actor(), open_source(session, principal, ask.scope))
