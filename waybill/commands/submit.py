"""`waybill submit`: files of operations, each operation done once however often the command is begun."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import click

from waybill import exits, show, sources, submitting
from waybill.commands.terminal import Terminal, command
from waybill.jobs import Job
from waybill.mapping import Mapped
from waybill.parts import Part, pack
from waybill.pieces import Piece
from waybill.runs import Run, open_run
from waybill.sources import Source
from waybill.submitting import Asked
from waybill.values import JobState

KINDS = click.Choice(["ndjson", "json", "csv"])
VERBS = click.Choice(["create", "patch", "overwrite", "upsert"])
ENDS = "\b\n" + "\n".join(
    f"{number:>3}  {text}" for number, text in (
        (exits.SUCCEEDED, "all operations succeeded"), (exits.PARTIAL, "some failed"), (exits.FAILED, "all failed"),
        (exits.REJECTED, "the job was rejected"), (exits.CANCELLED, "it was cancelled"), (exits.NO_ACCESS, "no access"),
        (exits.UNREACHABLE, "the server does not answer"), (exits.ERROR, "any other error"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """The command's options."""

    files: tuple[str, ...]
    kind: str | None
    dry_run: bool
    atomic: bool
    tags: tuple[str, ...]
    import_id: str | None
    again: bool
    wait: bool
    parallel: bool
    resumable: bool
    verb: str
    lab: str | None
    id_column: str | None
    columns: tuple[str, ...]
    ignore_unknown: bool
    delimiter: str

    def asked(self, beside: dict[str, Any]) -> Asked:
        """Return what is asked of the server; options add to what stands in the file."""
        tags = (*self.tags, *(tag for tag in beside.get("tags") or () if tag not in self.tags))
        atomic = self.atomic or bool(beside.get("atomic"))
        return Asked("", self.dry_run, atomic, tags, self.import_id or beside.get("import_id"), self.resumable)


@command("submit", epilog=f"Ends with\n\n{ENDS}")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "kind", type=KINDS, help="What the files are.  [default: by their names, else by how they begin]")
@click.option("--dry-run", is_flag=True, help="Store nothing; tell what would become of each operation.")
@click.option("--atomic", is_flag=True, help="All operations of a file, or none.")
@click.option("--tag", "tags", multiple=True, help="A word to find the job by; may be given several times.")
@click.option("--import-id", help="The import run that the file belongs to.")
@click.option("--again", is_flag=True, help="Send a file anew that was sent before.")
@click.option("--wait/--no-wait", default=True, help="Wait for the outcomes, or only until all is stored.")
@click.option("--resumable", is_flag=True, help="Upload even a small file so that it goes on after a break.")
@click.option("--parallel", is_flag=True, help="Let the parts of a large file run side by side; operations may change places.")
@click.option("--verb", type=VERBS, default="upsert", show_default=True, help="csv: what to do with each row.")
@click.option("--lab", help="csv: the lab that ids without one belong to, as org/lab.")
@click.option("--id-column", help="csv: the column of the ids.  [default: id, lab_record_id or record_id]")
@click.option("--map", "columns", multiple=True, metavar="COLUMN=KEY", help="csv: a column's evidence key; empty leaves it out.")
@click.option("--ignore-unknown", is_flag=True, help="csv: leave out columns that are no evidence key.")
@click.option("--delimiter", default=",", show_default=True, help="csv: what stands between columns.")
def submit(terminal: Terminal, **options: Any) -> int:
    """Send FILES of operations and show what became of them; - is standard input.

    A file is ndjson (an operation a line), json (an array, or an object with `records`) or csv (a row for each record), packed
    with gzip or zstd or not. A large one is uploaded piece by piece and becomes one job.

    When the command is stopped, or the server is, the same command goes on where it was: each operation is done once. A file
    that was sent to its end is not sent again without --again.
    """
    ask = Ask(**options)
    ends = [_one(terminal, ask, name) for name in ask.files]
    return ends[0] if len(set(ends)) == 1 else exits.PARTIAL


def _one(terminal: Terminal, ask: Ask, name: str) -> int:
    with sources.kept(name) as path:
        mapped = Mapped(
            ask.verb, ask.lab, ask.id_column, dict(map(_pair, ask.columns)), lambda: _keys(terminal), ask.ignore_unknown,
            ask.delimiter,
        )  # fmt: skip
        source = sources.open_source(path, name, ask.kind, mapped)
        with show.Bar(terminal.console, name) as bar:
            sending = _begin(terminal, ask, source, bar)
            begun = time.monotonic()
            _send(terminal, sending, bar)
            state = _follow(sending, bar) if ask.wait else sending.job.refresh()
    return _report(terminal, sending, state, time.monotonic() - begun)


