"""Many records at once, out: bulk GET, the export endpoint, the files of export jobs, REDCap's data dictionary.

An answer is streamed from a transaction of its own while the client reads. Its first bytes are made before the answer begins, so
that whatever is refused is refused properly; what fails later breaks the connection off, and no client takes it for the end.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote
from zlib import MAX_WBITS, compressobj

import structlog
from backports import zstd
from flask import Blueprint, Response, current_app, g, request, send_file
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import http_date

from models import ids
from models.db import transaction
from models.errors import RangeNotSatisfiable, Unavailable
from models.exports import service as exports
from models.exports.csv import Lines
from models.exports.redcap_fields import dictionary
from models.exports.service import Ask, File
from models.identity.principal import Principal
from models.jobs.values import Job, Submission
from models.operations.export_classifications import submit_export
from web.answers import accepted, answer, problem, unless_known
from web.auth import principal, sign_in
from web.bulk import REPLAYED
from web.export_parameters import (
    MOST_REPEATS,
    BulkGetParameters,
    DictionaryParameters,
    ExportEndpointParameters,
    bulk_ask,
    export_ask,
)
from web.idempotency import idempotency_key
from web.pace import Places
from web.schemas import NoParameters, parse_query
from web.waiting import preferences

EXPORTERS = "waybill.exporters"
EXPORT_BROKEN = "export_broken"
VARY = "Accept-Encoding, Authorization, Prefer"
log = structlog.get_logger()

api = Blueprint("exports", __name__)
api.before_request(sign_in)
outside = Blueprint("export_files", __name__)
outside.before_request(sign_in)


@api.get("/classifications/record/", defaults={"version": "v2"})
@api.get("/classifications/<any(v1, v2, v3):version>/record/")
def bulk_get(version: str) -> Response:
    """Give all records that are asked for, as JSON, CSV or REDCap's CSV, in one file or in a zip of groups."""
    return _answer(bulk_ask(parse_query(BulkGetParameters, request.args), version))


@api.get("/classifications/export")
def export() -> Response:
    """Give all records, or all changes since a moment with tombstones for what is gone."""
    return _answer(export_ask(parse_query(ExportEndpointParameters, request.args)))


@outside.get("/classification/redcap_data_dictionary.csv")
@outside.get("/variantclassification/redcap_data_dictionary.csv", endpoint="old_dictionary")
def redcap_dictionary() -> Response:
    """Give the data dictionary that REDCap needs before it takes an export."""
    repeats = min(parse_query(DictionaryParameters, request.args)["repeats"], MOST_REPEATS)
    body = Lines(guarded=False).dump(dictionary(repeats))
    return unless_known(Response(body, content_type="text/csv; charset=utf-8", headers=_attachment("redcap_data_dictionary.csv")))


@outside.get("/api/jobs/<token>/files")
def list_files(token: str) -> Response:
    """List the files of an export job; while it runs, those that are ready."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        job, files = exports.list_files(session, principal(), token)
    return answer({"files": [_dump_file(job, file) for file in files], **_completeness(job, len(files))})


@outside.get("/api/jobs/<token>/files/<int:no>")
def get_file(token: str, no: int) -> Response:
    """Give a file of an export job, whole or by Range."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        file, path = exports.open_file(session, principal(), token, no)
    try:
        response = send_file(
            path, file.media_type, True, file.name, conditional=True, etag=file.digest.hex(), last_modified=file.created_on
        )
    except RequestedRangeNotSatisfiable:
        refused = problem(RangeNotSatisfiable(f"The file has {file.size} bytes.", actual=file.size))
        refused.headers["Content-Range"] = f"bytes */{file.size}"
        return refused
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Repr-Digest"] = f"sha-256=:{b64encode(file.digest).decode()}:"
    return response


def _dump_file(job: Job, file: File) -> dict[str, Any]:
    return {
        "no": file.no,
        "name": file.name,
        "media_type": file.media_type,
        "rows": file.rows,
        "bytes": file.size,
        "sha256": file.digest.hex(),
        "created_on": ids.iso(file.created_on),
        "url": f"/api/jobs/{job.token}/files/{file.no}",
    }


def _completeness(job: Job, there: int) -> dict[str, Any]:
    return {"parts": job.total, "complete": job.final and there == job.total, "status": job.status, "outcome": job.outcome}


def _answer(ask: Ask) -> Response:
    preferred = preferences()
    key = idempotency_key()
    with transaction() as session:
        since = exports.watermark(session)
    if preferred.asynchronous and request.method == "GET":
        return preferred.note(_submit(exports.frozen(ask), since, key), waited=False)
    with transaction() as session:
        exports.settle(session, principal(), ask)
    return _stream(ask, since)


