"""The OpenAPI 3.1 document of the project face, of the routes that are served, each as `web.projects.described` tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from importlib import import_module
from importlib.metadata import version
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app
from werkzeug.routing import Rule

from models import operations
from models.operations.verb import Verb
from web.answers import JSON, unless_known
from web.projects import absent
from web.projects.bulk import OWN
from web.projects.described import ABSENT, COMMON, IN_PROJECT, Form
from web.projects.examples import envelope, example_of, failures, with_example
from web.projects.replies import speaks
from web.projects.shapes import COMPONENTS, DATA, GID, NAMED
from web.shapes import HEADERS

api = Blueprint("projects-openapi", __name__)
PROJECT = "/api/p/{project}/"
DOCUMENT = "/api/projects/openapi.json"
INTRODUCTION = (
    "A project's records, assets and schema. Calls are POSTs of one JSON object; by GET they take no parameters. Every answer "
    "is an envelope: `result` says what and how much, `data` has the objects by type and gid. A failure has its `code`, and a "
    "stable word under `info.code`. A fresh token, if any, is in the reply's `Authorization` header."
)
EVERYWHERE = (400, 414, 415, 500, 503)
SIGNED_IN = (401, 403, 429)
REFUSALS = (413, 422)
GUARDED = ("/api/p/{project}/auth", "/api/p/{project}/login", "/api/login")  # open, and yet they refuse who is not known
ADDRESSES = {"channels_set": "channels/set", "definition_set": "definition/set"}
KINDS = {"records": "records", "assets": "assets", "items": "schema"}
PLACES: dict[str, Any] = {
    "project": GID, "name": {"type": "string", "pattern": r"^[0-9a-f-]{36}~[0-9]{1,9}(\.[A-Za-z0-9]{0,20})?$"},
    "options": {"type": "string", "description": "`key=value`, with slashes between."},
    "seal": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}  # fmt: skip
QUERIES: dict[str, Sequence[tuple[str, bool]]] = {
    "/sync/events": (("cc_cursor", True), ("project", False), ("cursor", False)),
    f"{PROJECT}records/bulk/create": (("test", False),),
}
NEW_RECORDS = {
    "content": {
        JSON: {"schema": {"anyOf": [
            {"type": "array", "items": {"$ref": "#/components/schemas/NewRecord"}},
            {"type": "object", "properties": {"records": {"type": "array"}}, "required": ["records"]},
        ]}, "examples": {"one": {"value": [{"definition": "stone", "title": {"en": "Lapis lazuli"}}]}}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One record a line."}},
    },
    "required": True,
}  # fmt: skip
NEW_RECORD = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "gid": GID, "parent": {"anyOf": [GID, {"type": "null"}]}, "parent_ref": {"type": "string"},
        "definition": {"type": "string"}, "title": NAMED["title"], "fields": NAMED["values"], "channels": NAMED["channels"],
        "orderings": NAMED["orderings"], "ref": {"type": "string"},
    },
}  # fmt: skip
RAW = {
    "/sync/events": ("text/event-stream", "Send changes as they come, as server-sent events; `id` holds both cursors."),
    "/media/p/{project}/{seal}/{name}": ("application/octet-stream", "Give a published file's bytes."),
}
DAM = {
    "info": Form("", "asset version=children.size info=options", summary="Tell what there is to know of a file."),
    "publish": Form("", "public_url=text", summary="Give the address of a file's bytes."),
    "transform": Form("", "public_url=text", summary="Make an image of an image, and give the address of its bytes."),
}
JOB = Form("", "job.token")


def template(rule: Rule) -> str:
    """Return a route's address as the document has it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def build(app: Flask) -> dict[str, Any]:
    """Return the document of an application's routes. Raises LookupError for one that nothing is said of."""
    spec = APISpec(
        "Waybill: projects", version("waybill"), "3.1.0", plugins=[MarshmallowPlugin()],
        info={"description": INTRODUCTION}, servers=[{"url": "/"}],
    )  # fmt: skip
    scheme = {"type": "http", "scheme": "bearer", "description": "The token of `auth`, or an API key."}
    spec.components.security_scheme("token", scheme)
    refused = failures()
    of_failures = {f"Failure{status}": shape for status, shape in refused.items()}
    for name, shape in {**COMPONENTS, "NewRecord": NEW_RECORD, **of_failures}.items():
        spec.components.schema(name, shape)
    for status in refused:
        content = {JSON: {"schema": {"$ref": f"#/components/schemas/Failure{status}"}}}
        spec.components.response(f"Failure{status}", {"description": HTTPStatus(status).phrase, "content": content})
    for rule in sorted(app.url_map.iter_rules(), key=template):
        if speaks(template(rule)) and not template(rule).endswith("/{verb}"):
            _add_route(spec, app, rule)
    for verb in operations.registry().values():
        if verb.over_selection and verb.name.rpartition("_")[2] in KINDS:
            _add_bulk(spec, verb)
    document: dict[str, Any] = spec.to_dict()
    return document


def _add_route(spec: APISpec, app: Flask, rule: Rule) -> None:
    path = template(rule)
    form = _form(path, str(app.view_functions[rule.endpoint].__doc__ or ""))
    methods = sorted(method.lower() for method in (rule.methods or set()) & {"GET", "POST"})
    _add_path(spec, path, {method: (form, _body(path, form) if method == "post" else None) for method in methods})


