"""What each call of the project face takes and gives, as its OpenAPI document tells it: data, in a short notation.

`record parent? fields=values` names members: one with a question mark may be missing, one with `=` has another shape than its
name usually has. Shapes by name are in `web.projects.shapes`; a call that is not here has no place in the document, and a test
finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SIGN_IN = "omit_extended_definitions?"
FIRST = "user user_projects project project_members last_backed_up cc.version cc.cursor cursor"
FIRST_DATA = "cc.users cc.projects cc.projects_members cc.languages definitions classes fields layouts queries"
COMMON_FIRST, COMMON_DATA = "user user_projects cc.version cc.cursor", "cc.users cc.projects cc.languages"
SCHEMA = "definitions? classes? fields? layouts?"
RECORDS = f"records {SCHEMA}"
SHOWN = "language? languages?"
PAGE = "page.top? page.size?"
PLACE = f"record parent ordering? before_record? {SHOWN}"
SEARCH = f"language q? filter? glance? {PAGE}"
SELECTED = "selection page.size? page.cursor? allow_all?"
METADATA = "name type? is_localized? value?=anything"


@dataclass(frozen=True, slots=True)
class Form:
    """The members of a call's parameters, of its `result` and of its `data`. `open`: anybody may call. `form`: an upload."""

    takes: str = ""
    gives: str = ""
    data: str = ""
    open: bool = False
    form: bool = False
    summary: str = ""