def _submit(ask: Ask, since: datetime, key: str | None) -> Response:
    """Take an export as a job, of one moment: a part that has to be written again is the same, whatever was written meanwhile."""
    asked = f"{request.path}?{request.query_string.decode()}"
    submission = Submission("export_classifications", idempotency_key=key, body_digest=ids.digest(asked.encode()))
    with transaction() as session:
        exports.settle(session, principal(), ask)
        job = submit_export(session, principal(), submission, ask, since)
    g.job_token = job.token
    response = accepted(job)
    if job.replayed:
        response.headers[REPLAYED] = "true"
    return response


def _stream(ask: Ask, since: datetime) -> Response:
    """Answer with an export; a client who has it already gets 304, one who asks for its head gets that."""
    places = cast(Places, current_app.extensions[EXPORTERS])
    if not places.take():
        raise Unavailable("Too many exports are being sent; try again, or ask for a job: `Prefer: respond-async`.", retry_after=5)
    stream = _Stream(principal(), ask, places.leave)
    try:
        response = stream.open(since)
    except BaseException:
        stream.close()
        raise
    response.call_on_close(stream.close)
    return response


class _Stream:
    """An export on its way to its client, with the transaction and the place that it holds."""

    def __init__(self, who: Principal, ask: Ask, leave: Callable[[], None]) -> None:
        self.who = who
        self.ask = ask
        self.held = ExitStack()
        self.held.callback(leave)

    def open(self, since: datetime) -> Response:
        """Return the answer, its first bytes made."""
        session = self.held.enter_context(transaction())
        exports.begin(session)
        export = exports.open_export(session, self.who, self.ask)
        mark = exports.mark(self.who, self.ask, export.source, session)
        encoding = None if export.zipped or export.format.packed else _encoding()
        etag = mark.digest if encoding is None else f"{mark.digest}-{encoding}"
        headers = _headers(self.ask, since, etag) | ({"Content-Encoding": encoding} if encoding else {})
        media_type = "application/zip" if export.zipped else export.format.media_type
        if request.if_none_match.contains_weak(etag):
            return self._short(Response(status=304, headers=headers))
        if request.method == "HEAD":
            return self._short(Response(content_type=media_type, headers=headers))
        pieces = self.held.enter_context(closing(_encoded(export.pieces(), encoding)))
        first = next(pieces, b"")
        return Response(self._sent(first, pieces), headers=headers, content_type=media_type)

    def _short(self, response: Response) -> Response:
        self.close()
        return response

    def _sent(self, first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Give the pieces. An error breaks the connection off; its message may quote a value, so nobody is told it."""
        with self.held:
            yield first
            try:
                yield from pieces
            except Exception as error:  # noqa: BLE001 - whatever it is, the client must see that the answer broke off
                log.error(EXPORT_BROKEN, error=type(error).__name__)  # noqa: TRY400 - a trace would show values
                raise ConnectionAbortedError(EXPORT_BROKEN) from None

    def close(self) -> None:
        """Let go of everything, in the order in which it depends on each other; a second time there is nothing left to."""
        self.held.close()


def _headers(ask: Ask, since: datetime, etag: str) -> dict[str, str]:
    return {
        "ETag": f'W/"{etag}"',
        "Last-Modified": http_date(since),
        "Vary": VARY,
        "Cache-Control": "private, no-cache",
        "X-Accel-Buffering": "no",
        **_attachment(exports.file_name(ask)),
    }


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}"}


def _encoding() -> str | None:
    """Return the compression that the client would rather have than none."""
    accepted = request.accept_encodings
    plain = accepted.quality("identity") or 0.001
    best = max(("zstd", "gzip"), key=accepted.quality)
    return best if accepted.quality(best) > plain else None


def _encoded(pieces: Iterator[bytes], encoding: str | None) -> Generator[bytes]:
    if encoding is None:
        yield from pieces
        return
    packer: Any = zstd.ZstdCompressor(level=3) if encoding == "zstd" else compressobj(1, wbits=MAX_WBITS | 16)
    flush = packer.FLUSH_BLOCK if encoding == "zstd" else 2
    for at, piece in enumerate(pieces):
        packed = packer.compress(piece)
        if at == 0:  # so that the first byte comes as soon as there is one
            packed += packer.flush(flush)
        if packed:
            yield packed
    yield packer.flush()
