"""What records say, changed: values of fields, and the definition that says which fields there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.content import Content, Form
from models.catalogue.fields import merge
from models.catalogue.record_store import Said, contents, write
from models.catalogue.rows import Member, RecordNode, load_records, missing
from models.catalogue.schema_items import DEFINITION, Item
from models.errors import InvalidField, InvalidValue, ItemDeleted, Refused
from models.settings import settings

Sent = Mapping[str, Mapping[str, Any]]


@dataclass
class _Page:
    """What the records of a chunk say, while it is decided. Links are answered for by their originals."""

    nodes: Mapping[int, RecordNode]
    said: dict[int, Content]
    forms: dict[int, Form]
    changed: dict[int, int]  # to the member that it was changed for


def _open(work: Work, members: Sequence[Member]) -> _Page:
    nodes = load_records(work, members)
    found = contents(work, [node.source_id for node in nodes.values()])
    return _Page(
        nodes,
        {key: content for key, (_, content) in found.items()},
        {key: work.forms.by_id(definition) for key, (definition, _) in found.items()},
        {},
    )


def _close(work: Work, page: _Page) -> None:
    write(work, [Said(key, page.forms[key], page.said[key], member) for key, member in page.changed.items()])


def update(work: Work, members: Sequence[Member], sent: Sent) -> list[Done]:
    """Give records the values that were sent, as far as these fit; the facts of each have its validation report.

    A record of which something was sent and nothing fits fails.
    """
    page = _open(work, members)
    done = [_update(page, member, sent) for member in members]
    _close(work, page)
    return done


def _update(page: _Page, member: Member, sent: Sent) -> Done:
    node = page.nodes.get(member) if isinstance(member, int) else None
    refused = _refused(node)
    if node is None or refused:
        return Done(node.gid if node else str(member), node.id if node else None, refused)
    before = page.said[node.source_id]
    merged = merge(page.forms[node.source_id], before, sent, settings().limits)
    report = [fault.dump(node.gid) for fault in merged.faults]
    facts = {"report.validation": report} if report else {}
    if report and not merged.taken:
        return Done(node.gid, node.id, InvalidField(merged.faults[0].detail, pointer="/fields", report=report), facts=facts)
    if merged.content == before:
        return Done(node.gid, node.id, noop=True, facts=facts)
    page.said[node.source_id] = merged.content
    page.changed.setdefault(node.source_id, node.id)
    return Done(node.gid, node.id, facts=facts)


def _refused(node: RecordNode | None) -> Refused | None:
    if node is None:
        return missing(RECORDS)
    return ItemDeleted("The record is deleted.") if node.deleted else None


def get_definition(work: Work, gid: str) -> Item:
    """Return a definition that records may have: a committed one. Raises NotFound, InvalidValue."""
    item = work.schema.get(DEFINITION, gid)
    if item.is_working_copy or item.is_new:
        raise InvalidValue("Records have committed definitions only.", pointer="/definition")
    return item


def set_definition(work: Work, members: Sequence[Member], definition: Item) -> list[Done]:
    """Give records another definition; the values of fields that it has too are kept."""
    page = _open(work, members)
    form = work.forms.of(definition)
    done = [_redefine(page, member, form) for member in members]
    _close(work, page)
    return done


def _redefine(page: _Page, member: Member, form: Form) -> Done:
    node = page.nodes.get(member) if isinstance(member, int) else None
    refused = _refused(node)
    if node is None or refused:
        return Done(node.gid if node else str(member), node.id if node else None, refused)
    source = node.source_id
    if page.forms[source].definition.id == form.definition.id:
        return Done(node.gid, node.id, noop=True)
    page.said[source] = form.fitting(page.said[source])
    page.forms[source] = form
    page.changed.setdefault(source, node.id)
    return Done(node.gid, node.id)
