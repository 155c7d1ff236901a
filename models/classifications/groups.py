"""Operations that stand and fall together: a group of which one is refused leaves no trace.

All are decided in their order. Where a group fails, the records that it touched go back to what they were, and the other
operations on these records are decided anew without it, which may let further groups fail. An operation touches one record, so
that nothing else has to be looked at again.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from models.classifications.state import Decision, Status
from models.classifications.view import Posted

MOST_ROUNDS = 20  # of one group's end letting another fail; the groups that are left then end as well
TOGETHER = "Nothing of this item's group was done: item {index} of it was refused as {code}."
ENTANGLED = "Nothing of this item's group was done: it is entangled with too many groups that were refused."
AskT = TypeVar("AskT")
SeenT_contra = TypeVar("SeenT_contra", contravariant=True)
Name: TypeAlias = tuple[str, str]


class Scene(Protocol[SeenT_contra]):
    """Where operations are decided: the records of a chunk, in memory."""

    def carry_out(self, ask: SeenT_contra) -> Posted:
        """Decide an operation over the records as they are now, and keep what it makes of them."""
        ...

    def name(self, ask: SeenT_contra, done: Posted) -> Name | None:
        """Return the name of the record that an operation is about, None where it is about none."""
        ...

    def put_back(self, name: Name) -> None:
        """Undo all that was done to a record."""
        ...


class Together(NamedTuple):
    """The group of each operation, where it has one, and what its job calls it."""

    groups: Sequence[str | None]
    indexes: Sequence[int]


def carry_out_grouped(scene: Scene[AskT], asks: Sequence[AskT], together: Together) -> list[Posted]:
    """Carry operations out in their order; what is left in the scene is what the groups without a refusal made of it."""
    groups = together.groups
    done = [scene.carry_out(ask) for ask in asks]
    reasons: dict[str, str] = {}
    for _ in range(MOST_ROUNDS):
        fresh = _refusals(done, together, reasons)
        if not fresh:
            return _without(done, groups, reasons)
        reasons |= fresh
        _again(scene, (asks, done, groups), reasons)
    left = {group: ENTANGLED for group in groups if group is not None and group not in reasons}
    reasons |= left
    _again(scene, (asks, done, groups), reasons)
    return _without(done, groups, reasons)


def _refusals(done: Sequence[Posted], together: Together, known: dict[str, str]) -> dict[str, str]:
    """Return the groups that have a refused operation and were not known to, each with why."""
    found: dict[str, str] = {}
    for group, index, item in zip(*together, done, strict=True):
        if group is not None and item.decision.status is Status.FAILED and group not in known:
            found.setdefault(group, TOGETHER.format(index=index, code=item.decision.code))
    return found


def _again(
    scene: Scene[AskT],
    items: tuple[Sequence[AskT], list[Posted], Sequence[str | None]],
    ended: Container[str | None],
) -> None:
    """Put back the records that ended groups have touched, and decide the other operations on them anew."""
    asks, done, groups = items
    names = [scene.name(ask, item) for ask, item in zip(asks, done, strict=True)]
    touched = {name for name, group, item in zip(names, groups, done, strict=True) if group in ended and _changed(item)}
    for name in touched:
        if name is not None:
            scene.put_back(name)
    for at, (name, group) in enumerate(zip(names, groups, strict=True)):
        if name in touched and name is not None and group not in ended:
            done[at] = scene.carry_out(asks[at])


def _changed(item: Posted) -> bool:
    return item.decision.status is Status.SUCCEEDED


def _without(done: list[Posted], groups: Sequence[str | None], reasons: dict[str, str]) -> list[Posted]:
    """Return what became of all operations: those of ended groups were not done, unless they were refused themselves."""
    return [
        item
        if group is None or group not in reasons or item.decision.status is Status.FAILED
        else _rolled_back(item, reasons[group])
        for item, group in zip(done, groups, strict=True)
    ]


def _rolled_back(item: Posted, reason: str) -> Posted:
    decision = Decision(Status.SKIPPED, item.before, code="rolled_back", detail=reason)
    return Posted(item.operation, decision, item.before, item.before)
