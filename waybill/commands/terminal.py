"""What all commands have in common: which server, what is printed where, and how things that go wrong are told."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from waybill import config, exits, show
from waybill.client import Client
from waybill.errors import ConfigError, Problem, Unreachable, WaybillError
from waybill.flows import Patience

FIRST = Patience(5)  # a server that does not answer at all is told of soon
LATER = 120.0  # seconds that trouble may last once it has answered
SHORT = 300  # characters of a first sentence: all of it
REMEDIES = {
    "unauthorized": "Run `waybill login`, or set WAYBILL_KEY to a key that this server knows.",
    "idempotency_key_reused": "This run was begun with other operations. Send them anew with --again.",
    "too_many_affected": "Narrow the selection, or allow more with --max-affected.",
    "subtree_too_large": "Take what is directly below it first, by --children, then the item itself.",
    "preview_too_large": "Try a smaller selection, or run it and undo it if need be.",
    "not_finished": "Wait for its end with `waybill watch TOKEN`.",
    "not_undoable": "Only jobs that changed something can be undone, not what they removed for good; `waybill jobs` shows them.",
    "gone": "Outcomes are kept for some time only (`waybill doctor` says how long); the job's summary is still there.",
    "too_many_items": "Send it in smaller parts.",
    "invalid_target": "Use an https address whose host is on the public internet.",
    "cursor_expired": "Begin again: the list behind these pages is no longer kept.",
}
RESUMED = ("submit", "export")
BY_STATUS = {401: exits.NO_ACCESS, 403: exits.NO_ACCESS}


class Terminal:
    """One run of a command. What is data goes to stdout, everything else to stderr."""

    def __init__(self, url: str | None, profile: str | None, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = show.console()
        self.given = (url, profile)

    @functools.cached_property
    def settings(self) -> config.Profile:
        """Which server, with which key. Raises ConfigError."""
        url, profile = self.given
        return config.resolve(url, profile=profile)

    @functools.cached_property
    def client(self) -> Client:
        """A client of the server, which has answered and takes the key. Raises WaybillError."""
        url, profile = self.given
        client = Client(url, profile=profile, patience=FIRST)
        client.check()
        client.patience = _patience()
        return client

    @property
    def for_people(self) -> bool:
        """Say whether somebody reads what is printed."""
        return not self.as_json and sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Tell people something."""
        if not self.as_json:
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def print(self, value: Mapping[str, Any]) -> None:
        """Print one object on a line."""
        click.echo(json.dumps(value, ensure_ascii=False, default=str))

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Print rows: as a table of these columns for people, else whole, one JSON object a line."""
        if not self.for_people:
            for row in rows:
                self.print(row)
            return
        table = Table(box=None, header_style="bold", pad_edge=False)
        cells = [[_cell(row.get(column)) for column in columns] for row in rows]
        for at, column in enumerate(columns):  # the first names the thing: it is shown whole, to be copied
            table.add_column(column, no_wrap=True, min_width=max((len(row[0]) for row in cells), default=0) if at == 0 else None)
        for line in cells:
            table.add_row(*map(escape, line))
        Console().print(table)


def _patience() -> Patience:
    """Return how long trouble may last once the server has answered. Raises ConfigError."""
    text = os.environ.get("WAYBILL_PATIENCE")
    try:
        return Patience(float(text or LATER))
    except ValueError:
        raise ConfigError(f"WAYBILL_PATIENCE is a number of seconds, unlike {text!r}") from None


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def csv_line(values: Iterable[Any]) -> str:
    """Return one line of CSV. What a spreadsheet would take for a formula is put behind an apostrophe."""
    line = io.StringIO()
    csv.writer(line).writerow([_guarded(value) for value in values])
    return line.getvalue()


def _guarded(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


class Told(click.Command):
    """A command whose errors are sentences with a remedy, and whose return value is how the command ends.

    `remedies` says by code what to do about errors of this command.
    """

    def __init__(self, *given: Any, remedies: Mapping[str, str] | None = None, **named: Any) -> None:
        super().__init__(*given, **named)
        self.remedies = remedies or {}

    def invoke(self, ctx: click.Context) -> None:
        """Run it."""
        try:
            ended = super().invoke(ctx)
        except WaybillError as error:
            _tell(ctx, error, {**REMEDIES, **self.remedies})
        except KeyboardInterrupt:
            again = " The same command goes on from here." if ctx.info_name in RESUMED else ""
            click.echo(f"\nstopped; what the server has goes on (`waybill jobs`).{again}", err=True)
            ctx.exit(exits.INTERRUPTED)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise click.ClickException(f"{error.filename or ''}: {error.strerror or error}".lstrip(": ")) from None
        if ended:
            ctx.exit(int(ended))


class Whole(click.Group):
    """A group that tells its commands by whole sentences, in the order in which they were made."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write them."""
        write_commands(formatter, "Commands", self.commands)


def write_commands(formatter: click.HelpFormatter, title: str, members: Mapping[str, click.Command]) -> None:
    """Write commands by their first sentences, if there are any."""
    rows = [(name, one.get_short_help_str(SHORT)) for name, one in members.items() if not one.hidden]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _tell(ctx: click.Context, error: WaybillError, remedies: Mapping[str, str]) -> NoReturn:
    """Say what went wrong and what to do, and end by it."""
    advice = [*getattr(error, "__notes__", ()), *filter(None, [_remedy(error, remedies)])]
    if ctx.params.get("as_json"):
        found = {"code": getattr(error, "code", type(error).__name__.lower()), "detail": getattr(error, "detail", str(error))}
        problem = {"errors": list(error.errors), "job": error.token} if isinstance(error, Problem) else {}
        click.echo(json.dumps({"error": {**found, **problem, "remedy": " ".join(advice)}}), err=True)
    else:
        click.echo(f"Error: {_sentence(error)}", err=True)
        for sentence in advice:
            click.echo(sentence, err=True)
    ctx.exit(_ending(error))


def _sentence(error: WaybillError) -> str:
    if not isinstance(error, Problem):
        return str(error)
    places = [f"line {error.line}"] if error.line is not None else [error.pointer] if error.pointer else []
    return f"{error.detail or error} ({', '.join([error.code, *places])})"


def _remedy(error: WaybillError, remedies: Mapping[str, str]) -> str:
    if isinstance(error, Unreachable):
        return "Is it running (`make run`), and is the address right (--url, WAYBILL_URL)? `waybill doctor` looks closer."
    return remedies.get(error.code, "") if isinstance(error, Problem) else ""


def _ending(error: WaybillError) -> int:
    if isinstance(error, Unreachable):
        return exits.UNREACHABLE
    if isinstance(error, Problem):
        return exits.REJECTED if error.token else BY_STATUS.get(error.status, exits.ERROR)
    return exits.ERROR


def command(name: str, **more: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of a function whose first argument is a Terminal."""

    def make(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def run(url: str | None, profile: str | None, *, as_json: bool, **given: Any) -> Any:
            return function(Terminal(url, profile, as_json=as_json), **given)

        own = vars(run).pop("__click_params__", [])
        for option in (
            click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line."),
            click.option("--profile", help="A profile of the file that `waybill login` writes.  [env: WAYBILL_PROFILE]"),
            click.option("--url", help="The server.  [env: WAYBILL_URL]"),
        ):
            run = option(run)
        vars(run)["__click_params__"] += own  # shown in the opposite order: the command's own ones first
        return click.command(name, cls=Told, **more)(run)

    return make
