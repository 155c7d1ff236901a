"""Uploads that can be resumed, as the IETF's draft "Resumable Uploads for HTTP" has it (draft-ietf-httpbis-resumable-upload).

A request that takes a body becomes an upload by its `Upload-Complete`. The bytes then come in as many requests as it takes; the
last one is answered as the first would have been with all of them. 104 answers are left out: WSGI has none, and the draft lets a
client do without by an empty first request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import wraps
from http import HTTPStatus
from math import ceil
from typing import Any, BinaryIO, ParamSpec, cast

from flask import Blueprint, Response, current_app, request

from models import ids
from models.db import alone, transaction
from models.errors import (
    InconsistentLength,
    InvalidDigest,
    InvalidRequest,
    Refused,
    Unavailable,
    UnsupportedMediaType,
    UploadInFlight,
)
from models.jobs import service as jobs
from models.jobs.values import Job
from models.settings import settings
from models.uploads import files, service
from models.uploads.values import Upload, Wanted
from web.answers import answer, problem, status_of
from web.auth import principal, sign_in
from web.bulk import as_refused
from web.intake import Body, receive
from web.pace import Places
from web.receiving import receive_part
from web.schemas import NoParameters, parse_query
from web.structured import flag, integer, sha256_of
from web.unpack import is_line_based, unpacker

OFFSET, COMPLETE, LENGTH, LIMIT = "Upload-Offset", "Upload-Complete", "Upload-Length", "Upload-Limit"
PARTIAL = "application/partial-upload"
UPLOADERS = "waybill.uploaders"
FINAL = (400, 413, 415, 422)  # refusals of what was uploaded that no repeat would change
PAUSE = "2"  # seconds to wait while another request stores the same upload
Asked = Mapping[str, Any]
Views = ParamSpec("Views")

api = Blueprint("uploads", __name__, url_prefix="/api/uploads")
api.before_request(sign_in)


@dataclass(frozen=True)
class Target:
    """What an upload is for. `take` does what a request with the whole body would do; a job is told of by `answer`."""

    take: Callable[[Body, str | None, Asked], Job | Response]
    answer: Callable[[Job, Asked], Response]


targets: dict[str, Target] = {}


def is_asked() -> bool:
    """Say whether a request begins an upload. Raises InvalidRequest where it seems to, and what came might be a part."""
    sent = request.headers.get(COMPLETE)
    if sent is not None and flag(sent) is None:
        raise InvalidRequest(f"{COMPLETE} is ?1 where the whole body comes with this request, ?0 where more follows.")
    return sent is not None


def announce(response: Response) -> Response:
    """Say in an answer to OPTIONS that uploads to this address can be resumed."""
    if request.method == "OPTIONS" and "POST" in (response.allow or ()):
        response.headers["Accept-Patch"] = PARTIAL
        response.headers[LIMIT] = _limits_of(None)
    return response


def _told(view: Callable[Views, Response]) -> Callable[Views, Response]:
    """Let refusals tell what a client needs to go on."""

    @wraps(view)
    def told(*words: Views.args, **named: Views.kwargs) -> Response:
        try:
            return view(*words, **named)
        except Refused as refused:
            return _problem(refused)

    return told


def _problem(refused: Refused) -> Response:
    response = problem(refused)
    if "expected-offset" in refused.members:
        response.headers[OFFSET] = str(refused.members["expected-offset"])
    if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        response.headers[LIMIT] = _limits_of(None)
    return response


def _limits_of(upload: Upload | None) -> str:
    if upload is None:
        return f"max-size={settings().limits.upload_bytes}, max-age={settings().upload_hours * 3600}"
    left = max(0, ceil((upload.expires_on - ids.now()).total_seconds()))
    return f"max-size={settings().limits.upload_bytes}, max-age={left}"


@_told
def create(target: str, asked: Asked, key: str | None) -> Response:
    """Begin an upload for a target with what the request brings of it. The same idempotency key finds the same upload."""
    kind, coding = request.headers.get("Content-Type"), request.headers.get("Content-Encoding")
    is_line_based(kind)
    unpacker(coding)
    ends = bool(flag(request.headers.get(COMPLETE)))
    digest = sha256_of(request.headers.get("Repr-Digest"))
    wanted = Wanted(target, {**asked, "type": kind, "coding": coding}, key, _length(0, ends=ends), digest)
    with transaction() as session:
        upload = service.create(session, principal(), wanted)
    if ends:
        return _append(str(upload.id), 0, ends=True)
    headers = _append(str(upload.id), 0, ends=False).headers if _has_content() else _state(upload)
    response = Response(status=201, headers={**headers, "Location": _address(upload)})
    del response.headers["Content-Type"]
    return response


def _has_content() -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def _length(offset: int, *, ends: bool) -> int | None:
    """Return the length of the whole where the request tells it. Raises InconsistentLength."""
    told = integer(request.headers.get(LENGTH))
    brought = request.content_length if "Transfer-Encoding" not in request.headers else None
    if not ends or (brought is None and "Transfer-Encoding" in request.headers):
        return told
    meant = offset + (brought or 0)
    if told is not None and told != meant:
        raise InconsistentLength(f"{LENGTH} says {told} bytes, and with this request there are {meant}.", length=told)
    return meant


def _address(upload: Upload) -> str:
    return f"{api.url_prefix}/{upload.id}"


def _state(upload: Upload) -> dict[str, str]:
    known = {OFFSET: str(upload.received), COMPLETE: "?1" if upload.complete else "?0", LIMIT: _limits_of(upload)}
    return known | ({} if upload.length is None else {LENGTH: str(upload.length)})


@api.get("")
def list_uploads() -> Response:
    """List one's own uploads that are not complete."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        found = service.list_open(session, principal())
    return answer({"uploads": [_dump(upload) for upload in found]})


