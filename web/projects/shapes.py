"""The shapes of what goes over the project face, by the names that they have on the wire: data for its OpenAPI document."""

from __future__ import annotations

from typing import Any

from models.jobs.values import JobOutcome, JobStatus

Shape = dict[str, Any]
OTHER = "0b0e6c4e-5a8a-4f6c-9a0f-6e1f5d3c2b10"
AN_ID = "5f3a1c9e-7d42-4b1a-8c55-2f9d0e6b7a31"
A_MOMENT = 1_795_000_000.25


def _text(example: str, **more: Any) -> Shape:
    return {"type": "string", "examples": [example], **more}


def _list(of: Shape, example: list[Any], **more: Any) -> Shape:
    return {"type": "array", "items": of, "examples": [example], **more}


def _object(example: dict[str, Any], **more: Any) -> Shape:
    return {"type": "object", "examples": [example], **more}


def _null(shape: Shape) -> Shape:
    rest = {name: value for name, value in shape.items() if name != "examples"}
    return {"anyOf": [rest, {"type": "null"}]} | ({"examples": shape["examples"]} if "examples" in shape else {})


def _count(example: int, **more: Any) -> Shape:
    return {"type": "integer", "minimum": 0, "examples": [example], **more}


def _ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


def _by_gid(name: str) -> Shape:
    return {"type": "object", "additionalProperties": _ref(name)}


GID: Shape = {"type": "string", "format": "uuid", "examples": [AN_ID]}
GIDS = _list({"type": "string", "format": "uuid"}, [AN_ID])
KEY = _text(OTHER)
KEYS = _list({"type": "string"}, [OTHER])
FLAG: Shape = {"type": "boolean", "examples": [True]}
MOMENT: Shape = {"type": "number", "examples": [A_MOMENT]}
TEXT = _text("lapis")
LOCALIZED = _object({"en": "Lapis lazuli"})
ANYTHING: Shape = {"examples": ["any JSON value"]}
STATUS: Shape = {"enum": ["published", "deleted"], "examples": ["published"]}
METADATA = _object({"origin.file": {"type": "textline", "is_localized": False, "value": "stones.csv"}})
CURSOR = _count(1_207)
FILTER = _list({}, ["updated_on", "<", [7, "days"]])
SINGLES = ("record", "parent", "root", "asset", "definition", "class", "field", "layout", "query", "user", "member", "project",
           "job", "job.token", "childdefinition", "titlefield", "target_definition", "source_definition",
           "before_record")  # fmt: skip
LISTS = ("records", "children", "tree", "path", "assets", "definitions", "classes", "fields", "layouts", "queries",
         "expanded_records", "expanded_assets", "childdefinitions", "project_members", "job_tokens")  # fmt: skip
SIZES = ("children.size", "tree.size", "records.size", "assets.size", "schema_items.size")
NAMED: dict[str, Shape] = {
    **dict.fromkeys(SINGLES, GID), **dict.fromkeys(LISTS, GIDS), **dict.fromkeys(SIZES, _count(1)),
    **dict.fromkeys(("channel", "ordering", "fieldlist", "fieldlist_key"), KEY),
    "gid": GID, "keys": KEYS, "channels": KEYS, "orderings": _object({OTHER: 3}), "fieldlists": _object({OTHER: [AN_ID]}),
    "api_key": _text("the-key-of-an-api-user"), "apikey": TEXT, "username": _text("ann"), "password": _text("open sesame"),
    "omit_extended_definitions": FLAG, "user_projects": _object({OTHER: ["editor"]}), "last_backed_up": MOMENT,
    "cc.version": _text("2026.09.001"), "cc.cursor": CURSOR, "cursor": CURSOR, "cc_cursor": CURSOR, "wait": _count(25),
    "language": _text("en"), "languages": _list({"type": "string"}, ["en", "nl"]), "name": _text("origin_file"),
    "title_text": _text("Printed catalogue"), "icon": _text("gem"), "timezone": _text("Europe/Amsterdam"),
    "page.top": _count(0), "page.size": _count(100, maximum=10_000), "page.cursor": _null(_text("a sealed text")),
    "status": {"enum": ["published", "deleted", "all"], "examples": ["all"]},
    "job_status": {"enum": list(JobStatus), "examples": ["done"]}, "pace": _count(500),
    "outcome": {"enum": ["succeeded", "noop", "failed", "skipped", "cancelled", "rolled_back"], "examples": ["failed"]},
    "q": _text('+lapis -copy "blue stone"'), "filter": FILTER, "selection": _ref("Selection"), "allow_all": FLAG,
    **dict.fromkeys(("glance", "records.complete", "assets.complete", "schema_items.complete"), FLAG),
    "tags": _list({"type": "string"}, ["nightly"]), "idempotency_key": _text("load-17"),
    "values": _object({"en": {"title": "Lapis lazuli", "weight": 12}}), "enabled": FLAG, "value": ANYTHING, "anything": ANYTHING,
    "pathname": _text("/stones/lapis.jpg"), "pathnames": _list({"type": "string"}, ["/stones/lapis.jpg"]),
    "expanded_paths": _list({"type": "string"}, ["/stones"]), "upload_file": {"type": "string", "format": "binary"},
    "title": LOCALIZED, "description": LOCALIZED, "label": LOCALIZED, "metadata": METADATA,
    "transforms": _null(_object({"_main_": {"hotspot": [0.5, 0.5]}})), "type": _text("textline"),
    "field_type": _text("textline"), "query_type": {"enum": ["record", "asset", "schema"], "examples": ["record"]},
    "options": _object({}), "is_localized": FLAG, "is_required": FLAG, "initial": LOCALIZED, "unit": _text("kg"),
    "components": _object({AN_ID: {"type": "vertical", "content": []}}), "text": _text("name"), "fieldq": _text("la"),
    "completions.size": _count(10, minimum=1, maximum=50), "completions": _list({"type": "string"}, ["lapis.jpg"]),
    "schema_items": _list(_ref("SchemaItem"), [{"type": "field", "item": AN_ID}]),
    "report.validation": _list(_ref("Fault"), []), "jobs": _by_gid("Job"), "results": _list(_ref("Outcome"), []),
    "members": _list({"type": "object"}, []), "drift": _list({"type": "object"}, []), "complete": FLAG,
    "sync": _list(_ref("Change"), []), "warning": _text("There is more: ask again from these cursors."),
}  # fmt: skip
DATA: dict[str, Shape] = {
    "records": _by_gid("Record"), "assets": _by_gid("Asset"), "definitions": _by_gid("Definition"), "classes": _by_gid("Class"),
    "fields": _by_gid("Field"), "layouts": _by_gid("Layout"), "queries": _by_gid("Query"), "cc.users": _by_gid("User"),
    "cc.projects": _by_gid("Project"), "cc.projects_members": _list(_ref("Seat"), []),
    "cc.languages": _object({"en": "English"}, additionalProperties={"type": "string"}),
}  # fmt: skip


