"""How submitted evidence meets the evidence of a record: values, notes, locks (contract sections 5 to 7 and 9)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from models.classifications.cells import (
    ABSENT,
    API_LOCK,
    CLEARED,
    LOCK_RANKS,
    SOURCE_RANKS,
    SYSTEM_LOCK,
    Sent,
    changed,
    changed_beyond_note,
    lock_only,
    new_cell,
    put_over,
)
from models.classifications.keys import MEMO_LENGTH, Key, Validation, canonical, key_set
from models.classifications.normalise import FINE, harmless, normalise_text, repaired
from models.classifications.state import Cell, Evidence, Message, Person, Source
from models.classifications.transcripts import Hgvs, parse_hgvs, says_the_same
from models.errors import InvalidNumber, InvalidType, pointer_to

NO_PATCH = Message("no_patch")
NOT_LAB = (Validation("warning", "not_lab", "The owner does not belong to the lab."),)
PSEUDO_KEYS = frozenset(["source_id", "existing_sample_id"])  # about the record, no evidence


class Rules(msgspec.Struct, frozen=True, gc=False):
    """What a merge depends on beside the evidence. `people` maps lower-case username and e-mail to user."""

    verb: str  # create, patch, patch-empty, overwrite or upsert
    source: Source = Source.API
    editable: bool = False
    creating: bool = False
    external: bool = False  # the lab is a copy of somebody else's: nothing is said about its values
    lab_id: int | None = None  # the record's lab, to which an owner should belong
    people: Mapping[str, Person] = msgspec.field(default_factory=dict)
    default_owner: str | None = None  # username, for a creation that names no owner
    member: str = "upsert"  # what the evidence was sent as, for JSON pointers


class Merge(msgspec.Struct, frozen=True, gc=False):
    """The evidence after, the changed cells as they were and are (None: absent), and what to tell the client."""

    evidence: Evidence
    before: dict[str, Cell | None]
    after: dict[str, Cell | None]
    messages: tuple[Message, ...]
    extras: dict[str, str | None]  # the pseudo keys that were sent
    owner: Person | None  # the user that `owner` names, where it names one


def merge(current: Evidence, submitted: Mapping[str, Any], rules: Rules) -> Merge:
    """Apply a submission to evidence; nothing given is changed, untouched cells are shared.

    Raises InvalidType and InvalidNumber, with a pointer, for what cannot be a cell.
    """
    merging = _Merging(current, rules)
    merging.address(submitted)
    merging.put_all(submitted)
    if rules.verb == "overwrite":
        merging.remove_others()
    if rules.creating:
        merging.derive()
    return merging.result()


class _Merging:
    """A merge on its way: `after` has the cells that change, `refused` the keys whose lock held."""

    def __init__(self, current: Evidence, rules: Rules) -> None:
        self.current = current
        self.rules = rules
        self.rank = SOURCE_RANKS[rules.source]
        self.from_api = rules.source is Source.API
        self.lock = API_LOCK if self.from_api and not rules.editable else None
        self.system_lock = SYSTEM_LOCK if self.from_api else self.lock
        self.fills = rules.verb == "patch-empty"
        self.overwrites = rules.verb == "overwrite"
        self.keys: dict[str, tuple[Key, str]] = {}
        self.after: dict[str, Cell | None] = {}
        self.refused: list[str] = []
        self.unknown: list[str] = []
        self.extras: dict[str, str | None] = {}
        self.owner: Person | None = None

    def address(self, submitted: Mapping[str, Any]) -> None:
        """Find the keys that are meant, by full name with their last spelling (6.1); keep apart what is no evidence."""
        spelled, keys = key_set().spelled, self.keys
        for spelling, raw in submitted.items():
            key = spelled[spelling]
            if key is not None:
                keys[key.name] = key, spelling
            elif _pseudo(spelling) is not None:
                self._put_extra(spelling, raw)
            elif raw is not None:
                self.unknown.append(spelling)

    def _put_extra(self, spelling: str, raw: Any) -> None:
        value = raw.get("value", ABSENT) if isinstance(raw, dict) else raw
        if value is not ABSENT:
            self.extras[str(_pseudo(spelling))] = self._text(value, spelling, "value" if isinstance(raw, dict) else None)

    def put_all(self, submitted: Mapping[str, Any]) -> None:
        """Decide every cell that is meant."""
        current, after, fills = self.current, self.after, self.fills
        for name, (key, spelling) in self.keys.items():
            raw = submitted[spelling]
            old = current.get(name) if current else None
            if old is None:
                cell = self._plain(key, raw)
                if cell is None:
                    cell = self._new(key, self._sent(key, spelling, raw))
                if cell:
                    after[name] = cell
            elif not (fills and old.get("value") is not None) and not self._put_plain(key, old, raw):
                self._change(key, old, self._sent(key, spelling, raw))

    def _plain(self, key: Key, raw: Any) -> Cell | None:
        """Return the new cell of a value alone or beside a note, as nearly all are, in one step. None: see `_sent`."""
        note = None
        if type(raw) is dict:
            if len(raw) == 2:
                note = raw.get("note")
                if type(note) is not str or "&" in note or "\xa0" in note:
                    return None
            elif len(raw) != 1:
                return None
            raw = raw.get("value")
        if ((type(raw) is not str or "&" in raw) and not harmless(raw)) or key.names_user:
            return None
        value, found = key.normalise(raw)
        if value is None or (found and not self.rules.external):
            return None
        lock = self.system_lock if key.system_locked else self.lock
        if note and (text := note.strip()):
            return {"value": value, "note": text, "immutable": lock} if lock else {"value": value, "note": text}
        return {"value": value, "immutable": lock} if lock else {"value": value}

    def _put_plain(self, key: Key, old: Cell, raw: Any) -> bool:
        """Put a plain new cell over an old one of which nothing is kept. False where there is more to it: see `_change`."""
        if self.overwrites or key.name == "c_hgvs":
            return False
        if type(raw) is dict and ("explain" in old or ("note" in old and "note" not in raw)):
            return False
        cell = self._plain(key, raw)
        if cell is None or LOCK_RANKS[old.get("immutable")] > min(LOCK_RANKS[cell.get("immutable")], self.rank):
            return False
        if changed(old, cell):
            self.after[key.name] = cell
        return True

    def _new(self, key: Key, sent: Sent) -> Cell:
        return new_cell(sent, self._lock_for(key, sent[0]) if key.system_locked else self.lock)

    def _change(self, key: Key, old: Cell, sent: Sent) -> None:
        if key.name == "c_hgvs" and isinstance(sent[0], str) and says_the_same(sent[0], old.get("value")):
            sent = (old["value"], *sent[1:])
        held = old.get("immutable")
        locked = held is not None and LOCK_RANKS[held] > self.rank
        base = lock_only(old) if self.overwrites and not locked else old
        cell = put_over(base, sent, self._lock_for(key, sent[0]) if key.system_locked else self.lock)
        if locked and changed_beyond_note(old, cell):
            self.refused.append(key.name)
        elif changed(old, cell):
            self.after[key.name] = cell or None

    def _sent(self, key: Key, spelling: str, raw: Any) -> Sent:
        """Parse one submitted cell by the table of 6.2: what an object leaves out is kept, what all others do is cleared."""
        if raw is None:
            return CLEARED
        if type(raw) is not dict:
            value, found = self._value(key, spelling, raw, None)
            return value, found, None, None
        value, found = ABSENT, FINE
        if "value" in raw:
            value, found = self._value(key, spelling, raw["value"], "value")
        note = self._text(raw["note"], spelling, "note") if "note" in raw else ABSENT
        explain = self._text(raw["explain"], spelling, "explain") if "explain" in raw else ABSENT
        return value, found, note, explain

    def _value(self, key: Key, spelling: str, raw: Any, part: str | None) -> tuple[Any, tuple[Validation, ...]]:
        try:
            if self.from_api and (type(raw) is not str or "&" in raw):
                raw = repaired(raw)
            value, found = key.normalise(raw)
        except (InvalidType, InvalidNumber) as refused:
            raise type(refused)(refused.detail, pointer=self._pointer(spelling, part)) from None
        if key.names_user and value is not None:
            person = self.rules.people.get(value.lower())
            value = person.username if person else value
            if key.name == "owner" and person:
                self.owner, found = person, FINE if self.rules.lab_id in {None, *person.lab_ids} else NOT_LAB
        return value, FINE if self.rules.external else found

    def _text(self, raw: Any, spelling: str, part: str | None) -> str | None:
        if type(raw) is str and raw and "&" not in raw and "\xa0" not in raw:
            return raw.strip() or None
        if isinstance(raw, (dict, list)) and raw:
            raise InvalidType("A text is expected here.", pointer=self._pointer(spelling, part))
        try:
            text: str | None = normalise_text(repaired(raw) if self.from_api else raw)[0]
        except InvalidNumber as refused:
            raise InvalidNumber(refused.detail, pointer=self._pointer(spelling, part)) from None
        return text

    def _pointer(self, spelling: str, part: str | None) -> str:
        return pointer_to(self.rules.member, spelling) if part is None else pointer_to(self.rules.member, spelling, part)

    def _lock_for(self, key: Key, value: Any) -> str | None:
        """Return the lock that the submission adds to a cell (7.1, 7.2)."""
        given = value is not None and value is not ABSENT
        return SYSTEM_LOCK if given and key.system_locked and self.from_api else self.lock

    def remove_others(self) -> None:
        """Remove every cell that the submission does not mention, lock and all, unless the lock holds (5, 7.2).

        The owner stays: it is who the record belongs to, and removing it would make every repeat of an overwrite a change.
        """
        for name, old in self.current.items():
            if name in self.keys or name == "owner":
                continue
            if LOCK_RANKS[old.get("immutable")] > self.rank:
                self.refused.append(name)
            else:
                self.after[name] = None

    def derive(self) -> None:
        """Add what a creation knows without being told: transcript and gene out of c_hgvs, the owner (9)."""
        hgvs = parse_hgvs(self._new_value("c_hgvs") or "")
        if hgvs is not None:
            self._derive_from(hgvs)
        if self.rules.default_owner and "owner" not in self.keys:
            self.after["owner"] = {"value": self.rules.default_owner}

    def _derive_from(self, hgvs: Hgvs) -> None:
        gene = hgvs.gene.upper() or self._new_value("gene_symbol") or ""
        complete = str(hgvs.with_gene(gene))
        if complete != self._new_value("c_hgvs"):
            self.after["c_hgvs"] = {**(self.after["c_hgvs"] or {}), "value": complete}
        for name, value in ((hgvs.key, hgvs.transcript), ("gene_symbol", gene)):
            key = key_set().get(name)
            if value and key is not None and name not in self.keys:
                self.after[name] = self._new(key, (value, FINE, None, None))

    def _new_value(self, name: str) -> str | None:
        cell = self.after.get(name)
        return cell.get("value") if cell else None

    def result(self) -> Merge:
        """Return what has been decided; no change returns the very evidence that was given."""
        after, current = self.after, self.current
        before: dict[str, Cell | None] = {name: current.get(name) for name in after} if current else dict.fromkeys(after)
        evidence = _with(current, after) if after else current
        owner = None if "owner" in self.refused else self.owner
        return Merge(evidence, before, after, self._messages(), self.extras, owner)

    def _messages(self) -> tuple[Message, ...]:
        messages = [Message("immutable", key=name) for name in self.refused]
        if self.unknown:
            messages.append(Message("unrecognised_key", keys=tuple(self.unknown)))
        messages.append(Message("patched", keys=tuple(self.after)) if self.after else NO_PATCH)
        return tuple(messages)


def _with(evidence: Evidence, changes: Mapping[str, Cell | None]) -> Evidence:
    changed = {**evidence, **changes}
    if None not in changed.values():
        return changed  # type: ignore[return-value]
    return {name: cell for name, cell in changed.items() if cell is not None}


def _pseudo(spelling: str) -> str | None:
    return _short_pseudo(spelling) if len(spelling) <= MEMO_LENGTH else None


@lru_cache(maxsize=4096)
def _short_pseudo(spelling: str) -> str | None:
    name = canonical(spelling)
    return name if name in PSEUDO_KEYS else None
