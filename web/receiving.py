"""Taking in one request's part of an upload: to disk as it comes, told of as soon as it is safe there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from models import ids
from models.db import transaction
from models.errors import BodyTooLarge, InconsistentLength, InvalidRequest
from models.settings import settings
from models.uploads import files, service
from models.uploads.files import PartFile
from models.uploads.values import Place
from web.auth import principal
from web.unpack import STEP

SAFE_BYTES = 8 * 1024 * 1024  # that a kill may cost
SAFE_SECONDS = 5.0
SILENCE = 60.0  # seconds without a byte after which a client counts as gone
SOCKET = "gunicorn.socket"
CUT = (ClientDisconnected, ParseException, OSError)
log = structlog.get_logger()


def receive_part(name: str, place: Place, *, ends: bool) -> None:
    """Append the request's body to an upload, and complete the upload if the body ends it.

    What has come is kept when the client goes away. Raises BodyTooLarge, InconsistentLength, InvalidRequest for a body that is
    cut, Unavailable where there is no room, and MismatchingOffset where a later request of the client goes on with the upload.
    """
    whole = settings().limits.upload_bytes
    request.max_content_length = whole
    if (request.content_length or 0) > place.room:
        raise _too_much(place)
    with PartFile(place) as file:
        cut = _copy(name, place, file)
        _note(name, place, file)
    if cut:
        raise InvalidRequest(f"The request was cut after {file.size} bytes; these are kept.")
    if ends:
        with transaction() as session:
            if not service.complete(session, place):
                raise service.mismatch(service.get_upload(session, principal(), name), place.start)


def _too_much(place: Place) -> BodyTooLarge | InconsistentLength:
    end = place.start + place.room
    if end < settings().limits.upload_bytes:
        return InconsistentLength(f"The upload is to have {end} bytes, and this is more.", length=end)
    return BodyTooLarge(f"An upload has at most {end} bytes.", limit=end)


def _copy(name: str, place: Place, file: PartFile) -> bool:
    """Write what comes; say whether it was cut."""
    due = ids.monotonic() + SAFE_SECONDS
    try:
        for piece in _pieces():
            if file.size + len(piece) > place.room:
                _give_up(name)
                raise _too_much(place)
            file.write(piece)
            if file.size - file.synced >= SAFE_BYTES or ids.monotonic() > due:
                _note(name, place, file)
                due = ids.monotonic() + SAFE_SECONDS
    except CUT as error:
        log.info("upload_cut", upload=name, error=type(error).__name__, received=place.start + file.size)
        return True
    return False


def _pieces() -> Iterator[bytes]:
    with _patience(request.environ.get(SOCKET)):
        while piece := request.stream.read(STEP):
            yield piece


@contextmanager
def _patience(connection: Any) -> Iterator[None]:
    """Let nobody hold a thread by sending nothing."""
    if not isinstance(connection, socket.socket):
        yield
        return
    before = connection.gettimeout()
    connection.settimeout(SILENCE)
    try:
        yield
    finally:
        connection.settimeout(before)


def _note(name: str, place: Place, file: PartFile) -> None:
    """Bring to disk what has come, and say so."""
    if file.size == file.synced:
        return
    size = file.sync()
    with transaction() as session:
        if not service.note(session, place, size):
            raise service.mismatch(service.get_upload(session, principal(), name), place.start + size)


def _give_up(name: str) -> None:
    """End an upload that went beyond what it was to have, as the draft demands."""
    with transaction() as session:
        gone = service.cancel(session, principal(), name)
    files.remove(gone)