def _members(**members: Shape) -> Shape:
    return {"type": "object", "properties": members, "required": list(members)}


_item = {"gid": GID, "original": _null(GID), "name": TEXT, "is_new": FLAG, "is_working_copy": FLAG}
_moments = {"created_on": MOMENT, "updated_on": MOMENT}
_search = _members(search={"type": "object", "properties": {"language": TEXT, "q": TEXT, "filter": FILTER}})
_children = _members(children=GID)
_exclude = {"type": "array", "items": {"type": "string", "format": "uuid"}}
_search["properties"]["exclude"] = _exclude
_children["properties"] |= {"exclude": _exclude, "channel": KEY, "ordering": KEY}
COUNTERS = ("total", "remaining", "succeeded", "failed", "skipped", "noop", "cancelled", "attempts", "chunks")
COMPONENTS: dict[str, Shape] = {
    "Selection": {
        "type": "array", "items": {"anyOf": [{"type": "string", "format": "uuid"}, _children, _search]},
        "description": "Gids, children and searches, in this order; an item that is named twice counts at its first place.",
        "examples": [[AN_ID, {"children": OTHER}, {"search": {"language": "en", "q": "+lapis", "filter": []}}]],
    },
    "Record": _members(
        gid=GID, parent=_null(GID), canonical=GID, is_link=FLAG, backlinks=GIDS, treelevel=_count(2), path=GIDS,
        childcount=_count(0), definition=GID, title=_object({"en": "Lapis lazuli"}), status=STATUS, channels=KEYS,
        orderings=_object({OTHER: 3}), **_moments,
    ),
    "Asset": _members(
        gid=GID, pathname=TEXT, path={"type": "string"}, name={"type": "string"}, is_file=FLAG, type=_null(_text("jpg")),
        childcount=_count(0), status=STATUS, info=_object({"format": "jpg", "filesize": 20_480}), transforms=NAMED["transforms"],
        title=LOCALIZED, description=LOCALIZED, metadata=METADATA, version=_count(1), **_moments,
    ),
    "Definition": _members(
        **_item, label=LOCALIZED, classes=GIDS, fields=GIDS, titlefield=_null(GID), fieldlists=_object({OTHER: [AN_ID]}),
        layout=_null(GID), childdefinitions=GIDS, metadata=METADATA, is_base=FLAG, is_extended=FLAG,
    ),
    "Class": _members(**_item, label=_null(LOCALIZED), fields=_null(GIDS), layout=_null(GID), metadata=_null(METADATA)),
    "Field": _members(
        **_item, label=LOCALIZED, type=TEXT, options=_object({}), is_localized=FLAG, is_required=FLAG, initial=LOCALIZED,
        unit=_null(_text("kg")), metadata=METADATA,
    ),
    "Layout": _members(**_item, root=_null(GID), components=_object({})),
    "Query": _members(gid=GID, type=NAMED["query_type"], name=TEXT, q={"type": "string"}, filter={"type": "array"}),
    "User": _members(gid=GID, username=TEXT, name=TEXT, avatar={"type": "null"}, status=TEXT),
    "Project": _members(gid=GID, name={"type": "string"}, icon=_null(TEXT), owner=_null(GID), status=TEXT),
    "Seat": _members(project_gid=GID, user_gid=GID, status=TEXT, roles=_list(TEXT, ["editor"]), options=_object({})),
    "SchemaItem": _members(type={"enum": ["definition", "class", "field"]}, item=GID),
    "Fault": _members(
        record=GID, field=_null(GID), name={"type": "string"}, language={"type": "string"}, code=TEXT, message=TEXT
    ),
    "Job": _members(
        token=GID, project_gid=_null(GID), job=TEXT, status={"enum": list(JobStatus)}, outcome={"enum": [*JobOutcome, None]},
        info=_object({"total": 2, "remaining": 0}), test=FLAG, tags=_list(TEXT, []), **_moments,
        **dict.fromkeys(COUNTERS, _count(0)),
    ),
    "Outcome": _members(
        index=_count(0), line=_null(_count(1)), ref=_null(TEXT), status=NAMED["outcome"], id=_null(GID),
        result=_null(_object({})), error=_null(_object({"code": "not_found"})),
    ),
    "Change": {
        **_members(
            type={"enum": ["cc", "project"]}, cursor=CURSOR, action={"enum": ["INSERT", "UPDATE", "DELETE"]},
            data_type=_text("records"), data_key=_text(AN_ID),
        ),
        "description": "One change; only those of jobs have `data`.",
    },
}  # fmt: skip
