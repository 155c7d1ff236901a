"""A job on a terminal: a bar while it runs, tables when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

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
        f"(stored after {run['accepted_seconds']:.1f} s)", highlight=False,
    )  # fmt: skip
    counts = {name: job[name] for name in OUTCOMES if job[name]}
    for title, found in (("outcomes", counts), ("records", run["records"]), ("messages", run["messages"])):
        if found:
            words = ", ".join(f"{count:,} {escape(word)}" for word, count in found.items())
            console.print(f"  {title:<9} {words}", highlight=False)
    if run["causes"]:
        console.print(_causes(run["causes"]))


def _causes(causes: Iterable[Mapping[str, Any]]) -> Table:
    table = Table("code", "count", "line", "record", "why", title="Failed items", title_justify="left")
    for cause in causes:
        for place, example in enumerate(cause["examples"]):
            first = (escape(cause["code"]), f"{cause['count']:,}") if place == 0 else ("", "")
            why = " ".join(filter(None, (example["pointer"], example["detail"])))
            number = example["index"] if example["line"] is None else example["line"]
            table.add_row(*first, str(number), escape(str(example["id"] or "")), escape(why))
    return table


def where_next(console: Console, url: str, token: str) -> None:
    """Say where the job can be looked at."""
    console.print(f"\n  The page  {url}/#/jobs/{token}", highlight=False, soft_wrap=True)
    asked = f"curl -H \"Authorization: Bearer $KEY\" '{url}/api/jobs/{token}/results?page.size=10'"
    console.print(f"  Outcomes  {asked}", highlight=False, soft_wrap=True, markup=False)
