"""In which channels records are: set, or copied from the parent, to all above or to all below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from models.catalogue.changes import NOTE, RECORDS, STAMP, Done, Work
from models.catalogue.project_settings import ALL_CHANNEL
from models.catalogue.rows import Member, RecordNode, load_records, missing
from models.errors import InvalidValue, ItemDeleted, Refused

WRITE = """
WITH wanted AS (
    SELECT wanted.id, ARRAY(SELECT jsonb_array_elements_text(wanted.channels::jsonb)) AS channels
    FROM unnest(%(ids)s::bigint[], %(channels)s::text[]) AS wanted (id, channels)
), before AS (SELECT r.id, r.channels FROM wanted JOIN catalogue_records r ON r.id = wanted.id),
written AS (
    UPDATE catalogue_records r SET channels = wanted.channels, updated_on = {stamp}
    FROM wanted WHERE r.id = wanted.id RETURNING r.id, r.gid, r.updated_on
)
{note} SELECT w.id, w.gid, 'UPDATE', w.updated_on, w.id, jsonb_build_object('channels', to_jsonb(b.channels))
FROM written w JOIN before b ON b.id = w.id
"""
COPY = """
WITH RECURSIVE reached (id, next_id) AS (
    SELECT r.id, {next} FROM catalogue_records r WHERE r.id = %(id)s
    UNION ALL SELECT r.id, {next} FROM reached s JOIN catalogue_records r ON {joined} AND r.status = 'published'
), wanted AS (
    SELECT r.id, r.channels AS before, ARRAY(
        SELECT key FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS known (key, place)
        WHERE CASE WHEN key = ANY(%(copied)s) THEN key = ANY(%(source)s){kept} ELSE key = ANY(r.channels) END ORDER BY place
    ) AS channels FROM reached s JOIN catalogue_records r ON r.id = s.id WHERE r.id <> %(id)s
), written AS (
    UPDATE catalogue_records r SET channels = wanted.channels, updated_on = {stamp} FROM wanted
    WHERE r.id = wanted.id AND NOT (wanted.channels @> wanted.before AND wanted.before @> wanted.channels)
    RETURNING r.id, r.gid, r.updated_on, wanted.before
)
{note} SELECT id, gid, 'UPDATE', updated_on, %(id)s, jsonb_build_object('channels', to_jsonb(before)) FROM written
"""
DOWN = {"next": "r.id", "joined": "r.parent_id = s.next_id", "kept": ""}
UP = {"next": "r.parent_id", "joined": "r.id = s.next_id", "kept": " OR key = ANY(r.channels)"}


def check_channels(work: Work, channels: Sequence[str] | None, *, setting: bool | None = None) -> list[str]:
    """Return channels of the project in its order, all of them for None. `__all__` is always on, and cannot be set off.

    Raises InvalidValue.
    """
    if channels is None:
        return list(work.project.channels)
    if setting is False and ALL_CHANNEL in channels:
        raise InvalidValue("Every record is in the channel `__all__`.", pointer="/channels")
    unknown = set(channels) - set(work.project.channels) - {ALL_CHANNEL}
    if unknown:
        raise InvalidValue(f"There is no channel {min(unknown)[:60]!r} in this project.", pointer="/channels")
    return [key for key in work.project.channels if key in channels]


def set_channels(work: Work, members: Sequence[Member], channels: Sequence[str], *, enabled: bool) -> list[Done]:
    """Set channels on or off."""
    named = set(channels)
    return _rewrite(work, members, lambda node: set(node.channels) | named if enabled else set(node.channels) - named)


def copy_from_parent(work: Work, members: Sequence[Member], channels: Sequence[str]) -> list[Done]:
    """Make these channels of each record be as those of its parent."""
    named = set(channels)
    nodes = load_records(work, members)
    parents = load_records(work, [node.parent_id for node in nodes.values() if node.parent_id is not None])

    def wanted(node: RecordNode) -> set[str]:
        parent = parents.get(node.parent_id or 0)
        return set(node.channels) if parent is None else set(node.channels) - named | (set(parent.channels) & named)

    return _rewrite(work, members, wanted)


def _rewrite(work: Work, members: Sequence[Member], wanted: Callable[[RecordNode], set[str]]) -> list[Done]:
    nodes = load_records(work, members)
    live = {key: node for key, node in nodes.items() if not node.deleted}
    new = {key: channels for key, node in live.items() if (channels := wanted(node)) != set(node.channels)}
    if new:
        texts = [msgspec.json.encode([key for key in work.project.channels if key in named]).decode() for named in new.values()]
        work.execute(WRITE.format(note=NOTE, stamp=STAMP), {"ids": list(new), "channels": texts})
    return [_done(member, nodes.get(member) if isinstance(member, int) else None, new) for member in members]


def _done(member: Member, node: RecordNode | None, new: dict[int, set[str]]) -> Done:
    refused = _refused(node)
    if node is None or refused:
        return Done(node.gid if node else str(member), node.id if node else None, refused)
    return Done(node.gid, node.id, noop=node.id not in new)


def _refused(node: RecordNode | None) -> Refused | None:
    if node is None:
        return missing(RECORDS)
    return ItemDeleted("The record is deleted.") if node.deleted else None


def copy_down(work: Work, members: Sequence[Member], channels: Sequence[str]) -> list[Done]:
    """Make these channels of all that is below each record be as the record's own."""
    return [_copy(work, member, channels, DOWN) for member in members]


def copy_up(work: Work, members: Sequence[Member], channels: Sequence[str]) -> list[Done]:
    """Set those of these channels that each record is in for all that is above it, too."""
    return [_copy(work, member, channels, UP) for member in members]


def _copy(work: Work, member: Member, channels: Sequence[str], way: dict[str, str]) -> Done:
    node = load_records(work, [member]).get(member) if isinstance(member, int) else None
    refused = _refused(node)
    if node is None or refused:
        return Done(node.gid if node else str(member), node.id if node else None, refused)
    values = {"id": node.id, "source": list(node.channels), "copied": list(channels), "keys": list(work.project.channels)}
    work.execute(COPY.format(note=NOTE, stamp=STAMP, **way), values)
    return Done(node.gid, node.id)
