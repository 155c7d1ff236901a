"""One change in a request of its own, decided and stored by the same functions as a chunk's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from models.catalogue import changes, tree
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


def apply(work: Work, table: str, gid: str, decide: Decide, state: str | None = None) -> Done:
    """Change one item, and tell the feed. Raises NotFound, and what the item is refused for.

    `state` says what of the items below changes with it, as `tree.weigh` takes it; nothing without it. Raises SubtreeTooLarge.
    """
    item_id = get_id(work, table, gid)
    if state:
        check_weight(work, table, item_id, state)
    return close(work, table, decide(work, [item_id])[0])


def check_weight(work: Work, table: str, item_id: int, state: str) -> None:
    """Raise SubtreeTooLarge where too much would change with an item."""
    refused = tree.too_heavy(tree.weigh(work, table, [item_id], state)[0])
    if refused:
        raise refused


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
