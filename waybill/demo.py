"""`waybill demo`: real data through the public HTTP API, and what became of it.

The data is the folder `data/` of the source tree: classifications of variants that expert panels have published, and the places
of the world as a tree.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import click
from rich.console import Console

from waybill import places, show
from waybill.client import Client
from waybill.digest import digest
from waybill.errors import Problem, Unreachable
from waybill.exits import NO_ACCESS, PARTIAL, REJECTED
from waybill.flows import Patience
from waybill.jobs import Job
from waybill.values import JobState
from waybill.wire import NDJSON

EVERYTHING = ("clingen_operations.ndjson.gz",)
IN_ORDER = ("clingen_operations_earlier.ndjson.gz", *EVERYTHING, "clingen_withdrawals.ndjson.gz")
ACCOUNTS = "accounts.json"
LOADER = "clingen_loader"  # a sample user, member of every lab of the data
OWNER = "catalogue_owner"  # another, who owns the sample project
HERE = ("127.0.0.1", "localhost", "::1")
TYPES = {".json": "application/json", ".ndjson": NDJSON, ".jsonl": NDJSON}
PATIENCE = Patience(20)


@dataclass(frozen=True)
class Run:
    """One file sent, from the first byte to the last outcome. Times are seconds."""

    file: str
    job: JobState
    accepted: float  # until the server had stored all of it
    seconds: float  # until every item had its outcome
    digest: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Operations per second, over all of it."""
        return self.job.total / self.seconds if self.seconds else 0.0

    def dump(self) -> dict[str, Any]:
        """Return the run as JSON."""
        job = self.job.dump()
        times = {"accepted_seconds": self.accepted, "seconds": self.seconds, "per_second": self.rate}
        return {"file": self.file, "job": job, **{name: round(value, 3) for name, value in times.items()}, **self.digest}


@dataclass(frozen=True)
class Ask:
    """The command's options."""

    url: str | None
    port: int
    home: Path
    key: str | None
    data: Path | None
    files: tuple[Path, ...]
    earlier: bool
    places: bool
    as_json: bool

    @property
    def server(self) -> str:
        """Where the server answers."""
        return self.url or f"http://127.0.0.1:{self.port}"


FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.option("--url", envvar="WAYBILL_URL", help="The server.  [default: the one on this machine]")
@click.option("--port", envvar="WAYBILL_PORT", default=8080, show_default=True, help="Its port, without --url.")
@click.option("--home", envvar="WAYBILL_HOME", default="./.waybill", hidden=True, type=click.Path(path_type=Path))
@click.option("--key", envvar="WAYBILL_KEY", help="An API key; better in WAYBILL_KEY.  [default: the sample loader's]")
@click.option("--data", type=FOLDER, help="The folder of the data.")
@click.option("--file", "files", multiple=True, type=FILE, help="Send this file; may be given several times.")
@click.option("--earlier", is_flag=True, help="First the state of five months before, then today's, then the withdrawals.")
@click.option("--places/--no-places", default=True, help="Whether the places are loaded too.  [default: with the sample keys]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def demo(**options: Any) -> None:
    """Send 6,078 real classifications to a running server, and 42,237 places of the world; show what became of them.

    Sends data/clingen_operations.ndjson.gz, or with --file anything else of that kind, each file as one job, and the places as a
    tree in twelve languages to the sample project. The sample users are loaded first where the server runs on this machine and
    does not know them.
    """
    ask = Ask(**options)
    folder = ask.data or _data()
    sent = list(ask.files) or [folder / name for name in (IN_ORDER if ask.earlier else EVERYTHING)]
    console = Console(stderr=ask.as_json)
    with _explained(ask.server), Client(ask.server, ask.key or _sample_key(folder), patience=PATIENCE) as client:
        _sign_in(client, folder, ask)
        runs = [_send(client, file, console) for file in sent]
        if ask.places and not ask.files and not ask.key:
            runs.append(_load_places(folder, ask, console))
    if ask.as_json:
        click.echo(json.dumps([run.dump() for run in runs], indent=2))
    else:
        show.where_next(console, ask.server, runs[0].job.token)
    _leave(runs)


def _data() -> Path:
    """Return the folder of the data: beside this package in a source tree, else below where we are."""
    for folder in (Path(__file__).resolve().parents[1] / "data", Path("data").absolute()):
        if (folder / ACCOUNTS).is_file():
            return folder
    raise click.UsageError("the data is not here: run this in the source tree, or name its folder with --data")


def _sample_key(folder: Path, name: str = LOADER) -> str:
    users = json.loads((folder / ACCOUNTS).read_text(encoding="utf-8"))["users"]
    return next(str(user["api_key"]) for user in users if user["name"] == name)


def _load_places(folder: Path, ask: Ask, console: Console) -> Run:
    """Make the schema of the sample project where it is not there yet, and send the places."""
    project = json.loads((folder / ACCOUNTS).read_text(encoding="utf-8"))["projects"][0]["gid"]
    with Client(ask.server, _sample_key(folder, OWNER), patience=PATIENCE) as client:
        catalogue = places.Catalogue(client, project)
        catalogue.make_schema()
        return _follow(places.FILE, lambda: catalogue.load(folder / places.FILE), console)


def _sign_in(client: Client, folder: Path, ask: Ask) -> None:
    """Make sure that the server takes our key; load the sample users where we may."""
    try:
        client.check()
    except Problem as problem:
        if problem.code != "unauthorized" or ask.key:
            raise
        _load_accounts(folder, ask)
        client.check()


def _load_accounts(folder: Path, ask: Ask) -> None:
    """Load the sample users, as an administrator would: only into a server on this machine whose home is ours."""
    command = ["accounts", "import", str(folder / ACCOUNTS)]
    ours = urlsplit(ask.server).hostname in HERE and (ask.home / "run" / "web.pid").exists() and find_spec("manage")
    if not ours:
        click.echo(
            f"The server does not know the sample users. Load them where it runs:\n\n    waybill {' '.join(command)}\n\n"
            "or use a key of your own: WAYBILL_KEY=... waybill demo", err=True,
        )  # fmt: skip
        sys.exit(NO_ACCESS)
    click.echo("loading the sample users; their keys are public, so do not let others reach this server", err=True)
    subprocess.run([sys.executable, "-m", "waybill.cli", *command], check=True, stdout=sys.stderr)


def _send(client: Client, file: Path, console: Console) -> Run:
    """Send one file, follow its job to the end, and read its outcomes."""
    packed = file.suffix == ".gz"
    kind = TYPES.get(file.with_suffix("").suffix if packed else file.suffix, NDJSON)

    def send() -> Job:
        with file.open("rb") as body:
            return client.submit_body(body, content_type=kind, encoding="gzip" if packed else None)

    return _follow(file.name, send, console)


def _follow(name: str, send: Callable[[], Job], console: Console) -> Run:
    begun = time.monotonic()
    job = send()
    accepted = time.monotonic() - begun
    last = show.follow(console, name, job.watch())
    seconds = time.monotonic() - begun
    found = digest(job.results()).dump()
    run = Run(name, last, accepted, seconds, found)
    show.report(console, run.dump())
    return run


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what went wrong between us and the server into a sentence."""
    try:
        yield
    except Problem as problem:
        click.echo(f"{url}: {problem}", err=True)
        sys.exit(NO_ACCESS if problem.status in (401, 403) else 1)
    except Unreachable:
        raise click.ClickException(f"nothing answers at {url}; start it with `make run`, or name it with --url") from None
    except subprocess.CalledProcessError:
        raise click.ClickException("the sample users could not be loaded") from None


def _leave(runs: list[Run]) -> NoReturn:
    """End with a code that a script can read."""
    if any(run.job.status == "rejected" for run in runs):
        sys.exit(REJECTED)
    sys.exit(PARTIAL if any(run.job.failed for run in runs) else 0)
