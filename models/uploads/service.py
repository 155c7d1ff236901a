"""Uploads: begun, appended to at the one right offset, completed once, used once, cancelled. Each is its user's alone.

What an upload says it has received is on disk. A request that appends holds a fence; whoever asks for the offset or appends takes
it away from an earlier request of the same client, which may hang without anybody knowing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from models import ids
from models.db import Session, driver
from models.errors import (
    BodyTooLarge,
    Gone,
    IdempotencyKeyReused,
    InconsistentLength,
    InvalidRequest,
    MismatchingOffset,
    NotFound,
    QuotaExceeded,
    Refused,
)
from models.identity.principal import Principal
from models.settings import settings
from models.uploads.values import Place, Upload, Wanted

MOST_PARTS = 10_000  # requests that may bring parts of one upload
COLUMNS = """
id, idempotency_key, target, asked, length, digest, received, complete, job_token, refusal, created_on, touched_on,
touched_on + make_interval(hours => %(hours)s)
"""
INSERT = f"""
INSERT INTO uploads (id, user_id, idempotency_key, target, asked, length, digest)
VALUES (%(id)s, %(user_id)s, %(key)s, %(target)s, %(asked)s, %(length)s, %(digest)s)
ON CONFLICT (user_id, idempotency_key) DO NOTHING RETURNING {COLUMNS}
"""
FIND = f"SELECT {COLUMNS} FROM uploads WHERE user_id = %(user_id)s"
OVER = """
DELETE FROM uploads WHERE user_id = %(user_id)s AND idempotency_key = %(key)s AND NOT complete
    AND touched_on <= now() - make_interval(hours => %(hours)s)
"""
OPEN = """
SELECT count(*) FROM uploads
WHERE user_id = %s AND NOT complete AND touched_on > now() - make_interval(hours => %s)
"""
NOTE = """
UPDATE uploads SET received = %(end)s, touched_on = clock_timestamp()
WHERE id = %(id)s AND fence = %(fence)s AND NOT complete
"""
NOTE_PART = """
INSERT INTO upload_parts (upload_id, start, fence, size) VALUES (%(id)s, %(start)s, %(fence)s, %(size)s)
ON CONFLICT (upload_id, start) DO UPDATE SET fence = excluded.fence, size = excluded.size
"""


def create(session: Session, principal: Principal, wanted: Wanted) -> Upload:
    """Begin an upload, or return the one that was begun with this idempotency key.

    Raises BodyTooLarge (`limit`), QuotaExceeded, and IdempotencyKeyReused where the key is that of another upload.
    """
    _check_length(wanted.length)
    token = ids.new_token()
    key = wanted.idempotency_key or ids.digest(f"upload {token}".encode()).hex()
    asked = msgspec.json.encode(wanted.asked, order="sorted").decode()
    driver(session).execute(OVER, _mine(principal) | {"key": key})
    values = {"id": token, "key": key, "target": wanted.target, "asked": asked, "length": wanted.length, "digest": wanted.digest}
    row = driver(session).execute(INSERT, _mine(principal) | values).fetchone()
    if row is None:
        return _earlier(session, principal, wanted, key)
    _check_quota(session, principal)
    return Upload(*row)


def _mine(principal: Principal) -> dict[str, Any]:
    return {"user_id": principal.user_id, "hours": settings().upload_hours}


def _check_length(length: int | None) -> None:
    limit = settings().limits.upload_bytes
    if length is not None and length > limit:
        raise BodyTooLarge(f"An upload has at most {limit} bytes.", limit=limit, actual=length)


def _check_quota(session: Session, principal: Principal) -> None:
    limit = settings().limits.open_uploads
    row = driver(session).execute(OPEN, (principal.user_id, settings().upload_hours)).fetchone()
    if row is not None and row[0] > limit:
        more: dict[str, Any] = {"violated-policies": ["uploads"]}
        detail = f"At most {limit} uploads may be open at the same time; complete or cancel one."
        raise QuotaExceeded(detail, retry_after=60, limit=limit, **more)


def _earlier(session: Session, principal: Principal, wanted: Wanted, key: str) -> Upload:
    row = driver(session).execute(f"{FIND} AND idempotency_key = %(key)s", _mine(principal) | {"key": key}).fetchone()
    if row is None:
        raise NotFound("There is no such upload.")
    known = Upload(*row)
    same = (known.target, known.asked) == (wanted.target, wanted.asked)
    differing = [(known.length, wanted.length), (known.digest, wanted.digest)]
    if not same or any(None not in pair and pair[0] != pair[1] for pair in differing):
        raise IdempotencyKeyReused("This Idempotency-Key was used with another upload.")
    return _check_age(known)


def get_upload(session: Session, principal: Principal, name: str) -> Upload:
    """Return one's own upload. Raises NotFound, and Gone where its time is over."""
    row = driver(session).execute(f"{FIND} AND id = %(id)s", _mine(principal) | {"id": _id(name)}).fetchone()
    if row is None:
        raise NotFound("There is no such upload.")
    return _check_age(Upload(*row))


