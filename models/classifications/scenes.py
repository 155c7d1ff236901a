"""Where a chunk's operations are decided: over the records as they are, or over what they would be were its tests real.

Nothing of a test is stored, yet a test of the same job that follows on the same record sees what the first would have made of
it. So the tests of a job have records of their own, which begin as the real ones and on which every operation is carried out,
those that are real as well. What they come to is kept from chunk to chunk while the job runs, and never seen by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from models.classifications.lines import dump
from models.classifications.loading import Loaded
from models.classifications.state import Lab, Operation, Record, Status
from models.classifications.view import Posted
from models.db import NULL, Session, copy_rows, copy_text, driver
from models.errors import Refused

Name: TypeAlias = tuple[str, str]
FIND = """
SELECT r.lab_id, r.lab_record_id, r.record::text FROM rehearsals r
JOIN unnest(%s::int[], %s::text[]) AS wanted (lab_id, lab_record_id)
    ON wanted.lab_id = r.lab_id AND wanted.lab_record_id = r.lab_record_id
WHERE r.job_id = %s
"""
FORGET = """
DELETE FROM rehearsals r USING unnest(%s::int[], %s::text[]) AS old (lab_id, lab_record_id)
WHERE r.job_id = %s AND r.lab_id = old.lab_id AND r.lab_record_id = old.lab_record_id
"""


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One operation to apply, or the refusal that reading it ended in. `new_id` names a created record that has no name."""

    operation: Operation | Refused
    new_id: str


Decide: TypeAlias = Callable[[Ask, Record | None], Posted]
"""Says what an operation makes of the record that its id names."""


class Live:
    """The records as they are: each operation is carried out on them."""

    def __init__(self, loaded: Loaded, decide: Decide) -> None:
        self.loaded = loaded
        self.decide = decide

    def carry_out(self, ask: Ask) -> Posted:
        """Decide an operation over the records as they are now, and keep what it makes of them."""
        entry = self.loaded.find(ask.operation.target) if isinstance(ask.operation, Operation) else None
        done = self.decide(ask, entry.current if entry else None)
        if done.decision.status is not Status.FAILED:
            self.loaded.take(entry, done.decision)
        return done

    def name(self, ask: Ask, done: Posted) -> Name | None:
        """Return the name of the record that an operation is about, None where it is about none."""
        if isinstance(ask.operation, Refused):
            return None
        target = ask.operation.target
        entry = self.loaded.find(target)
        if entry is not None and entry.original is not None:
            return entry.original.key
        if done.record is not None:
            return done.record.key
        return (target.lab, target.lab_record_id) if target.lab and target.lab_record_id else None

    def put_back(self, name: Name) -> None:
        """Undo all that was done to a record."""
        entry = self.loaded.entries.get(name)
        if entry is None:
            return
        if entry.original is None:
            del self.loaded.entries[name]
            return
        entry.current, entry.revisions, entry.snapshots = entry.original, [], {}
        entry.published, entry.changes = {}, []


class Rehearsal(Live):
    """The records as they are, and beside them those that tests have touched, as they would be."""

    def __init__(self, loaded: Loaded, decide: Decide) -> None:
        super().__init__(loaded, decide)
        self.begun: dict[Name, Record | None] = {}  # as earlier chunks left them
        self.now: dict[Name, Record | None] = {}

    def carry_out(self, ask: Ask) -> Posted:
        """Decide an operation: a test over the rehearsed record, any other over the real one, and over the rehearsed one too."""
        if isinstance(ask.operation, Refused):
            return self.decide(ask, None)
        name = self._named(ask.operation)
        rehearsed = name is not None and name in self.now
        if not ask.operation.test:
            done = super().carry_out(ask)
            if rehearsed and name is not None:
                self._keep(name, self.decide(ask, self.now[name]))
            return done
        entry = self.loaded.find(ask.operation.target)
        before = self.now[name] if rehearsed and name is not None else entry.current if entry else None
        done = self.decide(ask, before)
        self._keep(name, done)
        return done

    def _named(self, operation: Operation) -> Name | None:
        target = operation.target
        entry = self.loaded.find(target)
        if entry is not None and entry.original is not None:
            return entry.original.key
        return (target.lab, target.lab_record_id) if target.lab and target.lab_record_id else None

    def _keep(self, name: Name | None, done: Posted) -> None:
        if done.decision.status is Status.FAILED:
            return
        name = done.record.key if done.record is not None else name
        if name is not None:
            self.now[name] = done.record

    def put_back(self, name: Name) -> None:
        """Undo all that was done to a record, and all that was rehearsed with it in this chunk."""
        super().put_back(name)
        self.now.pop(name, None)
        if name in self.begun:
            self.now[name] = self.begun[name]

    def load(self, session: Session, job_id: int, operations: Iterable[Operation]) -> None:
        """Read what earlier chunks rehearsed on the records that these operations are about."""
        labs = self._labs()
        names = {name for name in map(self._named, operations) if name is not None and name[0] in labs}
        ids, texts = [labs[name[0]].id for name in names], [name[1] for name in names]
        groups = {lab.id: group for group, lab in labs.items()}
        for lab_id, text, record in driver(session).execute(FIND, (ids, texts, job_id)).fetchall():
            kept = None if record is None else msgspec.json.decode(record, type=Record)
            self.begun[groups[lab_id], text] = self.now[groups[lab_id], text] = kept

    def store(self, session: Session, job_id: int) -> None:
        """Keep what was rehearsed here for the chunks that follow."""
        labs = self._labs()
        changed = {name: record for name, record in self.now.items() if name not in self.begun or self.begun[name] is not record}
        old = [name for name in changed if name in self.begun]
        if old:
            driver(session).execute(FORGET, ([labs[name[0]].id for name in old], [name[1] for name in old], job_id))
        if changed:
            lines = [_line(job_id, labs[name[0]].id, name[1], record) for name, record in changed.items()]
            copy_rows(session, "rehearsals (job_id, lab_id, lab_record_id, record)", lines)

    def _labs(self) -> dict[str, Lab]:
        entries = (entry.original for entry in self.loaded.all() if entry.original is not None)
        return {record.lab.group_name: record.lab for record in entries} | self.loaded.labs


def _line(job_id: int, lab_id: int, name: str, record: Record | None) -> bytes:
    kept = NULL if record is None else dump(record)
    return b"%d\t%d\t%s\t%s\n" % (job_id, lab_id, copy_text(name), kept)