SESSION = {
    "auth": Form(f"api_key {SIGN_IN}", FIRST, FIRST_DATA, open=True),
    "login": Form(f"username password {SIGN_IN}", FIRST, FIRST_DATA, open=True),
    "init": Form(SIGN_IN, FIRST, FIRST_DATA),
    "apikeys/get": Form("user", "apikey"),
}
LISTS = {
    "records/get": Form(f"record? records? {SHOWN}", "record? records?", RECORDS),
    "records/root": Form(SHOWN, "root", RECORDS),
    "records/children": Form(f"record channel? ordering? status? {PAGE} {SHOWN}", "children children.size", RECORDS),
    "records/tree": Form(f"expanded_records ordering? {PAGE} {SHOWN}", "tree tree.size", RECORDS),
    "records/worksheet": Form(f"record ordering? {PAGE} {SHOWN}", "record path children children.size", RECORDS),
    "records/search": Form(f"{SEARCH} languages?", "records records.size records.complete?", RECORDS),
    "records/bulk/get": Form(f"{SELECTED} {SHOWN}", "records records.size page.cursor", RECORDS),
    "assets/get": Form("asset? assets? pathname? pathnames?", "asset? assets?", "assets"),
    "assets/root": Form("", "root", "assets"),
    "assets/children": Form(f"asset? pathname? {PAGE}", "children children.size", "assets"),
    "assets/tree": Form(f"expanded_assets? expanded_paths? {PAGE}", "tree tree.size", "assets"),
    "assets/worksheet": Form(f"asset {PAGE}", "asset path children children.size", "assets"),
    "assets/search": Form(SEARCH, "assets assets.size assets.complete?", "assets"),
    "assets/search/autocomplete": Form("field=text fieldq? completions.size?", "completions"),
    "assets/bulk/get": Form(SELECTED, "assets assets.size page.cursor", "assets"),
    "schema/search": Form(SEARCH, "schema_items schema_items.size schema_items.complete?", SCHEMA),
    "schema/bulk/get": Form(SELECTED, "schema_items schema_items.size page.cursor", SCHEMA),
    "jobs/get": Form("job", "job jobs"),
    "jobs/list": Form("status?=job_status name? page.size? page.cursor?", "job_tokens jobs page.cursor"),
    "jobs/results": Form("job status?=outcome page.size? page.cursor?", "job results page.cursor"),
    "jobs/members": Form("job page.size? page.cursor?", "job members complete page.cursor"),
    "jobs/drift": Form("job page.size? page.cursor?", "job drift complete page.cursor"),
    "jobs/cancel": Form("job", "job jobs"),
    "jobs/pause": Form("job", "job jobs"),
    "jobs/resume": Form("job", "job jobs"),
    "jobs/pace": Form("job pace?", "job jobs"),
}
CHANGES = {
    "records/create": Form(f"parent ordering? {SHOWN}", "record parent", RECORDS),
    "records/update": Form(f"record fields=values {SHOWN}", "record report.validation", RECORDS),
    **{f"records/{verb}": Form(PLACE, "record parent", RECORDS) for verb in ("link", "shallow_copy", "move")},
    "records/unlink": Form(f"record {SHOWN}", "record", RECORDS),
    "records/duplicate": Form(f"record ordering? {SHOWN}", "record parent", RECORDS),
    "records/delete": Form(f"record {SHOWN}", "record", RECORDS),
    "records/undelete": Form(f"record {SHOWN}", "record", RECORDS),
    "records/permanent_delete": Form(f"record {SHOWN}", "parent job.token", RECORDS),
    "records/channels/set": Form(f"record channels enabled {SHOWN}", "record", RECORDS),
    "records/channels/copy_from_parent": Form(f"record channels? {SHOWN}", "record", RECORDS),
    "records/channels/copy_up": Form("record channels?"),
    "records/channels/copy_down": Form("record channels?", "job.token"),
    "records/orderings/set": Form(f"record orderings {SHOWN}", "record", RECORDS),
    "assets/create": Form("parent name?", "asset parent", "assets"),
    "assets/upload": Form("parent upload_file", "asset parent", "assets", form=True, summary="Put a file into a folder."),
    "assets/upload_update": Form(
        "asset upload_file", "asset", "assets", form=True, summary="Put other bytes in the place of a file's."
    ),
    "assets/update": Form("asset name? title? description? transforms? metadata?", "asset", "assets"),
    "assets/move": Form("asset parent", "asset parent", "assets"),
    "assets/delete": Form("asset", "asset", "assets"),
    "assets/undelete": Form("asset", "asset", "assets"),
    "assets/permanent_delete": Form("asset", "parent", "assets"),
    "assets/metadata/set": Form(f"asset {METADATA}", "asset", "assets"),
    "assets/metadata/clear": Form("asset name", "asset", "assets"),
    "queries/create": Form("type=query_type name q? filter?", "query", "queries"),
    "queries/update": Form("query name? q? filter?", "query", "queries"),
    "queries/delete": Form("query", "query"),
    "queries/get": Form("query? queries?", "query? queries?", "queries"),
    "languages/add": Form("language", "language project", "cc.projects"),
    "languages/remove": Form("language", "language project", "cc.projects"),
}
EXTENDED = ("record definition", f"{RECORDS}")
DEFINITIONS = {
    "set": "record definition",
    "classes/add": "record class",
    "classes/remove": "record class",
    "fields/add": "record field",
    "fields/remove": "record field",
    "fieldlists/fields/add": "record fieldlist field",
    "fieldlists/fields/remove": "record fieldlist field",
    "revert": "record",
    "copy_to_siblings": "record",
    "clone": "record name? label? classes? fields? titlefield? fieldlists? childdefinitions? metadata?",
    "update": "record name? label? classes? fields? titlefield? fieldlists? childdefinitions? metadata?",
    "transfer_to": "record target_definition",
    "transfer_from": "record source_definition",
}
PROPERTIES = {
    "definition": "name? label? classes? fields? titlefield? fieldlists? childdefinitions? metadata?",
    "class": "name? label? fields? metadata?",
    "field": "name? label? type?=field_type options? is_localized? is_required? initial? unit? metadata?",
}
PLURALS = {"definition": "definitions", "class": "classes", "field": "fields", "layout": "layouts"}
MEMBERS = {
    "definition": {"classes": "class", "fields": "field", "childdefinitions": "childdefinition", "fieldlists/fields": "field"},
    "class": {"fields": "field"},
    "field": {},
}
TURNS = {
    "modify": "Change properties of a {kind}; of a committed one its working copy has the changes.",
    "commit": "Make the changes of a {kind} valid.",
    "revert": "Drop the working copy of a {kind}.",
    "save_as_new": "Make the working copy of a {kind} one of its own.",
    "copy": "Make a new {kind} like a committed one.",
}
RELISTED = {"add": "Put one into", "move": "Move one within", "remove": "Take one out of"}
ABSENT = "Not offered here; see the choices of this face."


