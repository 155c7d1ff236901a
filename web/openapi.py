"""The OpenAPI 3.1 document, made of the same schemas that requests are read with.

What each call takes and gives is told in `web.described`; shapes of answers are in `web.shapes`.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Response
from marshmallow import Schema

from models import operations
from models.operations.verb import Verb
from web import examples, notices, schemas, shapes, webhooks
from web.answers import JSON, PROBLEM, unless_known
from web.described import BODY, CALLS, EVERYWHERE, RECORDS, SIGNED_IN, Call, json_body
from web.shapes.words import ref

api = Blueprint("openapi", __name__)


def _bulk_call(verb: Verb) -> Call:
    summary = (verb.run.__doc__ or f"Apply `{verb.title}` to a selection.").split("\n")[0]
    name = f"{verb.title}Records"
    return Call(
        "post", f"{RECORDS}s/bulk/{verb.title}", name, summary, {200: "BulkAnswer", 202: "Accepted"}, (*BODY, 412),
        headers=("Prefer", "IdempotencyKey"), body=json_body(_body_name(verb)),
    )  # fmt: skip


def _body_name(verb: Verb) -> str:
    return f"Bulk{verb.title.capitalize()}"


def _selection_verbs() -> list[Verb]:
    return [verb for verb in operations.registry().values() if verb.over_selection and verb.name.endswith("_classifications")]


def build() -> APISpec:
    """Return the document."""
    spec = APISpec(
        title="Waybill",
        version=version("waybill"),
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        info={"description": shapes.INTRODUCTION},
        servers=[{"url": "/"}],
    )
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer", "description": "An API key."})
    for name, shape in shapes.SHAPES.items():
        spec.components.schema(name, shape)
    for name, header in shapes.HEADERS.items():
        spec.components.parameter(name, "header", header)
    _add_bodies(spec)
    for call in (*CALLS, *map(_bulk_call, _selection_verbs())):
        spec.path(call.path, operations={call.method: _operation(call)})
    return spec


def _add_bodies(spec: APISpec) -> None:
    bodies: dict[str, type[Schema]] = {"BulkGet": schemas.BulkGetBody}
    for verb in _selection_verbs():
        bodies[_body_name(verb)] = type(f"{_body_name(verb)}Body", (schemas.SelectionBody, verb.params), {})
    for name, body in bodies.items():
        spec.components.schema(name, schema=body)
        _complete(spec.components.schemas[name])
    for name, body in (("Restore", schemas.RestoreBody), ("Undo", schemas.UndoBody), ("NewWebhook", webhooks.WebhookBody),
                       ("JobBody", schemas.JobBody), ("Seen", notices.SeenBody)):  # fmt: skip
        spec.components.schema(name, schema=body)


def _complete(body: dict[str, Any]) -> None:
    """Say of a body what its schema leaves to the core: the selection, and members that single operations have too."""
    members = body["properties"]
    members |= {name: shape for name, shape in shapes.BESIDE.items() if name in members}
    members["selection"] = ref("Selection")
    body["required"] = sorted({"selection", *body.get("required", ())})


def _places(call: Call) -> list[dict[str, Any]]:
    known = shapes.PLACES | (shapes.READ_PLACES if call.method == "get" and call.path.endswith("}") else {})
    named = {name: shape for name, shape in known.items() if f"{{{name}}}" in call.path}
    return [{"in": "path", "name": name, "required": True, "schema": shape} for name, shape in named.items()]


def _operation(call: Call) -> dict[str, Any]:
    refusals = sorted({*EVERYWHERE, *(() if call.open else SIGNED_IN), *call.refusals})
    described: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "responses": {str(status): _answer(call, status) for status in call.answers}
        | {str(status): _refusal(status) for status in refusals},
        "security": [] if call.open else [{"key": []}],
    }
    query: list[Any] = [{"in": "query", "schema": call.query}] if call.query else []
    if parameters := [*_places(call), *query, *call.headers]:
        described["parameters"] = parameters
    if call.body:
        described["requestBody"] = call.body
    return described


def _answer(call: Call, status: int) -> dict[str, Any]:
    name = call.answers[status]
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if name:
        described["content"] = {call.media_type: {"schema": ref(name)}}
    if name and status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        described["content"] |= {kind: {"schema": {"type": "string"}} for kind in call.other_types}
    if status == HTTPStatus.ACCEPTED:
        described["headers"] = {"Location": {"required": True, "schema": {"type": "string"}}}
    return described


def _refusal(status: int) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": ref("Problem")}}}


def document() -> dict[str, Any]:
    """Return the document with its examples."""
    return examples.lay(build().to_dict())


@lru_cache(maxsize=1)
def _document() -> bytes:
    return msgspec.json.encode(document())


@api.get("/api/openapi.json")
def get_openapi() -> Response:
    """Give this API's description."""
    return unless_known(Response(_document(), content_type=JSON, headers={"Cache-Control": "public, max-age=300"}))
