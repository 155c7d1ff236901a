"""A job on a terminal: a bar while it runs, a few lines when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from waybill.values import Job

OUTCOMES = ("succeeded", "noop", "failed", "skipped", "cancelled")


def follow(console: Console, name: str, states: Iterable[Job]) -> Job:
    """Show a job's states as a bar until it ends; return the last."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[failed]} failed"),
    )  # fmt: skip
    last: Job | None = None
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(escape(name), total=None, failed=0)
        for last in states:
            progress.update(bar, total=last.total, completed=last.finished, failed=last.failed)
    if last is None:
        raise ValueError("a job has at least one state")
    return last


def report(console: Console, run: Mapping[str, Any]) -> None:
    """Print what became of one job."""
    job = run["job"]
    verdict = f"{job['status']}, {job['outcome']}" if job["outcome"] else job["status"]
    console.print(
        f"  {verdict}: {job['total']:,} operations in {run['seconds']:.1f} s, {run['per_second']:,.0f} per second "
        f"(stored after {run['accepted_seconds']:.1f} s)", highlight=False, soft_wrap=True,
    )  # fmt: skip
    counts = {name: job[name] for name in OUTCOMES if job[name]}
    for title, found in (("outcomes", counts), ("records", run["records"]), ("messages", run["messages"])):
        if found:
            words = ", ".join(f"{count:,} {escape(word)}" for word, count in found.items())
            console.print(f"  {title:<9} {words}", highlight=False, soft_wrap=True)
    for cause in run["causes"]:
        _print_cause(console, cause)


def _print_cause(console: Console, cause: Mapping[str, Any]) -> None:
    """Print one cause of failure with its examples, a line each: wider than the terminal rather than cut."""
    console.print(f"  [red]{escape(cause['code'])}[/red] {cause['count']:,} failed", highlight=False)
    for example in cause["examples"]:
        place = f"line {example['line']}" if example["line"] is not None else f"item {example['index']}"
        told = "  ".join(filter(None, (place, example["id"], example["pointer"], example["detail"])))
        console.print(f"    {told}", highlight=False, markup=False, soft_wrap=True)


def where_next(console: Console, url: str, token: str) -> None:
    """Say where the job can be looked at."""
    console.print(f"\n  The page  {url}/#/jobs/{token}", highlight=False, soft_wrap=True)
    asked = f"curl -H \"Authorization: Bearer $KEY\" '{url}/api/jobs/{token}/results?page.size=10'"
    console.print(f"  Outcomes  {asked}", highlight=False, soft_wrap=True, markup=False)
