"""One change in a request of its own, decided and stored by the same functions as a chunk's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from models.catalogue import changes
from models.catalogue.changes import ASSETS, RECORDS, Done, Work
from models.catalogue.project import Project
from models.catalogue.rows import Member, find_ids, missing
from models.catalogue.schema import load_schema
from models.db import Session

Decide: TypeAlias = Callable[[Work, Sequence[Member]], list[Done]]
DATA_TYPES = {RECORDS: "records", ASSETS: "assets"}


def open_work(session: Session, project: Project) -> Work:
    """Return what is needed to write in a project whose row is locked."""
    changes.begin(session)
    return Work.on(session, project, load_schema(session, project))


def apply(work: Work, table: str, gid: str, decide: Decide) -> Done:
    """Change one item, and tell the feed. Raises NotFound, and what the item is refused for."""
    return close(work, table, decide(work, [get_id(work, table, gid)])[0])


def get_id(work: Work, table: str, gid: str) -> int:
    """Return an item's id. Raises NotFound."""
    found = find_ids(work.session, work.project.id, table, [gid])
    if gid not in found:
        raise missing(table)
    return found[gid]


def close(work: Work, table: str, done: Done) -> Done:
    """Tell the feed what was changed. Raises what the item is refused for."""
    if done.refused:
        raise done.refused
    changes.publish(work, DATA_TYPES[table])
    return done
