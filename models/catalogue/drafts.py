"""A schema while it is changed: changes are made in memory, and what is different at the end is stored at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from models.catalogue.schema_items import DEFINITION, Item, Kind, Schema


@dataclass(frozen=True)
class Difference:
    """What a draft made of a schema."""

    inserted: list[Item]
    updated: list[Item]
    deleted: list[Item]

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.inserted or self.updated or self.deleted)


class Draft:
    """A schema and the changes to it."""

    def __init__(self, before: Schema) -> None:
        self.before = before
        self.schema = before

    def put(self, *items: Item) -> None:
        """Add items, or put them in the place of those with the same gid."""
        self.schema = Schema({**self.schema.by_gid, **{item.gid: item for item in items}})

    def drop(self, *gids: str | None) -> None:
        """Take items out."""
        self.schema = Schema({gid: item for gid, item in self.schema.by_gid.items() if gid not in gids})

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo all that was changed in between if it ends with an error."""
        schema = self.schema
        try:
            yield
        except Exception:
            self.schema = schema
            raise

    def get(self, kind: Kind, gid: str) -> Item:
        """Return an item as it is now. Raises NotFound."""
        return self.schema.get(kind, gid)

    def working_copy_of(self, item: Item) -> Item | None:
        """Return the working copy of an item, if it has one."""
        return self.schema.working_copies.get(item.gid)

    def changed_since(self, schema: Schema) -> frozenset[str]:
        """Return the gids of what is different from an earlier state of the draft."""
        before, after = schema.by_gid, self.schema.by_gid
        changed = {gid for gid, item in after.items() if before.get(gid) is not item}
        return frozenset(changed | before.keys() - after.keys())

    def difference(self) -> Difference:
        """Return what changed, those that others refer to first."""
        before, after = self.before.by_gid, self.schema.by_gid
        inserted = [item for gid, item in after.items() if gid not in before]
        updated = [item for gid, item in after.items() if gid in before and item != before[gid]]
        deleted = [item for gid, item in before.items() if gid not in after]
        return Difference(*(sorted(items, key=_rank) for items in (inserted, updated, deleted)))


def _rank(item: Item) -> tuple[int, bool]:
    return ("layout", "field", "class", DEFINITION).index(item.kind), item.is_working_copy
