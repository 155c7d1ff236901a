"""PostgreSQL's programs find the installation's database, and keys are made and revoked where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from manage import tools
from manage.binaries import EngineError
from manage.cli import commands
from models.db import transaction
from models.errors import Unauthorized
from models.identity.service import authenticate
from tests.journeys.people import open_labs


def run(*words: str) -> str:
    done = CliRunner().invoke(commands, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.strip()


def user_of(key: str) -> str:
    with transaction() as session:
        return authenticate(session, key).username


def test_an_address_becomes_what_the_programs_read() -> None:
    assert tools.address("postgresql+psycopg://ann:p%40ss@db.example.org:5433/waybill?sslmode=require&application_name=x") == {
        "PGHOST": "db.example.org", "PGPORT": "5433", "PGUSER": "ann", "PGPASSWORD": "p@ss", "PGDATABASE": "waybill",
        "PGSSLMODE": "require",
    }  # fmt: skip
    assert tools.address("postgresql://waybill:secret@/waybill?host=%2Frun%2Fours")["PGHOST"] == "/run/ours"


def test_a_program_runs_on_the_installations_database(database: str, tmp_path: Path) -> None:
    dump = tmp_path / "a.dump"
    assert tools.run(["pg_dump", "--format=custom", "--schema-only", f"--file={dump}"]) == 0
    assert dump.read_bytes().startswith(b"PGDMP")
    assert tools.run(["psql", "--quiet", "--command=SELECT 1 / 0"]) != 0


def test_its_ending_is_the_commands(database: str) -> None:
    assert CliRunner().invoke(commands, ["database", "pg_dump", "--no-such-option"]).exit_code == 1


def test_a_program_that_is_not_here_is_named(database: str) -> None:
    with pytest.raises(EngineError, match="pg_no_such_program"):
        tools.run(["pg_no_such_program"])


def test_a_new_key_opens_beside_the_old_ones_until_these_are_revoked(database: str) -> None:
    open_labs(annette=["north/one"])
    first = run("accounts", "key", "annette")
    assert [user_of(key) for key in (first, "the-key-of-annette")] == ["annette", "annette"]
    second = run("accounts", "key", "annette", "--only")
    for gone in (first, "the-key-of-annette"):
        with pytest.raises(Unauthorized):
            user_of(gone)
    assert user_of(second) == "annette"
    assert run("accounts", "revoke", "annette") == "revoked 1"
    with pytest.raises(Unauthorized):
        user_of(second)


def test_a_user_that_there_is_not_is_told(database: str) -> None:
    done = CliRunner().invoke(commands, ["accounts", "key", "nobody"])
    assert (done.exit_code, done.output.strip()) == (1, "Error: there is no user nobody")


def test_the_command_of_a_program_takes_its_options_as_they_are(database: str) -> None:
    assert CliRunner().invoke(commands, ["database", "pg_isready", "--quiet", "-t", "3"]).exit_code == 0