def _pair(text: str) -> tuple[str, str]:
    column, equals, key = text.partition("=")
    if not equals:
        raise click.UsageError(f"--map {text}: it is COLUMN=KEY")
    return column.strip(), key.strip()


def _keys(terminal: Terminal) -> list[str]:
    return [str(key["key"]) for key in terminal.client.evidence_keys()]


@dataclass
class _Sending:
    """One file as it is sent."""

    source: Source
    asked: Asked
    run: Run
    job: Job
    in_order: bool
    total: int
    limits: Mapping[str, Any]
    known: bool  # it was sent to its end before
    finished: int = 0
    failed: int = 0
    digest: dict[str, Any] = field(default_factory=dict)


def _begin(terminal: Terminal, ask: Ask, source: Source, bar: show.Bar) -> _Sending:
    """Read the file to its end, and find out how far it was sent before."""
    bar.tell("reading")
    survey = sources.survey(source)
    if not survey.operations:
        raise click.ClickException(f"{source.name} has no operation in it")
    asked = ask.asked(dict(source.beside))
    how = json.dumps([asked.test, asked.atomic, asked.tags, asked.import_id])
    limits = terminal.client.limits()
    cut = submitting.largest_cut(limits, atomic=asked.atomic)
    run = open_run(terminal.client.url, terminal.settings.key or "", how, survey.digest, cut)
    if ask.again and run.ended:
        run.again()
    named = replace(asked, run=run.name)
    job = Job(terminal.client, *run.pieces)
    bar.move(0, total=survey.operations)
    return _Sending(source, named, run, job, not ask.parallel, survey.operations, limits, known=run.ended)


def _send(terminal: Terminal, sending: _Sending, bar: show.Bar) -> None:
    """Send the parts that were not sent before; each is noted as soon as the server has it."""
    run = sending.run
    if run.sent:
        return
    run.save()
    for part in _parts(sending):
        with part:
            if part.number < len(run.pieces):
                continue
            if sending.in_order and run.pieces:
                _await_part(terminal, sending, run.pieces[-1], bar)
            bar.tell("sending")
            piece = terminal.client.send_part(part, sending.asked, bar.sent)
            bar.move(part.first, sending.failed, sending.total)
        run.pieces.append(piece)
        sending.job.pieces.append(piece)
        run.save()
    run.sent = True
    run.save()


def _parts(sending: _Sending) -> Iterator[Part]:
    """Return what is to be sent: a large file as it is, without being packed anew, or what its operations are cut into."""
    packer = submitting.packer(sending.limits, sending.asked, sending.run.cut)
    whole = sending.source.whole if not sending.asked.sending.envelope and sending.total <= sending.run.cut.operations else None
    if whole and packer.is_large(sending.total, whole.size):
        return iter([Part(0, whole.path.open("rb"), sending.total, large=True, coding=whole.coding)])
    return pack(sending.source.lines(), packer)


def _await_part(terminal: Terminal, sending: _Sending, piece: Piece, bar: show.Bar) -> None:
    state: JobState | None = None
    for state in Job(terminal.client, piece).watch():
        bar.move(piece.first + state.finished, sending.failed + state.failed)
    sending.failed += state.failed if state else 0


def _follow(sending: _Sending, bar: show.Bar) -> JobState:
    """Follow all parts to their end."""
    state = sending.job.state
    for state in sending.job.watch():
        bar.move(state.finished, state.failed)
        if state.status == "queued":
            bar.tell("queued")
    sending.run.ended = True
    sending.run.save()
    return state


def _report(terminal: Terminal, sending: _Sending, state: JobState, seconds: float) -> int:
    told = {
        "file": sending.source.name,
        "tokens": sending.job.tokens,
        "sent_before": sending.known,
        "dry_run": sending.asked.test,
    }
    told |= {"job": state.dump(), "seconds": round(seconds, 3)}
    if state.final:
        told |= sending.job.digest().dump() if state.failed else {}
    if terminal.as_json:
        terminal.print(told)
    else:
        _tell(terminal, sending, state, told)
    return exits.of(state) if state.final else exits.SUCCEEDED


def _tell(terminal: Terminal, sending: _Sending, state: JobState, told: dict[str, Any]) -> None:
    before = " was sent before, and this is what became of it (--again sends it anew)" if sending.known else ""
    dry = " (dry run: nothing was stored)" if sending.asked.test else ""
    terminal.say(f"{sending.source.name}{before}{dry}")
    show.report(terminal.console, told)
    for token in sending.job.tokens:
        click.echo(token)
    if state.failed:
        terminal.say(f"  all failed ones: waybill results {sending.job.tokens[0]} --status failed")
