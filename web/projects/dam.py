"""Files as the world sees them: what there is to know of one, an address for it or for an image made of it, and its bytes.

An address of bytes carries a seal, so that nobody reads what was not published; it holds no right beyond that file.
"""

from __future__ import annotations

import mimetypes
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.datastructures import Range

from models.catalogue import asset_bytes, media, pictures
from models.catalogue.media import Found
from models.catalogue.projects import open_project
from models.db import transaction
from models.errors import InvalidValue, NotFound, RangeNotSatisfiable
from web.auth import principal, sign_in
from web.projects.envelope import Answer, reply
from web.projects.replies import failure

api = Blueprint("projects-dam", __name__)
SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "application/pdf")


def _found(project: str, name: str) -> Found:
    sign_in()
    with transaction() as session:
        known = open_project(session, principal(), project)
        return media.find(session, known, name)


def _reply(result: dict[str, Any]) -> Response:
    """Answer without a token to go on with: calls of this part never renew it."""
    response = reply(Answer(result))
    response.headers.pop("Authorization", None)
    return response


@api.get("/dam/p/<project>/info/<name>")
def get_info(project: str, name: str) -> Response:
    """Tell what there is to know of a file."""
    found = _found(project, name)
    return _reply({"asset": found.gid, "version": found.version, "info": found.info})


@api.get("/dam/p/<project>/publish/<name>")
def publish(project: str, name: str) -> Response:
    """Give the address of a file's bytes."""
    found = _found(project, name)
    return _reply({"public_url": _address(project, media.address(found, "", found.extension))})


@api.get("/dam/p/<project>/transform/<name>")
@api.get("/dam/p/<project>/transform/<name>/<path:options>")
def transform(project: str, name: str, options: str = "") -> Response:
    """Make an image of an image, and give the address of its bytes."""
    found = _found(project, name)
    wanted = pictures.parse_transform(_options(options), found.extension)
    variant = media.make(found, wanted)
    return _reply({"public_url": _address(project, media.address(found, variant, wanted.type))})


def _options(text: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.split("/") if part]
    if any(not equals for _, equals, _ in parts):
        raise InvalidValue("An option is `key=value`.")
    return {key: value for key, _, value in parts}


def _address(project: str, place: str) -> str:
    return f"{request.host_url}media/p/{project}/{place}"


@api.get("/media/p/<project>/<seal>/<name>")
def get_bytes(project: str, seal: str, name: str) -> Response:
    """Give a published file's bytes, or one range of them, to anybody who has the address."""
    with transaction() as session:
        key = media.key_of(session, project, seal, name)
    size = asset_bytes.size_of(key) if key else None
    if key is None or size is None:
        raise NotFound("There is no such file.")
    wanted = _range(size)
    span = wanted.range_for_length(size) if wanted else (0, size)
    if span is None:
        refused = failure(RangeNotSatisfiable(f"The file has {size} bytes.", actual=size))
        refused.headers["Content-Range"] = f"bytes */{size}"
        return refused
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Cache-Control": "public, max-age=86400, immutable", "Accept-Ranges": "bytes"}
    headers["Content-Length"] = str(span[1] - span[0])
    if wanted:
        headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    if kind not in SHOWN_INLINE:
        headers["Content-Disposition"] = "attachment"
    pieces = asset_bytes.read(key, span if wanted else None)
    return Response(pieces or (), 206 if wanted else 200, headers, content_type=kind)


def _range(size: int) -> Range | None:
    """Return the range of bytes that is asked for. Several, and one that is bound to what the client has, get the whole file."""
    found = request.range
    if found is None or found.units != "bytes" or len(found.ranges) != 1 or "If-Range" in request.headers:
        return None
    begin, end = found.ranges[0]
    return Range(found.units, [(max(begin, -size), end)])  # the last bytes of a file that has fewer are all of it
