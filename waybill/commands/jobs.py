"""What to do with jobs: list them, follow one, read its outcomes, stop it, run its failures again, take it back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any

import click

from waybill import exits, show, tables
from waybill.commands.terminal import Terminal, command, csv_line
from waybill.jobs import Job
from waybill.values import JobState, Result

STATUSES = click.Choice(["queued", "processing", "done", "rejected"])
OUTCOMES = click.Choice(["succeeded", "noop", "failed", "skipped", "cancelled"])
COLUMNS = ("token", "job", "status", "outcome", "total", "failed", "created_on")
RESULT_COLUMNS = ("line", "id", "status", "word", "code", "pointer", "detail")
CSV_COLUMNS = ("index", "line", "ref", "id", "status", "word", "code", "pointer", "detail")
TOKEN = click.argument("token")
WAIT = click.option("--wait/--no-wait", default=True, help="Wait for its end.")


@command("jobs")
@click.option("--status", type=STATUSES, help="Only those that stand so.")
@click.option("--kind", "name", help="Only those of this kind, such as bulk_classifications.")
@click.option("--tag", help="Only those with this tag.")
@click.option("--after", "created_after", help="Only those stored after this time, such as 2026-11-22T12:00:00Z.")
@click.option("--before", "created_before", help="Only those stored before this time.")
@click.option("--limit", default=20, show_default=True, help="How many at most; 0 for all.")
def jobs(terminal: Terminal, limit: int, **query: Any) -> None:
    """List your jobs, newest first."""
    found = terminal.client.jobs(size=min(limit or 1_000, 1_000), **query)
    rows = ({name: state.raw.get(name) for name in COLUMNS} | state.dump() for state in found)
    terminal.rows(islice(rows, limit or None), COLUMNS)


@command("watch")
@TOKEN
@click.option("--outcomes", is_flag=True, help="Print each outcome as it comes, one JSON object a line, with its number.")
@click.option("--after", type=click.IntRange(0), default=0, help="With --outcomes: only those behind this number.")
def watch(terminal: Terminal, token: str, *, outcomes: bool, after: int) -> int:
    """Follow a job to its end; ends by its outcome, as `waybill submit` does. With --json a line for each change."""
    job = terminal.client.job(token)
    if outcomes:
        for event in job.events(after):
            terminal.print(event.dump())
        return exits.of(job.refresh())
    if not terminal.as_json:
        return followed(terminal, job)
    for told, _ in groupby(state.dump() for state in job.watch()):
        terminal.print(told)
    return exits.of(job.state)


@command("results")
@TOKEN
@click.option("--status", type=OUTCOMES, help="Only those that ended so.")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@click.option("--limit", default=0, help="How many at most.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of standard output.")
def results(terminal: Terminal, token: str, *, as_csv: bool, limit: int, output: Path | None, status: str | None) -> None:
    """Print the outcomes of a job, in the order of its operations: what became of each, or why not and where."""
    job = terminal.client.job(token)
    found: Iterable[Result] = islice(job.results(status), limit or None)
    if as_csv or (output and output.suffix == ".csv"):
        with writing(output) as write:
            write(csv_line(CSV_COLUMNS))
            for result in found:
                write(csv_line(result.row()[name] for name in CSV_COLUMNS))
    elif output:
        with writing(output) as write:
            for result in found:
                write(as_line(result.dump()))
    elif terminal.for_people:
        terminal.rows(map(tables.row, found), RESULT_COLUMNS)
    else:
        terminal.rows((result.dump() for result in found), RESULT_COLUMNS)


@command("cancel")
@TOKEN
def cancel(terminal: Terminal, token: str) -> int:
    """Stop a job. What was done stays done; every other item ends as cancelled."""
    job = terminal.client.job(token)
    job.cancel()
    return _ended(terminal, job)


@command("retry")
@TOKEN
@WAIT
def retry(terminal: Terminal, token: str, *, wait: bool) -> int:
    """Run the failed items of a job again, as a job of its own."""
    return begun(terminal, terminal.client.job(token).retry(), wait=wait)


@command("undo")
@TOKEN
@WAIT
@click.option("--dry-run", is_flag=True, help="Change nothing; tell what would become of each record.")
def undo(terminal: Terminal, token: str, *, wait: bool, dry_run: bool) -> int:
    """Take back what a job changed, as a job of its own.

    Records that were changed since are left as they are, and listed as skipped.
    """
    return begun(terminal, terminal.client.job(token).undo(test=dry_run), wait=wait)


def begun(terminal: Terminal, job: Job, *, wait: bool) -> int:
    """Follow a job that was just stored, or say its token; return how the command ends."""
    if wait:
        return _ended(terminal, job)
    terminal.print(job.state.dump()) if terminal.as_json else click.echo(job.token)
    return exits.SUCCEEDED


def _ended(terminal: Terminal, job: Job) -> int:
    if not terminal.as_json:
        return followed(terminal, job)
    state = job.wait()
    terminal.print(state.dump() | (job.digest().dump() if state.failed else {}))
    return exits.of(state)


def followed(terminal: Terminal, job: Job) -> int:
    """Show a job until it ends, and what became of it."""
    state: JobState = show.follow(terminal.console, job.token[:8], job.watch())
    click.echo(job.token)
    show.report(terminal.console, {"job": state.dump(), **(job.digest().dump() if state.failed else {})})
    if state.error:
        terminal.say(f"  {state.error.get('detail')} ({state.error.get('code')})")
    return exits.of(state)


@contextmanager
def writing(output: Path | None) -> Iterator[Callable[[str], Any]]:
    """Give what writes to a file, which is there only when all of it is; or to standard output."""
    if output is None or str(output) == "-":
        yield _writer(sys.stdout)
        return
    part = output.with_name(f".{output.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        yield _writer(file)
    part.replace(output)


def _writer(file: IO[str]) -> Callable[[str], Any]:
    return file.write


def as_line(value: Any) -> str:
    """Return a value as a line of JSON."""
    return json.dumps(value, ensure_ascii=False, default=str) + "\n"
