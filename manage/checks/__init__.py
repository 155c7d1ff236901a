"""What `waybill doctor` looks at where the server is: this machine, its database, its broker, and whether work is done.

Found by the entry point group `waybill.checks`, so that the client never imports the server. Where no installation is at hand,
one line says so. Nothing is changed by looking; every check that fails says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from environs import EnvError

from manage.checks import broker, database, machine, work
from manage.home import Home
from models import db
from models.settings import settings
from waybill.checks import Check

NOWHERE = "none: no WAYBILL_DATABASE_URL is set, and `waybill up` never ran in {home}"


def checks() -> Iterator[Check]:
    """Give all checks of the server's side."""
    yield from machine.versions()
    try:
        settings()
    except EnvError as error:
        yield Check("settings", False, str(error), "Mend the variable; docs/reference names what each may be.")
        return
    with installation() as where:
        if where is None:
            yield Check("installation", None, NOWHERE.format(home=settings().home))
            return
        yield Check("installation", True, where)
        yield from machine.around()
        try:
            yield from _engines()
        finally:
            db.dispose()


def _engines() -> Iterator[Check]:
    reached = yield from database.checks()
    waiting = yield from broker.checks()
    if reached:
        yield from work.checks(waiting)


@contextmanager
def installation() -> Iterator[str | None]:
    """Point this process's settings at the installation of this machine; give where it was found, None if there is none.

    What the environment says goes before what a running or last `waybill up` noted down in its home.
    """
    home = Home(settings().home)
    noted = {name: text for name, text in home.published().items() if text and not os.environ.get(name)}
    os.environ.update(noted)
    settings.cache_clear()
    try:
        if settings().database_url:
            yield f"in {home.path}" if "WAYBILL_DATABASE_URL" in noted else "named by WAYBILL_DATABASE_URL"
        else:
            yield None
    finally:
        for name in noted:
            del os.environ[name]
        settings.cache_clear()
