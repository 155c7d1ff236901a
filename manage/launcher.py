"""`waybill up`: everything on this machine, in the foreground; engines, schema, parts, each after what it needs."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import click

from manage import child, engines
from manage.home import Home, here
from manage.supervisor import Part, PartFailed, Supervisor
from manage.unprivileged import RunAs
from models.settings import settings

STOP_ORDER = (("web",), ("worker", "dispatcher"), ("valkey",), ("postgres",))
STOP_SECONDS = 28.0  # orchestrators give 30
ENGINE_SECONDS = 600.0  # a crash may leave much to repair
READY_SECONDS = 90.0
PORT_SECONDS = 5.0  # the parts of a launcher that was killed may be just about to go
DEATHS_AT_START = 3
SAY_STILL = 10.0
EXAMPLE = (
    "curl -sS -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' "
    """-d '{{"id": "demo/lab/first", "upsert": {{"gene_symbol": "BRCA1"}}}}' """
    "{page}classification/api/classifications/v2/record/"
)


class Stopped(Exception):
    """A signal asked for the end."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP end the wait and set `stop`; a second one changes nothing, the stop is on its way."""

    def __init__(self) -> None:
        self.stop = False
        self._read, write = os.pipe()
        os.set_blocking(write, False)
        os.set_blocking(self._read, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` asks to outlive the terminal
                signal.signal(number, self._asked)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _asked(self, *_: object) -> None:
        self.stop = True

    def wait(self, seconds: float) -> None:
        """Wait for a signal, also for that of a child's end, at most so long."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        if ready:
            os.read(self._read, 1024)


class Launcher:
    """One run of `waybill up`."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.signals = Signals()
        self.supervisor = Supervisor(home, self.say)
        self.environment = {
            "WAYBILL_HOME": str(home.path),
            "WAYBILL_DATABASE_URL": settings().database_url,
            "WAYBILL_BROKER_URL": settings().broker_url,
            "WAYBILL_SECRET_KEY": home.secret(),
        }

    def say(self, line: str) -> None:
        """Tell the people at the terminal, and the launcher's log."""
        click.echo(line)
        with self.home.log("launcher").open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")

    def run(self) -> None:
        """Bring everything up, keep it up until a signal, take it down."""
        try:
            self.start()
            while True:
                self.pause(1.0)
        except Stopped:
            click.echo("stopping ...")
        finally:
            begun = time.monotonic()
            self.supervisor.stop(STOP_ORDER, STOP_SECONDS)
            self.say(f"stopped in {time.monotonic() - begun:.1f} s")

    def start(self) -> None:
        """Start all parts in order and say where they are."""
        begun = time.monotonic()
        click.echo(f"Waybill in {self.home.path}")
        self.home.rotate_logs()
        self.await_port()
        self.start_engines()
        self.home.publish(self.environment)
        self.migrate()
        for name in ("web", "worker", "dispatcher"):
            self.supervisor.start(self.part(name))
        self.until(self.answers, READY_SECONDS, "web, worker and dispatcher")
        self.welcome(time.monotonic() - begun)

    def await_port(self) -> None:
        """Make sure that the web can have its port."""
        address = settings().host, settings().port
        until = time.monotonic() + PORT_SECONDS
        while not _free(address):
            if time.monotonic() > until:
                raise PartFailed(f"cannot listen on {address[0]} port {address[1]}, somebody else does: set WAYBILL_PORT")
            self.pause(0.1)

    def start_engines(self) -> None:
        """Start the engines that no address is set for; both at once, since neither needs the other."""
        started: list[engines.Engine] = []
        if not settings().database_url:
            database = engines.postgres(self.home.path)
            self.environment["WAYBILL_DATABASE_URL"] = database.url()
            started.append(database)
            click.echo(f"  PostgreSQL {database.place.found}")
        if not settings().broker_url:
            broker = engines.valkey(self.home.path)
            self.environment["WAYBILL_BROKER_URL"] = broker.url()
            started.append(broker)
            click.echo(f"  Valkey {broker.place.found}")
        for engine in started:
            self.supervisor.start(Part(engine.name, engine.command, engine.prepare, engine.stop_signal))
        for engine in started:
            self.until(engine.ready, ENGINE_SECONDS, engine.name)

    def migrate(self) -> None:
        """Bring the schema up to date and make the first accounts."""
        command = _ours([sys.executable, "-m", "manage.prepare"])
        process = self.supervisor.spawn("migrate", command, self.environment)
        self.until(lambda: process.poll() is not None, ENGINE_SECONDS, "the schema")
        if process.returncode:
            raise PartFailed(f"the schema could not be brought up to date:\n{self.supervisor.tail('migrate')}")

    def part(self, name: str) -> Part:
        """Return one of the parts that are ours."""
        return Part(name, lambda: _ours([sys.executable, "-m", "waybill.cli", name]), environment=self.environment)

    def answers(self) -> bool:
        """Say whether the web answers and has heard of the others."""
        return _get(f"{_page()}health/ready") == 200

    def pause(self, seconds: float) -> None:
        """Look after the parts, then wait for a signal or so long. Raises Stopped."""
        self.supervisor.tend()
        if self.signals.stop:
            raise Stopped
        self.signals.wait(seconds)

    def until(self, what: Callable[[], bool], seconds: float, name: str) -> None:
        """Wait until `what()` is true. Raises PartFailed for what takes too long or dies again and again."""
        begun = time.monotonic()
        said = SAY_STILL
        while not what():
            self.pause(0.05)
            self.give_up_on_the_dying()
            waited = time.monotonic() - begun
            if waited > seconds:
                raise PartFailed(f"no answer within {seconds:.0f} s: {name}; the logs are in {self.home.log('launcher').parent}")
            if waited > said:
                said += SAY_STILL
                click.echo(f"  still waiting for {name} ...")

    def give_up_on_the_dying(self) -> None:
        """Raise PartFailed for a part that does not come up."""
        for part in self.supervisor.parts:
            if part.deaths >= DEATHS_AT_START:
                raise PartFailed(f"{part.name} does not come up; its log ends with\n{self.supervisor.tail(part.name)}")

    def welcome(self, seconds: float) -> None:
        """Say where everything is."""
        page, key = _page(), self.home.first_key
        click.echo(f"ready in {seconds:.1f} s\n\n  Page      {page}")
        if key.exists():
            text = key.read_text(encoding="ascii").strip()
            click.echo(f"  API key   {text}\n            (user demo, lab demo/lab; kept in {key})")
            click.echo(f"  Try       {EXAMPLE.format(key=text, page=page)}")
        click.echo(f"  Logs      {self.home.log('launcher').parent}\n  Stop      Ctrl-C\n")


def _ours(command: list[str]) -> list[str]:
    """Return a command that runs as we do and dies with us at once: what it had in hand, the next start does again."""
    return RunAs("self", os.geteuid(), os.getegid()).command(command, signal.SIGKILL)


def _page() -> str:
    host = settings().host
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared with, not bound to
    return f"http://{shown}:{settings().port}/"


def _get(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address
            return int(response.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


def _free(address: tuple[str, int]) -> bool:
    """Say whether an address can be listened on."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


def up() -> None:
    """Run everything until a signal. Raises EngineError."""
    if os.environ.get("MAKELEVEL"):
        child.die_with_parent(signal.SIGTERM)  # started by `make`, which cannot pass on its own SIGKILL
    home = here()
    with home.held():
        Launcher(home).run()
