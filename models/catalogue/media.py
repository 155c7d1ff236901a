"""Published files: their sealed names, and images made of images, each made once and kept beside the original."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import msgspec

from models.catalogue import asset_bytes, pictures
from models.catalogue.assets import extension_of
from models.catalogue.gids import read_gid
from models.catalogue.pictures import Transform
from models.catalogue.project import Project
from models.db import Session, driver
from models.errors import NotFound
from models.settings import settings

NAME = re.compile(r"([0-9a-f-]{36})~([0-9]{1,9})(?:-([0-9a-f]{16}))?(?:\.([A-Za-z0-9]{0,20}))?")
FIND = """
SELECT a.gid::text, a.version, a.name, a.body->'info' FROM assets a JOIN projects p ON p.id = a.project_id
WHERE p.gid = %s AND a.gid = %s AND a.version = %s AND a.is_file AND a.status = 'published'
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A live file at its version."""

    project: UUID
    gid: str
    version: int
    extension: str
    info: dict[str, Any]
    key: str


def find(session: Session, project: Project, name: str) -> Found:
    """Return the file that `<gid>~<version>.<ext>` names. Raises NotFound."""
    parts = NAME.fullmatch(name)
    found = _load(session, project.gid, parts[1], int(parts[2])) if parts else None
    if found is None:
        raise NotFound("There is no such file of this version.")
    return found


def _load(session: Session, project: UUID, gid: str, version: int) -> Found | None:
    if read_gid(gid) is None:
        return None
    row = driver(session).execute(FIND, (project, gid, version)).fetchone()
    if row is None:
        return None
    info = dict(row[3] or {})
    key = str(info.pop("key", ""))
    return Found(project, row[0], row[1], extension_of(row[2]), info, key)


def make(found: Found, wanted: Transform) -> str:
    """Make an image of a file where it is not there yet; return what it is called. Raises InvalidFile."""
    variant = hashlib.sha256(msgspec.json.encode(asdict(wanted))).hexdigest()[:16]
    key = _variant_key(found.key, variant)
    if not asset_bytes.exists(key):
        data = b"".join(asset_bytes.read(found.key) or ())
        asset_bytes.put(key, pictures.transform(data, wanted, settings().image_pixels))
    return variant


def _variant_key(key: str, variant: str) -> str:
    return f"{key}{asset_bytes.MADE}/{variant}"


def address(found: Found, variant: str, extension: str) -> str:
    """Return where the bytes are: a seal, and a name with a fitting extension."""
    end = f"-{variant}" if variant else ""
    name = f"{found.gid}~{found.version}{end}" + (f".{extension}" if extension else "")
    return f"{_seal(str(found.project), name)}/{name}"


def _seal(project: str, name: str) -> str:
    return hmac.new(settings().secret_key.encode(), f"media {project}/{name}".encode(), "sha256").hexdigest()[:32]


def key_of(session: Session, project: str, seal: str, name: str) -> str | None:
    """Return the stored file that a sealed name stands for; None where the seal is not ours or the file is gone."""
    parts = NAME.fullmatch(name)
    known = read_gid(project)
    if parts is None or known is None or not hmac.compare_digest(_seal(known, name).encode(), seal.encode()):
        return None
    found = _load(session, UUID(known), parts[1], int(parts[2]))
    if found is None:
        return None
    return _variant_key(found.key, parts[3]) if parts[3] else found.key