def _add_path(spec: APISpec, path: str, methods: Mapping[str, tuple[Form, Any]]) -> None:
    """Describe the methods of an address, each with its body; they answer alike."""
    name = _name(path)
    form = next(iter(methods.values()))[0]
    success = _success(path, form)
    if success:
        spec.components.response(name, success)
    refusals = {*EVERYWHERE, *REFUSALS, *(() if form.open and path not in GUARDED else SIGNED_IN)}
    refusals |= {501} if form.summary == ABSENT or path.startswith("/dam/") else set()
    answers = {**({200: name} if success else {}), **{status: f"Failure{status}" for status in sorted(refusals)}}
    responses = {str(status): {"$ref": f"#/components/responses/{answer}"} for status, answer in answers.items()}
    operation = {
        "summary": form.summary, "security": [] if form.open else [{"token": []}], "responses": responses,
        "parameters": [*_places(path), *_query(path)],
    }  # fmt: skip
    bodies = {method: {} if body is None else {"requestBody": body} for method, (_, body) in methods.items()}
    spec.path(
        path, operations={method: {"operationId": f"{method}_{name}", **operation, **body} for method, body in bodies.items()}
    )


def _name(path: str) -> str:
    return re.sub(r"\W+", "_", path.removeprefix(PROJECT)).strip("_")


def _form(path: str, said: str) -> Form:
    """Return what is said of a route; its summary is the first line of what the code says of it. Raises LookupError."""
    rule = path.removeprefix(PROJECT)
    if path == DOCUMENT:
        return Form(summary="This document.", open=True)
    if path in RAW:
        return Form(summary=RAW[path][1], open=path.startswith("/media"))
    if path.startswith("/dam/"):
        return DAM[path.split("/")[4]]
    if rule in absent.RULES or path.removeprefix("/api/") in absent.COMMON_RULES:
        return Form(summary=ABSENT)
    if rule == "records/bulk/create":
        return replace(JOB, summary="Make many records, as a job; parents come before their children.")
    form = COMMON.get(path) or IN_PROJECT.get(rule)
    if form is None:
        raise LookupError(f"nothing is said of {path}")
    return form if form.summary else replace(form, summary=said.partition("\n")[0])


def _places(path: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"in": "path", "name": name, "required": True, "schema": PLACES[name]}


def _query(path: str) -> Iterator[dict[str, Any]]:
    if "/bulk/" in path and not path.endswith("/get"):
        yield HEADERS["IdempotencyKey"] | {"in": "header"}
    for name, required in QUERIES.get(path, ()):
        shape = {"type": "boolean"} if name == "test" else NAMED[name]
        yield {"in": "query", "name": name, "required": required, "schema": shape}


def _body(path: str, form: Form) -> dict[str, Any] | None:
    if path.endswith("records/bulk/create"):
        return NEW_RECORDS
    if not form.takes:
        return None
    schema = _object(form.takes, NAMED)
    if form.form:
        return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return {"required": bool(schema["required"]), "content": {JSON: with_example(schema)}}


def _object(notation: str, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape of an object whose members are told in the short notation."""
    members, required = {}, []
    for word in notation.split():
        name, _, shape = word.partition("=")
        if not name.endswith("?"):
            required.append(name)
        members[name.rstrip("?")] = shapes[shape or name.rstrip("?")]
    return {"type": "object", "properties": members, "required": required}


def _success(path: str, form: Form) -> dict[str, Any] | None:
    """Return what is answered where all is well, if it ever is."""
    if form.summary == ABSENT:
        return None
    if path in RAW:
        return {"description": "OK", "content": {RAW[path][0]: {"schema": {"type": "string"}}}}
    if path == DOCUMENT:
        return {"description": "OK", "content": {JSON: {"schema": {"type": "object"}}}}
    answered = envelope(_object(form.gives, NAMED), _object(form.data, DATA))
    return {"description": "OK", "content": {JSON: with_example(answered)}}


def _add_bulk(spec: APISpec, verb: Verb) -> None:
    """Describe an operation over a selection at its address, with the parameters that it checks."""
    title, _, last = verb.name.removeprefix("bulk_").rpartition("_")
    kind = KINDS[last]
    title = title.removesuffix("_schema")
    path = f"{PROJECT}{kind}/bulk/{ADDRESSES.get(title, title)}"
    name = f"Bulk_{kind}_{title}"
    spec.components.schema(name, schema=type(f"{name}Params", (verb.params,), {}))
    body = spec.components.schemas[name]
    beside = {name: NAMED[name] for name in OWN}
    body["properties"] = {**_told(body["properties"]), **beside}
    body["required"] = ["selection", *body.get("required", ())]
    said = import_module(f"{operations.__name__}.{verb.name}").__doc__ or verb.name
    summary = said.partition("\n")[0]
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": {"one": {"value": example_of(body)}}}
    form = replace(JOB, summary=summary)
    _add_path(spec, path, {"get": (form, None), "post": (form, {"required": True, "content": {JSON: content}})})


def _told(members: Mapping[str, Any]) -> dict[str, Any]:
    """Say of parameters what their schemas leave to the core."""
    known = {"parent": GID, "definition": GID, "fields": NAMED["values"], "max_affected": {"type": "integer", "minimum": 0}}
    known |= {"before_record": {"anyOf": [GID, {"type": "null"}]}}
    return {name: known.get(name, shape) for name, shape in members.items()}


@lru_cache(maxsize=1)
def _document() -> bytes:
    return msgspec.json.encode(build(current_app))


@api.get(DOCUMENT)
def get_openapi() -> Response:
    """Give this face's description."""
    return unless_known(Response(_document(), content_type=JSON, headers={"Cache-Control": "public, max-age=300"}))
