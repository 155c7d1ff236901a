"""PostgreSQL: reached, of which version, set up so that what is promised is kept, at which schema, and by which clock."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from manage.binaries import POSTGRES_FLOOR
from models import db, migrations
from models.db import DATABASE_ERRORS, Session, driver, transaction
from models.parts import list_parts
from models.settings import settings
from waybill.checks import Check

KEEPING = ("fsync", "full_page_writes", "synchronous_commit")
SKEW = 2.0  # seconds
OVERFLOW = 5  # connections of a web process beside its threads': the pool's overflow, and the one that listens
BESIDE_SLOTS = 1  # of a worker: its heartbeat's
DISPATCHERS = 4  # connections of a dispatcher: its loop's, its ear, its courier's two
SETTING = "SELECT current_setting(%s, true)"


def checks() -> Generator[Check, None, bool]:
    """Give the checks of the database; return whether work can be looked at in it."""
    try:
        with transaction() as session:
            yield _reached(session)
            yield from (check(session) for check in LOOKS)
            found = schema(session)
    except DATABASE_ERRORS as error:
        yield away(error)
        return False
    yield found
    return found.ok is not False


def away(error: BaseException) -> Check:
    """Tell of a database that does not answer; without its message's rest, which may have the address and the user."""
    cause = getattr(error, "orig", error)
    said = str(cause).splitlines()[0][:200] if str(cause) else type(cause).__name__
    where = db.url().render_as_string(hide_password=True)
    remedy = "Start it (`waybill up` brings its own), or mend WAYBILL_DATABASE_URL; the server's log says why it refuses."
    return Check("database", False, f"{where} does not answer: {said}", remedy)


def _reached(session: Session) -> Check:
    number = driver(session).info.server_version
    told = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    return version(number, told)


def version(number: int, told: str) -> Check:
    """Compare its version with what is asked for."""
    if number // 10_000 >= POSTGRES_FLOOR:
        return Check("database", True, f"{told} answers")
    return Check("database", False, told, f"Upgrade it to PostgreSQL {POSTGRES_FLOOR} or later.")


def _setting(session: Session, name: str) -> str | None:
    row = driver(session).execute(SETTING, (name,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def durable(session: Session) -> Check:
    """Look whether what was committed survives a crash."""
    off = [name for name in KEEPING if _setting(session, name) == "off"]
    if not off:
        return Check("durability", True, "what is committed survives a crash")
    remedy = f"Set {' and '.join(f'{name} = on' for name in off)} in postgresql.conf: without, a crash loses accepted jobs."
    return Check("durability", False, f"off: {', '.join(off)}", remedy)


def connections(session: Session) -> Check:
    """Compare how many connections it gives with how many the parts may take."""
    reserved = ("superuser_reserved_connections", "reserved_connections")
    most = int(_setting(session, "max_connections") or 0) - sum(int(_setting(session, name) or 0) for name in reserved)
    wanted = _wanted(session)
    found = f"{most} for us; web, workers and dispatcher take up to {wanted}"
    if most >= wanted:
        return Check("connections", True, found)
    remedy = f"Set max_connections to {wanted + 20} or more, or lower WAYBILL_WEB_PROCESSES or WAYBILL_WEB_THREADS."
    return Check("connections", False, found, remedy)


def _wanted(session: Session) -> int:
    """Return how many connections one web, the workers that are there (one at least) and a dispatcher may take."""
    web = settings().web_processes * (settings().web_threads + OVERFLOW)
    parts = list_parts(session) if _has_schema(session) else []
    slots = [int(part["info"].get("slots", settings().slots)) for part in parts if part["role"] == "worker"]
    return web + sum(number + BESIDE_SLOTS for number in slots or [settings().slots]) + DISPATCHERS


def compression(session: Session) -> Check:
    """Look whether large values are packed quickly."""
    row = driver(session).execute(
        "SELECT setting, 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    ).fetchone()  # fmt: skip
    used, offered = row or ("", False)
    if used == "lz4":
        return Check("compression", True, "lz4")
    if not offered:
        return Check("compression", None, f"{used}; this build has no lz4, which is quicker")
    remedy = "ALTER DATABASE ... SET default_toast_compression = 'lz4' makes large records quicker to store."
    return Check("compression", None, f"{used}, and lz4 is there", remedy)


def encoding(session: Session) -> Check:
    """Look whether all text can be kept."""
    found = _setting(session, "server_encoding")
    remedy = "" if found == "UTF8" else "Make the database anew with ENCODING 'UTF8' and restore into it."
    return Check("encoding", not remedy, str(found), remedy)


def clock(session: Session, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Check:
    """Compare this machine's clock with the database's, by which jobs, leases and cursors go."""
    before = now()
    row = driver(session).execute("SELECT clock_timestamp()").fetchone()
    theirs: datetime = row[0] if row else before
    skew = (before + (now() - before) / 2 - theirs).total_seconds()
    found = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the database's"
    remedy = "" if abs(skew) <= SKEW else "Let both machines keep time by NTP (chrony, systemd-timesyncd)."
    return Check("server clock", not remedy, found, remedy)


LOOKS: tuple[Callable[[Session], Check], ...] = (durable, connections, compression, encoding, clock)


def _has_schema(session: Session) -> bool:
    row = driver(session).execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    return bool(row and row[0])


def schema(session: Session) -> Check:
    """Compare the database's revision with the one that this code was written for."""
    if not _has_schema(session):
        return Check("schema", False, "none", "Make it: waybill migrate.")
    found = {str(name) for name in session.scalars(sa.text("SELECT version_num FROM alembic_version"))}
    script = _script()
    heads = set(script.get_heads())
    if found == heads:
        return Check("schema", True, f"at {', '.join(sorted(heads))}")
    told = f"at {', '.join(sorted(found)) or 'nothing'}; this version is written for {', '.join(sorted(heads))}"
    if all(_is_known(script, name) for name in found):
        return Check("schema", False, told, "Bring it up to date: waybill migrate.")
    return Check("schema", False, told, "A newer version has changed it: install that version here too.")


def _script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]).replace("%", "%%"))
    return ScriptDirectory.from_config(config)


def _is_known(script: ScriptDirectory, name: str) -> bool:
    try:
        return script.get_revision(name) is not None
    except CommandError:
        return False
