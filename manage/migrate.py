"""Bring the database's schema to the newest revision. Safe to run many times, and at the same time from many places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from models import db, migrations

LOCK = 0x57415942  # any number, as long as nobody else takes it: "WAYB"
LOCK_WAIT = "300s"


def upgrade(url: str | None = None) -> str:
    """Run what is missing, in one transaction, one runner at a time; return the revision the database is at."""
    engine = sa.create_engine(db.url(url), poolclass=sa.NullPool, connect_args=db.CONNECT)
    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]).replace("%", "%%"))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