@api.get("/<upload>")
def get_upload(upload: str) -> Response:
    """Tell how an upload stands. HEAD also ends a request that still appends to it, so that the offset holds."""
    parse_query(NoParameters, request.args)
    look = service.take_over if request.method == "HEAD" else service.get_upload
    with transaction() as session:
        found = look(session, principal(), upload)
    response = answer(_dump(found), headers=_state(found))
    if found.job_token:
        response.headers["Location"] = f"/api/jobs/{found.job_token}"
    return response


def _dump(upload: Upload) -> dict[str, Any]:
    return {
        "id": str(upload.id),
        "status": _status(upload),
        "received": upload.received,
        "length": upload.length,
        "job.token": upload.job_token and str(upload.job_token),
        "error": upload.refusal,
        **{name: ids.iso(getattr(upload, name)) for name in ("created_on", "touched_on", "expires_on")},
    }


def _status(upload: Upload) -> str:
    if upload.refusal:
        return "refused"
    return "stored" if upload.job_token else "complete" if upload.complete else "open"


@api.patch("/<upload>")
@_told
def append(upload: str) -> Response:
    """Append to an upload at its offset; the last request is answered as the one that began it would have been."""
    parse_query(NoParameters, request.args)
    offset, ends = integer(request.headers.get(OFFSET)), flag(request.headers.get(COMPLETE))
    if (request.mimetype or "").lower() != PARTIAL:
        raise UnsupportedMediaType(f"Send {PARTIAL}.", accepted=[PARTIAL])
    if offset is None or ends is None:
        raise InvalidRequest(f"Send {OFFSET}, a number, and {COMPLETE}, ?1 with the last bytes and ?0 before.")
    return _append(upload, offset, ends=ends)


def _append(name: str, offset: int, *, ends: bool) -> Response:
    with cast(Places, current_app.extensions[UPLOADERS]).taken() as place:
        if not place:
            raise Unavailable("Too many uploads are under way just now. Try again.", retry_after=2)
        return _appended(name, offset, ends=ends)


def _appended(name: str, offset: int, *, ends: bool) -> Response:
    with transaction() as session:
        upload = service.get_upload(session, principal(), name)
    if not (upload.complete and ends and not _has_content() and offset == upload.received):
        with transaction() as session:
            place = service.begin(session, principal(), name, offset, _length(offset, ends=ends))
        receive_part(name, place, ends=ends)
        with transaction() as session:
            upload = service.get_upload(session, principal(), name)
    return _finish(upload) if ends else Response(status=204, headers=_state(upload))


def _finish(upload: Upload) -> Response:
    """Do what the upload is for, once, and answer as if it had come at once."""
    try:
        made = _stored(upload)
        response = made if isinstance(made, Response) else targets[upload.target].answer(made, upload.asked)
    except Refused as refused:
        response = problem(refused)
        if isinstance(refused, UploadInFlight):
            response.headers["Retry-After"] = PAUSE
    response.headers |= {COMPLETE: "?1", OFFSET: str(upload.received)}
    return response


def _stored(upload: Upload) -> Job | Response:
    with alone(f"upload {upload.id}") as mine:
        if not mine:
            raise UploadInFlight("Another request is just storing this upload. Ask again.")
        with transaction() as session:
            upload = service.get_upload(session, principal(), str(upload.id))
            if upload.job_token:
                return jobs.get_job(session, principal(), str(upload.job_token), replayed=True)
        if upload.refusal:
            raise as_refused(dict(upload.refusal))
        return _store(upload)


def _store(upload: Upload) -> Job | Response:
    try:
        made = _take(upload)
    except Refused as refused:
        if status_of(refused.code) in FINAL:
            with transaction() as session:
                service.refuse(session, upload, refused)
            files.remove(upload.id)
        raise
    if isinstance(made, Job):
        with transaction() as session:
            service.settle(session, upload, made.token)
        files.remove(upload.id)
    return made


def _take(upload: Upload) -> Job | Response:
    with transaction() as session:
        parts = files.list_parts(session, upload.id)
    with files.Bytes(upload.id, parts) as stream, _received(upload, stream) as body:
        if upload.digest is not None and upload.digest != stream.seal.digest():
            raise InvalidDigest("What was received has another digest than Repr-Digest says. Send it again.")
        return targets[upload.target].take(body, upload.idempotency_key, upload.asked)


def _received(upload: Upload, stream: files.Bytes) -> AbstractContextManager[Body]:
    known = settings().limits
    return receive(
        cast(BinaryIO, stream),
        content_type=upload.asked["type"],
        content_encoding=upload.asked["coding"],
        content_length=upload.received,
        limits=replace(known, body_bytes=known.upload_unpacked_bytes, operations=known.upload_operations),
        folder=str(settings().uploads),
    )


@api.delete("/<upload>")
def cancel(upload: str) -> Response:
    """Forget an upload with what it has brought; a job that was made of it stays."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        gone = service.cancel(session, principal(), upload)
    files.remove(gone)
    return Response(status=204)
