"""A job on a terminal: a bar while it runs, a few lines when it is over. Where there is no terminal, there is no bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from waybill.values import OUTCOMES, JobState

RETRYABLE: Mapping[object, str] = {True: ", may succeed when tried again", False: ", needs a change"}


def console() -> Console:
    """Return the terminal, or where its place is taken: what is for people goes to stderr."""
    return Console(stderr=True)


class Bar:
    """A bar with what is being done, how far it is, and how much of it failed."""

    def __init__(self, where: Console, title: str, total: int | None = None) -> None:
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
        )  # fmt: skip
        self._progress = Progress(*columns, console=where, disable=not where.is_terminal)
        self._task = self._progress.add_task(escape(title), total=total, told="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def tell(self, text: str) -> None:
        """Say what is being done beside the bar."""
        self._progress.update(self._task, told=escape(text))

    def move(self, finished: int, failed: int = 0, total: int | None = None) -> None:
        """Show how far it is."""
        told = f"{failed:,} failed" if failed else ""
        self._progress.update(self._task, completed=finished, told=told, total=total)

    def sent(self, done: int, size: int) -> None:
        """Show how much of a file is on the server, in MiB."""
        self._progress.update(self._task, completed=done >> 20, total=max(size >> 20, 1), told="MiB sent")


def follow(where: Console, name: str, states: Iterable[JobState]) -> JobState:
    """Show a job's states as a bar until it ends; return the last."""
    last: JobState | None = None
    with Bar(where, name) as bar:
        for last in states:
            bar.move(last.finished, last.failed, last.total)
            if last.paused or last.pausing:
                bar.tell("paused" if last.paused else "pausing")
            elif last.status == "queued":
                bar.tell(_queued(last))
    if last is None:
        raise ValueError("a job has at least one state")
    return last


def _queued(state: JobState) -> str:
    position = state.raw.get("queue_position")
    return "queued" if position is None else f"queued, {position:,} before it"


def report(where: Console, run: Mapping[str, Any]) -> None:
    """Print what became of one job."""
    job = run["job"]
    verdict = f"{job['status']}, {job['outcome']}" if job["outcome"] else job["status"]
    line = f"  {verdict}: {job['total']:,} operations"
    if "seconds" in run:
        line += f" in {run['seconds']:.1f} s"
    if "per_second" in run:
        line += f", {run['per_second']:,.0f} per second (stored after {run['accepted_seconds']:.1f} s)"
    where.print(line, highlight=False, soft_wrap=True)
    counts = {name: job[name] for name in OUTCOMES if job[name]}
    for title, found in (("outcomes", counts), ("records", run.get("records")), ("messages", run.get("messages"))):
        if found:
            words = ", ".join(f"{count:,} {escape(word)}" for word, count in found.items())
            where.print(f"  {title:<9} {words}", highlight=False, soft_wrap=True)
    for cause in run.get("causes", ()):
        _print_cause(where, cause)


def _print_cause(where: Console, cause: Mapping[str, Any]) -> None:
    """Print one cause of failure with its examples, a line each: wider than the terminal rather than cut."""
    again = RETRYABLE.get(cause.get("retryable"), "")
    where.print(f"  [red]{escape(cause['code'])}[/red] {cause['count']:,} failed{again}", highlight=False)
    for example in cause["examples"]:
        place = (
            f"item {example['index']}" if example.get("line") is None and "index" in example else f"line {example.get('line')}"
        )
        told = "  ".join(str(part) for part in (place, *map(example.get, ("id", "pointer", "detail"))) if part)
        where.print(f"    {told}", highlight=False, markup=False, soft_wrap=True)


def where_next(where: Console, url: str, token: str) -> None:
    """Say where the job can be looked at."""
    where.print(f"\n  The page  {url}/#/jobs/{token}", highlight=False, soft_wrap=True)
    asked = f"curl -H \"Authorization: Bearer $KEY\" '{url}/api/jobs/{token}/results?page.size=10'"
    where.print(f"  Outcomes  {asked}", highlight=False, soft_wrap=True, markup=False)