def _check_age(upload: Upload) -> Upload:
    if not upload.complete and upload.expires_on <= ids.now():
        raise Gone("This upload was not gone on with for too long. Begin another one.")
    return upload


def _id(name: str) -> UUID:
    try:
        found = UUID(name)
    except ValueError:
        raise NotFound("There is no such upload.") from None
    if str(found) != name:
        raise NotFound("There is no such upload.")
    return found


def list_open(session: Session, principal: Principal) -> list[Upload]:
    """Return one's own uploads that may still be gone on with, the oldest first."""
    open_ones = "NOT complete AND touched_on > now() - make_interval(hours => %(hours)s)"
    rows = driver(session).execute(f"{FIND} AND {open_ones} ORDER BY created_on, id", _mine(principal)).fetchall()
    return [Upload(*row) for row in rows]


def take_over(session: Session, principal: Principal, name: str) -> Upload:
    """Return one's own upload, so that its offset holds: a request that still appends to it moves it no further."""
    upload = get_upload(session, principal, name)
    driver(session).execute("UPDATE uploads SET fence = fence + 1 WHERE id = %s AND NOT complete", (upload.id,))
    return get_upload(session, principal, name)


def begin(session: Session, principal: Principal, name: str, offset: int, length: int | None) -> Place:
    """Give the right to append from `offset` on; `length` is that of the whole, where the request tells it.

    Raises NotFound, Gone, MismatchingOffset (`expected-offset`), InconsistentLength, BodyTooLarge.
    """
    driver(session).execute("SELECT FROM uploads WHERE id = %s FOR UPDATE", (_id(name),))
    upload = get_upload(session, principal, name)
    if upload.received != offset:
        raise mismatch(upload, offset)
    if upload.complete or (length is not None and (length < offset or length != (upload.length or length))):
        raise InconsistentLength("This is not the length that the upload has.", length=upload.length or upload.received)
    _check_length(length)
    _check_parts(session, upload.id)
    row = driver(session).execute(
        "UPDATE uploads SET fence = fence + 1, touched_on = clock_timestamp(), length = coalesce(length, %s) "
        "WHERE id = %s RETURNING fence, length", (length, upload.id),
    ).fetchone()  # fmt: skip
    if row is None:
        raise NotFound("There is no such upload.")
    whole = settings().limits.upload_bytes if row[1] is None else row[1]
    return Place(upload.id, offset, row[0], whole - offset)


def mismatch(upload: Upload, offset: int) -> MismatchingOffset:
    """Return the refusal of an offset that is not the upload's."""
    told: dict[str, Any] = {"expected-offset": upload.received, "provided-offset": offset}
    return MismatchingOffset(f"The upload goes on at byte {upload.received}.", **told)


def _check_parts(session: Session, upload: UUID) -> None:
    row = driver(session).execute("SELECT count(*) FROM upload_parts WHERE upload_id = %s", (upload,)).fetchone()
    if row is not None and row[0] >= MOST_PARTS:
        raise InvalidRequest(f"An upload comes in at most {MOST_PARTS} parts; send larger ones.")


def note(session: Session, place: Place, size: int) -> bool:
    """Say that so many bytes of a request are on disk; False where another request has the right to append since."""
    values = {"id": place.id, "start": place.start, "fence": place.fence, "size": size, "end": place.start + size}
    if driver(session).execute(NOTE, values).rowcount != 1:
        return False
    if size:
        driver(session).execute(NOTE_PART, values)
    return True


def complete(session: Session, place: Place) -> bool:
    """Say that nothing more follows. False where another request has the right to append. Raises InconsistentLength."""
    row = driver(session).execute(
        "UPDATE uploads SET complete = true, touched_on = clock_timestamp() WHERE id = %s AND fence = %s AND NOT complete "
        "RETURNING received, length", (place.id, place.fence),
    ).fetchone()  # fmt: skip
    if row is None:
        return False
    if row[1] is not None and row[0] != row[1]:
        raise InconsistentLength(f"The upload is to have {row[1]} bytes, and {row[0]} have come.", length=row[1])
    return True


def settle(session: Session, upload: Upload, job_token: UUID) -> None:
    """Note which job an upload has become."""
    driver(session).execute("UPDATE uploads SET job_token = %s WHERE id = %s AND complete", (job_token, upload.id))


def refuse(session: Session, upload: Upload, refused: Refused) -> None:
    """Note why what was uploaded cannot be used; it is told again to whoever asks."""
    known: Mapping[str, Any] = {"code": refused.code, "detail": refused.detail, "pointer": refused.pointer, **refused.members}
    text = msgspec.json.encode(known).decode("utf-8", "replace").replace("\\u0000", "")
    driver(session).execute("UPDATE uploads SET refusal = %s WHERE id = %s AND complete", (text, upload.id))


def cancel(session: Session, principal: Principal, name: str) -> UUID:
    """Forget an upload; a job that it has become stays. Returns its id. Raises NotFound."""
    row = driver(session).execute(
        "DELETE FROM uploads WHERE id = %s AND user_id = %s RETURNING id", (_id(name), principal.user_id)
    ).fetchone()  # fmt: skip
    if row is None:
        raise NotFound("There is no such upload.")
    found: UUID = row[0]
    return found
