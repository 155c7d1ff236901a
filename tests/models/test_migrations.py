"""Migrations that change what is stored, on a database of their own with something in it."""

from __future__ import annotations

import ast
from pathlib import Path
from uuid import UUID

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from manage.migrate import upgrade
from models import db, migrations
from models.webhooks.safe import take_out
from tests.conftest import clone

WEBHOOK = UUID(int=7)

RECORD = """
INSERT INTO records (id, lab_id, lab_record_id, owner_id, version, created_on, updated_on, evidence)
VALUES (1, 1, 'R1', 1, 2, now(), now(), '{"gene_symbol": {"value": "CBS"}}');
INSERT INTO snapshots (record_id, level, version, evidence, lab_id) VALUES (1, 3, 1, '{"gene_symbol": {"value": "PAH"}}', 1)
"""


def downgrade(url: str, revision: str) -> None:
    engine = sa.create_engine(db.url(url), poolclass=sa.NullPool)
    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()


def test_secrets_of_webhooks_are_sealed_and_can_be_unsealed(own_database: str) -> None:
    url = clone(f"{sa.make_url(own_database).database}_migrated")
    downgrade(url, "0011")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO users (id, username, tenant) VALUES (1, 'ann', 'north')")
        connection.execute(
            "INSERT INTO webhooks (id, user_id, url, events, secret) VALUES (%s, 1, 'https://x', '{}', 'whsec_b')",
            (WEBHOOK,),
        )
        upgrade(url)
        row = connection.execute("SELECT secret, old_secret FROM webhooks").fetchone()
        assert row
        assert "whsec" not in row[0]
        assert (take_out(WEBHOOK, row[0]), row[1]) == ("whsec_b", None)
        downgrade(url, "0011")
        assert connection.execute("SELECT secret FROM webhooks").fetchone() == ("whsec_b",)


def test_words_of_what_is_there_are_moved_and_moved_back(own_database: str) -> None:
    url = clone(f"{sa.make_url(own_database).database}_migrated")
    downgrade(url, "0016")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(RECORD)
        upgrade(url)
        rows = connection.execute("SELECT level, words @@ 'cbs', words @@ 'pah' FROM words ORDER BY level").fetchall()
        assert rows == [(0, True, False), (3, False, True)]
        downgrade(url, "0016")
        indexed = "SELECT count(*) FROM records WHERE record_words(lab_record_id, evidence) @@ 'cbs'"
        assert connection.execute(indexed).fetchone() == (1,)
        connection.execute("UPDATE records SET version = 3, evidence = '{}'")  # and no trigger is left behind
        assert connection.execute(indexed).fetchone() == (0,)


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    plain = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    return plain | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_a_migration_depends_on_nothing_of_ours_but_the_settings() -> None:
    found = {name for file in (Path(migrations.__path__[0]) / "versions").glob("*.py") for name in imported(file)}
    assert {name for name in found if name.startswith(("models", "web", "worker", "manage", "waybill"))} <= {"models.settings"}
