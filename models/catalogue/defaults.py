"""What every project has from the start: a base definition with a text field and a layout, a root record, a root folder."""

from __future__ import annotations

from typing import Any

from models import ids
from models.catalogue.layouts import new_layout
from models.catalogue.schema_items import DEFINITION, FIELD, LAYOUT, Item, Schema
from models.catalogue.tables import assets, catalogue_records, catalogue_words, schema_items
from models.catalogue.words import asset_words, record_words, schema_words
from models.db import Session

TITLE = "title"
BASE = "base"


def base_schema(language: str) -> Schema:
    """Return the schema of a new project: its base definition, with a title in each language."""
    field_gid, layout_gid = _gid(), _gid()
    field = Item(0, field_gid, FIELD, TITLE, body=_field({language: "Title"}))
    layout = Item(0, layout_gid, LAYOUT, BASE, body=new_layout([field_gid]))
    body = {"label": {language: "Base"}, "classes": [], "fields": [field_gid], "titlefield": field_gid, "fieldlists": {}}
    body |= {"layout": layout_gid, "childdefinitions": [], "metadata": {}}
    return Schema.of([layout, field, Item(0, _gid(), DEFINITION, BASE, is_base=True, body=body)])


def _field(label: dict[str, str]) -> dict[str, Any]:
    settings = {"type": "text", "options": {}, "is_localized": True, "is_required": False, "initial": {}, "unit": None}
    return settings | {"label": label, "metadata": {}}


def _gid() -> str:
    return str(ids.new_token())


def found_project(session: Session, project_id: int, name: str, language: str) -> None:
    """Store the base schema, the root record, which is titled as the project is, and the root folder."""
    schema = base_schema(language)
    known = {item.gid: _store(session, project_id, item) for item in schema.by_gid.values()}
    title = schema.by_gid[str(schema.base.titlefield)]
    content = {title.gid: {language: name}}
    record = {"gid": ids.new_token(), "project_id": project_id, "definition_id": known[schema.base.gid], "content": content}
    words = record_words(project_id, content, [title], title.gid)
    made = catalogue_records.insert().values(record).returning(catalogue_records.c.id)
    session.execute(catalogue_words.insert().values(record_id=session.execute(made).scalar_one(), words=words))
    folder: dict[str, Any] = {"gid": ids.new_token(), "project_id": project_id, "name": "", "is_file": False}
    session.execute(assets.insert().values(folder | {"words": asset_words(project_id, "", {})}))


def _store(session: Session, project_id: int, item: Item) -> int:
    words = "" if item.kind == LAYOUT else schema_words(project_id, item.name, item.body)
    row = {"gid": item.gid, "project_id": project_id, "kind": item.kind, "name": item.name, "is_base": item.is_base}
    made = schema_items.insert().values(row | {"body": item.body, "words": words})
    return int(session.execute(made.returning(schema_items.c.id)).scalar_one())