def _schema() -> Iterator[tuple[str, Form]]:
    for kind, plural in PLURALS.items():
        yield f"{plural}/get", Form(f"{kind}? {plural}?", f"{kind}? {plural}? layout?", SCHEMA, summary=f"Read {plural}.")
    for kind, properties in PROPERTIES.items():
        plural, gives = PLURALS[kind], f"{kind} layout?"
        yield f"{plural}/create", Form(properties, gives, SCHEMA, summary=f"Make a new {kind}.")
        yield f"{plural}/delete", Form(kind, kind, summary=f"Remove a {kind} that nobody refers to, or a working copy alone.")
        for verb, summary in TURNS.items():
            takes = f"{kind} {properties}" if verb == "modify" else kind
            yield f"{plural}/{verb}", Form(takes, gives, SCHEMA, summary=summary.format(kind=kind))
        for verb, takes in (("set", METADATA), ("clear", "name")):
            summary = f"{verb.title()} one entry of a {kind}'s metadata."
            yield f"{plural}/metadata/{verb}", Form(f"{kind} {takes}", gives, SCHEMA, summary=summary)
        if kind != "field":
            takes = f"{kind} root?=gid components? name?"
            yield f"{plural}/layouts/modify", Form(takes, gives, SCHEMA, summary=f"Change the layout of a {kind}.")
        for part, member in MEMBERS[kind].items():
            listed = "fieldlist_key? fieldlist?" if "/" in part else ""
            for verb, word in RELISTED.items():
                takes = f"{kind} {member} {listed} before_{member}?=gid"
                yield f"{plural}/{part}/{verb}", Form(takes, gives, SCHEMA, summary=f"{word} the {part} of a {kind}.")


def _settings() -> Iterator[tuple[str, Form]]:
    for part in ("channels", "orderings", "fieldlists"):
        one, gives = part[:-1], f"{part[:-1]} project"
        yield f"{part}/create", Form("name=title_text", gives, "cc.projects", summary=f"Add one to the {part}, the last one.")
        yield f"{part}/update", Form(f"{one} name=title_text", gives, "cc.projects", summary=f"Rename one of the {part}.")
        takes, gives = f"{one}? {part}?=keys", f"{one}? {part}?=keys project"
        yield f"{part}/delete", Form(takes, gives, "cc.projects", summary=f"Remove {part}.")


IN_PROJECT: Mapping[str, Form] = {
    **SESSION,
    **LISTS,
    **CHANGES,
    **{f"records/definition/{verb}": Form(f"{takes} {SHOWN}", *EXTENDED) for verb, takes in DEFINITIONS.items()},
    **dict(_schema()),
    **dict(_settings()),
}
COMMON: Mapping[str, Form] = {
    "/api/login": Form("username password", COMMON_FIRST, COMMON_DATA, open=True),
    "/api/init": Form("", COMMON_FIRST, COMMON_DATA),
    "/api/ping": Form("", "cc.version", open=True),
    "/api/languages/get": Form("", "languages", "cc.languages"),
    "/api/users/get": Form("user", "user", "cc.users"),
    "/api/members/get": Form("project member", "project member", "cc.projects_members cc.users"),
    "/api/projects/get": Form("project", "project", "cc.projects"),
    "/api/projects/create": Form("name=title_text languages?", "project", "cc.projects"),
    "/api/projects/update": Form("project name?=title_text icon? timezone?", "project", "cc.projects"),
    "/sync/cursors": Form("project?", "cc.cursor cursor?", summary="Tell the latest cursors."),
    "/sync/get": Form(
        "cc_cursor project? cursor? wait?", "sync warning?",
        summary="Tell what came after the given cursors; with `wait`, as soon as there is something.",
    ),
}  # fmt: skip
