"""Many new records in one go, parents before children: decided in memory, a chunk at a time, and stored by COPY.

A record is made as it was sent or not at all: one value that does not fit its field refuses it. One that is there already, just
as it was sent, is a noop, so that a load can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.catalogue.changes import RECORDS, Done, Work, note_parents
from models.catalogue.channels import check_channels
from models.catalogue.content import Content, Form, Forms
from models.catalogue.fields import check_languages, initial_content, merge
from models.catalogue.gids import read_gid
from models.catalogue.orderings import Ends, ends
from models.catalogue.placing import default_definitions, unfit_parent
from models.catalogue.record_lists import root_id
from models.catalogue.record_store import NewRecord, contents, insert, next_ids
from models.catalogue.rows import RecordNode, load_records
from models.catalogue.saying import get_definition
from models.catalogue.schema_items import DEFINITION, Item
from models.errors import (
    AlreadyExists,
    InvalidField,
    InvalidRecord,
    InvalidType,
    InvalidValue,
    NotFound,
    Refused,
    UnknownField,
    pointer_to,
)
from models.settings import Limits

MEMBERS = frozenset({"gid", "parent", "parent_ref", "definition", "title", "fields", "channels", "orderings", "ref"})
FindRefs = Callable[[Iterable[str]], Mapping[str, int]]
"""Finds records that earlier chunks of the same job made, by the refs of their items."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One record as it was sent, or why it cannot be read; the gid that it gets where it names none, and its ref."""

    sent: Mapping[str, Any] | Refused
    gid: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class _Parent:
    id: int
    definition_id: int
    channels: Sequence[str]


@dataclass
class _Chunk:
    """What is known while a chunk is decided."""

    work: Work
    limits: Limits
    forms: Forms
    ids: dict[str, int]  # of all gids that are named here, as far as there are such records
    nodes: dict[int, RecordNode]  # of this project
    said: dict[int, tuple[int, dict[str, Any]]]
    refs: dict[str, int]
    defaults: dict[int, Item]
    ends: Ends
    fresh_ids: list[int]
    new: dict[int, NewRecord] = field(default_factory=dict)
    initial: dict[int, dict[str, Any]] = field(default_factory=dict)


def create_many(work: Work, asked: Sequence[Asked], find_refs: FindRefs, limits: Limits) -> list[Done]:
    """Make records in their order. A parent is named by gid or by the ref of an earlier item; null stands for the root."""
    chunk = _open(work, asked, find_refs, limits)
    done = [_create(chunk, one) for one in asked]
    insert(work, list(chunk.new.values()))
    note_parents(work, RECORDS)
    return done


def _open(work: Work, asked: Sequence[Asked], find_refs: FindRefs, limits: Limits) -> _Chunk:
    sent = [one.sent for one in asked if not isinstance(one.sent, Refused)]
    gids = {gid for one in asked for gid in _gids(one)}
    rows = work.execute("SELECT gid::text, id FROM catalogue_records WHERE gid = ANY(%(gids)s::uuid[])", {"gids": list(gids)})
    refs = dict(find_refs({ref for one in sent if isinstance(ref := one.get("parent_ref"), str)}))
    ids = dict(rows)
    nodes = load_records(work, [*ids.values(), *refs.values(), root_id(work.session, work.project)])
    own = {one.gid for one in asked} | {str(one.get("gid")) for one in sent}
    return _Chunk(
        work, limits, work.forms, ids, nodes, contents(work, [ids[gid] for gid in own if ids.get(gid) in nodes]), refs,
        default_definitions(work, nodes.values()), ends(work, list(nodes)), next_ids(work, len(asked)),
    )  # fmt: skip


def _gids(one: Asked) -> Iterable[str]:
    if isinstance(one.sent, Refused):
        return ()
    return [gid for gid in (read_gid(one.sent.get("gid", one.gid)), read_gid(one.sent.get("parent"))) if gid]


def _create(chunk: _Chunk, one: Asked) -> Done:
    gid = one.gid
    try:
        if isinstance(one.sent, Refused):
            raise one.sent
        gid = _own_gid(one.gid, one.sent)
        done = _decide(chunk, gid, one.sent)
    except Refused as refused:
        return Done(gid, None, refused)
    if one.ref is not None and done.item_id is not None:
        chunk.refs[one.ref] = done.item_id
    return done


def _own_gid(assigned: str, sent: Mapping[str, Any]) -> str:
    if sent.get("gid") is None:
        return assigned
    gid = read_gid(sent["gid"])
    if gid is None:
        raise InvalidValue("This is no gid.", pointer="/gid")
    return gid


def _decide(chunk: _Chunk, gid: str, sent: Mapping[str, Any]) -> Done:
    unknown = set(sent) - MEMBERS
    if unknown:
        raise UnknownField("Nobody reads this member.", pointer=pointer_to(min(unknown)[:60]))
    parent = _parent(chunk, sent)
    form = _form(chunk, sent, parent)
    channels = parent.channels if sent.get("channels") is None else _channels(chunk.work, sent["channels"])
    content = _content(chunk, form, sent)
    if gid in chunk.ids:
        wanted = NewRecord(chunk.ids[gid], gid, parent.id, form.definition.id, channels, {}, None, content)
        return _existing(chunk, wanted)
    record_id = chunk.fresh_ids[len(chunk.new)]
    places = chunk.ends.next(parent.id) | _orderings(chunk.work, sent.get("orderings"))
    chunk.ends.note(parent.id, places)
    chunk.new[record_id] = NewRecord(
        record_id, gid, parent.id, form.definition.id, channels, places, None, content, form.words(content)
    )
    chunk.ids[gid] = record_id
    chunk.defaults[parent.id] = form.definition
    return Done(gid, record_id, made=gid)


