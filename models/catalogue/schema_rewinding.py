"""Putting schema items back to how images have them, in a draft. Pure.

What belongs to one member of a job (a working copy, its original, their layouts) is put back as a whole or not at all. A member
is left as it is where something of it was changed since, or where the schema would not hold together without it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.catalogue.drafts import Draft
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, Item, Schema
from models.catalogue.states import check_circles, references
from models.errors import InvalidValue, NameTaken, Refused, VersionConflict

CHANGED = VersionConflict("It was changed since.")
REMOVED = VersionConflict("It, or what it refers to, was removed since.")
USED = VersionConflict("Something refers to it since.")
TAKEN = NameTaken("Something else has its name meanwhile.")
Users = Callable[[Collection[int]], Collection[int]]
"""Tells which of some definitions, by their ids, records have."""


@dataclass(frozen=True, slots=True)
class Image:
    """A schema item as it was before a job: its row, or None where the job made it. `gone` says that the job dropped it."""

    item_id: int
    member_id: int
    touched_on: datetime
    row: Mapping[str, Any] | None
    gone: bool


@dataclass(frozen=True, slots=True)
class Present:
    """What there is of the imaged items now: gid and time of each by its id."""

    gids: Mapping[int, str]
    moments: Mapping[int, datetime]


def rewind(draft: Draft, images: Sequence[Image], present: Present, users: Users) -> dict[int, Refused]:
    """Put back in a draft what can be; return by member why the others stay as they are."""
    refused = {image.member_id: fault for image in images if (fault := _fault(image, present))}
    while True:
        wanted = [image for image in images if image.member_id not in refused]
        rewound = _Rewound(draft.schema, wanted, present)
        faults = rewound.find_faults(users)
        if not faults:
            draft.schema = rewound.schema
            return refused
        refused |= faults


def _fault(image: Image, present: Present) -> Refused | None:
    moment = present.moments.get(image.item_id)
    if image.gone:
        return None if moment is None else CHANGED
    if moment is None:
        return REMOVED
    return None if moment == image.touched_on else CHANGED


class _Rewound:
    """A schema with some images put back, and whose member each changed item belongs to."""

    def __init__(self, schema: Schema, images: Iterable[Image], present: Present) -> None:
        items = dict(schema.by_gid)
        gids = {item.id: item.gid for item in items.values()} | {i.item_id: i.row["gid"] for i in images if i.row}
        self.members: dict[str, int] = {}
        for image in images:
            gid = present.gids.get(image.item_id) or (str(image.row["gid"]) if image.row else None)
            if gid is None:
                continue  # the job made it and dropped it again
            self.members[gid] = image.member_id
            if image.row is None:
                del items[gid]
            else:
                items[gid] = _item(image.row, gids)
        self.schema = Schema(items)
        self._ids = {item.gid: item.id for item in schema.of_kind(DEFINITION)}

    def find_faults(self, users: Users) -> dict[int, Refused]:
        """Return by member what speaks against it."""
        found = dict(self._dangling()) | dict(self._names()) | dict(self._copies())
        return found or dict(self._used(users)) | dict(self._circles())

    def _dangling(self) -> Iterator[tuple[int, Refused]]:
        """Find what refers to something that is not there, or not committed any more."""
        for item in self.schema.by_gid.values():
            for gid in {*references(item), item.original, item.layout} - {None}:
                if not self._lacks(item, str(gid)):
                    continue
                if gid in self.members:
                    yield self.members[str(gid)], USED
                elif item.gid in self.members:
                    yield self.members[item.gid], REMOVED

    def _lacks(self, item: Item, gid: str) -> bool:
        other = self.schema.by_gid.get(gid)
        if gid in item.gids("childdefinitions"):  # may be new, and those that are gone are not shown
            return other is None and gid in self.members
        return other is None or (item.is_committed and not other.is_committed)

    def _names(self) -> Iterator[tuple[int, Refused]]:
        kinds = (DEFINITION, CLASS, FIELD)
        named: dict[tuple[str, str], list[str]] = {}
        for item in self.schema.of_kind(*kinds):
            if item.is_original:
                named.setdefault((item.kind, item.name), []).append(item.gid)
        for gids in named.values():
            yield from ((self.members[gid], TAKEN) for gid in gids if len(gids) > 1 and gid in self.members)

    def _copies(self) -> Iterator[tuple[int, Refused]]:
        """Find originals that have two working copies, and new items and working copies that have one."""
        copied: dict[str, list[str]] = {}
        for item in self.schema.by_gid.values():
            if item.is_working_copy:
                copied.setdefault(str(item.original), []).append(item.gid)
        for original, copies in copied.items():
            uncommitted = original in self.schema.by_gid and not self.schema.by_gid[original].is_committed
            if len(copies) > 1 or uncommitted:
                yield from ((self.members[gid], CHANGED) for gid in (original, *copies) if gid in self.members)

    def _used(self, users: Users) -> Iterator[tuple[int, Refused]]:
        """Find definitions that records have and could not have any more."""
        lost = [gid for gid in self.members if (item := self.schema.by_gid.get(gid)) is None or not item.is_committed]
        ids = {self._ids[gid]: gid for gid in lost if gid in self._ids}
        yield from ((self.members[ids[item_id]], USED) for item_id in users(list(ids)))

    def _circles(self) -> Iterator[tuple[int, Refused]]:
        try:
            check_circles(self.schema)
        except InvalidValue:
            yield from ((member, CHANGED) for gid, member in self.members.items() if self._holds(gid))

    def _holds(self, gid: str) -> bool:
        item = self.schema.by_gid.get(gid)
        return item is not None and item.kind in (CLASS, FIELD)


def _item(row: Mapping[str, Any], gids: Mapping[int, str]) -> Item:
    names = ("id", "gid", "kind", "name", "is_new", "is_working_copy", "is_base", "is_extended", "body")
    return Item(**{name: row[name] for name in names}, original=gids.get(row["original_id"] or 0))
