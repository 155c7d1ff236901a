"""What a selection names, found the slow way: every record looked at, one by one, in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from models.classifications import sharing
from models.classifications.keys import key_set
from models.classifications.state import Record
from models.identity.principal import Principal
from tests.models.selection.world import World

WORDS_OF = (
    "gene_symbol",
    "clingen_allele_id",
    "patient_id",
    "sample_id",
    "family_id",
    "c_hgvs",
    "condition",
    "interpretation_summary",
)
NOTES_OF = ("condition", "interpretation_summary")


@dataclass(frozen=True)
class Seen:
    """A record as the caller sees it, with the relation that hides keys."""

    record: Record
    ceiling: int

    def value(self, key: str) -> Any:
        """Return the value of a cell; None where there is none or it is hidden."""
        known = key_set().get(key)
        assert known
        cell = self.record.evidence.get(key, {})
        return cell.get("value") if self.ceiling <= known.max_share_level else None


def visible(world: World, principal: Principal) -> dict[int, Seen]:
    """Return what the caller sees of the world."""
    actor = principal.actor()
    seen = {}
    for record_id, record in world.records.items():
        state = sharing.visible(record, world.snapshots[record_id], sharing.relation(record.lab, actor))
        if state:
            seen[record_id] = Seen(state, int(sharing.ceiling(record, actor)))
    return seen


def resolved(world: World, principal: Principal, selection: list[Any]) -> list[int | str]:
    """Return a selection's members: record ids, and the texts of ids that name nothing visible."""
    members = [member for entry in selection for member in _entry(world, visible(world, principal), entry)]
    return list(dict.fromkeys(members))


def _entry(world: World, seen: Mapping[int, Seen], entry: Any) -> Iterator[int | str]:
    if not isinstance(entry, dict):
        yield _named(seen, entry)
        return
    search, exclude = entry["search"], {_named(seen, name) for name in entry.get("exclude", [])}
    hits = [(_rank(search, item), record_id) for record_id, item in seen.items() if found(search, item)]
    yield from (record_id for _, record_id in sorted(hits) if record_id not in exclude)


def _named(seen: Mapping[int, Seen], name: str) -> int | str:
    for record_id, item in seen.items():
        if name in (str(record_id), f"{item.record.lab.group_name}/{item.record.lab_record_id}"):
            return record_id
    return name


def _rank(search: Mapping[str, Any], item: Seen) -> tuple[int, str, str]:
    plain = {term for term in search.get("q", "").split() if term[0] not in "+-"}
    score = sum(_has(term, record_words(item)) for term in plain)
    return (-score, item.record.lab.group_name, item.record.lab_record_id)


def found(search: Mapping[str, Any], item: Seen) -> bool:
    """Say whether a search finds a record."""
    q, tree = search.get("q"), search.get("filter")
    if not q and not tree:
        return False
    if item.record.withdrawn and not (tree and "withdrawn" in _names(tree)):
        return False
    return (not q or answers(q, record_words(item))) and (not tree or true(tree, item))


def _names(tree: list[Any]) -> set[str]:
    if tree[0] in ("and", "or", "not"):
        return set().union(*(_names(term) for term in tree[1:]))
    return {tree[0]}


def words(text: Any) -> set[str]:
    """Return the words of a text made of letters, digits and blanks."""
    return set(re.findall("[a-z0-9]+", str(text or "").lower()))


def record_words(item: Seen) -> set[str]:
    """Return the words that `q` searches."""
    evidence = item.record.evidence
    values = [evidence.get(key, {}).get("value") for key in WORDS_OF]
    notes = [evidence.get(key, {}).get(part) for key in NOTES_OF for part in ("note", "explain")]
    return words(item.record.lab_record_id).union(*map(words, values + notes))


def _has(term: str, there: set[str]) -> bool:
    return any(word.startswith(term[:-1]) for word in there) if term.endswith("*") else term in there


def answers(q: str, there: set[str]) -> bool:
    """Say whether words answer a q without phrases."""
    terms = q.split()
    must = [term[1:] for term in terms if term.startswith("+")]
    banned = [term[1:] for term in terms if term.startswith("-")]
    plain = [term for term in terms if term[0] not in "+-"]
    wanted = all(_has(term, there) for term in must) if must else not plain or any(_has(term, there) for term in plain)
    return wanted and not any(_has(term, there) for term in banned)


def true(tree: list[Any], item: Seen) -> bool:
    """Say whether a filter, its operands written as they are stored, is true of a record."""
    match tree[0]:
        case "and":
            return all(true(term, item) for term in tree[1:])
        case "or":
            return any(true(term, item) for term in tree[1:])
        case "not":
            return not true(tree[1], item)
        case name:
            return _condition(_subject(name, item), tree[1], tree[2] if len(tree) > 2 else None, name)


def _subject(name: str, item: Seen) -> Any:
    record = item.record
    match name:
        case "lab":
            return record.lab.group_name
        case "organisation":
            return record.lab.organisation_group
        case "publish":
            return record.share_level
        case "withdrawn" | "version":
            return getattr(record, name)
        case "created_on" | "updated_on" | "published_on":
            moment = getattr(record, name)
            return None if moment is None else Decimal(repr(moment.timestamp()))
        case key:
            return item.value(key)


def _condition(value: Any, operator: str, operand: Any, name: str) -> bool:
    match operator:
        case "exists":
            return value is not None
        case "missing":
            return value is None
        case "is_not":
            return not _condition(value, "is", operand, name)
        case "in":
            return any(_condition(value, "is", item, name) for item in operand)
        case "has":
            return value is not None and set(operand) <= set(value)
        case "q":
            return value is not None and answers(operand, words(value))
    if operator == "between":
        return _ordered(value, ">=", operand[0], name) and _ordered(value, "<=", operand[1], name)
    return _ordered(value, operator, operand, name)


def _ordered(value: Any, operator: str, operand: Any, name: str) -> bool:
    value, operand = _comparable(value, name), _comparable(operand, name)
    if value is None:
        return False
    match operator:
        case "is":
            return bool(value == operand)
        case "<":
            return bool(value < operand)
        case ">":
            return bool(value > operand)
        case ">=":
            return bool(value >= operand)
        case _:
            return bool(value <= operand)


def _comparable(value: Any, name: str) -> Any:
    if name == "publish":
        return {"lab": 1, "institution": 2, "logged_in_users": 3, "public": 4}.get(value, value)
    if name == "version":
        return int((Decimal(repr(value)) * 1_000_000).to_integral_value()) if isinstance(value, float) else value
    key = key_set().get(name)
    if key and key.value_type in "NLI":
        return Decimal(repr(value)) if type(value) in (int, float) else None
    if key and key.value_type == "D":
        return "-".join(part.zfill(2) for part in value.split("-")) if re.fullmatch(r"\d{4}-\d\d?-\d\d?", str(value)) else None
    if isinstance(value, float):
        return Decimal(repr(value))
    return value