def _parent(chunk: _Chunk, sent: Mapping[str, Any]) -> _Parent:
    named, ref = sent.get("parent"), sent.get("parent_ref")
    if named is not None and ref is not None:
        raise InvalidRecord("A parent is named by `parent` or by `parent_ref`, not both.", pointer="/parent_ref")
    if ref is not None:
        found = chunk.refs.get(ref) if isinstance(ref, str) else None
        return _found_parent(chunk, found, "/parent_ref")
    if named is None:
        return _found_parent(chunk, root_id(chunk.work.session, chunk.work.project), "/parent")
    gid = read_gid(named)
    if gid is None:
        raise InvalidValue("This is no gid.", pointer="/parent")
    return _found_parent(chunk, chunk.ids.get(gid), "/parent")


def _found_parent(chunk: _Chunk, record_id: int | None, pointer: str) -> _Parent:
    made = chunk.new.get(record_id or 0)
    if made is not None:
        return _Parent(made.id, made.definition_id, made.channels)
    node = chunk.nodes.get(record_id or 0)
    if node is None:
        raise NotFound("There is no such parent, or it comes later.", pointer=pointer)
    refused = unfit_parent(node)
    if refused:
        raise refused
    return _Parent(node.id, node.definition_id, node.channels)


def _form(chunk: _Chunk, sent: Mapping[str, Any], parent: _Parent) -> Form:
    word, schema = sent.get("definition"), chunk.work.schema
    if word is None:
        default = chunk.defaults.get(parent.id)
        return chunk.forms.of(default or (schema.childdefinitions(schema.by_id[parent.definition_id]) or [schema.base])[0])
    if not isinstance(word, str):
        raise InvalidType("A definition is named by its gid or its name.", pointer="/definition")
    item = schema.named(DEFINITION, word) or schema.find(DEFINITION, word)
    if item is None:
        raise NotFound("There is no such definition in this project.", pointer="/definition")
    return chunk.forms.of(get_definition(chunk.work, item.gid))


def _channels(work: Work, sent: Any) -> list[str]:
    if not isinstance(sent, list) or not all(isinstance(key, str) for key in sent):
        raise InvalidType("`channels` is a list of keys.", pointer="/channels")
    return check_channels(work, sent)


def _orderings(work: Work, sent: Any) -> dict[str, int]:
    if sent is None:
        return {}
    return check_orderings(work, sent)


def check_orderings(work: Work, sent: Any) -> dict[str, int]:
    """Return places by ordering. Raises InvalidType, InvalidValue."""
    if not isinstance(sent, dict) or any(type(place) is not int for place in sent.values()):
        raise InvalidType("`orderings` is an object of whole numbers.", pointer="/orderings")
    if any(key not in work.project.orderings for key in sent):
        raise InvalidValue("There is no such ordering in this project.", pointer="/orderings")
    if any(not 0 <= place < 2**31 - 1 for place in sent.values()):
        raise InvalidValue("A place is counted from 0.", pointer="/orderings")
    return sent


def _content(chunk: _Chunk, form: Form, sent: Mapping[str, Any]) -> Content:
    languages = chunk.work.project.languages
    key = form.definition.id
    if key not in chunk.initial:
        chunk.initial[key] = initial_content(form, languages, chunk.limits)
    merged = merge(form, chunk.initial[key], _with_title(form, sent, languages), chunk.limits)
    if merged.faults:
        first = merged.faults[0]
        report = [fault.dump("") for fault in merged.faults]
        raise InvalidField(first.detail, pointer=pointer_to("fields", first.language, first.name), report=report)
    return merged.content


def _with_title(form: Form, sent: Mapping[str, Any], languages: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the fields that were sent, the title among them."""
    fields = check_languages(sent.get("fields") or {}, languages)
    title = sent.get("title")
    if title is None:
        return fields
    if not isinstance(title, dict):
        raise InvalidType("`title` is an object of languages.", pointer="/title")
    check_languages({language: {} for language in title}, languages)
    if form.titlefield is None:
        raise InvalidValue("Records of this definition have no title.", pointer="/title")
    every = dict.fromkeys([*fields, *title])
    told = {language: {form.titlefield: title[language]} if language in title else {} for language in every}
    return {language: {**told[language], **fields.get(language, {})} for language in every}


def _existing(chunk: _Chunk, wanted: NewRecord) -> Done:
    node = chunk.nodes.get(wanted.id)
    said = (chunk.said.get(wanted.id) or (None, None)) if node else (None, None)
    same = node is not None and not node.deleted and node.canonical_id is None and (
        (node.parent_id, said[0], said[1]) == (wanted.parent_id, wanted.definition_id, wanted.content)
        and set(node.channels) == set(wanted.channels)
    )  # fmt: skip
    if not same:
        raise AlreadyExists("There is a record of this gid already.", pointer="/gid")
    return Done(wanted.gid, wanted.id, noop=True)
