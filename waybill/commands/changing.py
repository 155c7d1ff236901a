"""Commands that change all records of a selection at once, as one job; each can tell beforehand what it would do."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import click

from waybill import exits, show
from waybill.commands.jobs import begun
from waybill.commands.selecting import FILE, entries, pairs, read_object, selecting
from waybill.commands.terminal import Terminal, command
from waybill.digest import digest
from waybill.jobs import Job
from waybill.values import Result

SHOWN = 5  # examples of a preview
TOLD_WHOLE = 10_000  # items of a preview whose words are all counted
REASONS = click.Choice(["SHARED_BY_MISTAKE", "DUPLICATE", "SENSITIVE_DATA", "OTHER"])
KINDS = click.Choice(["records", "assets", "schema"])
ABOUT = "The selection is named as for `waybill get`. A run is one job: `waybill undo TOKEN` takes back what it changed."


@dataclass(frozen=True)
class Change:
    """What is to be done: the verb as the API has it, how it is said to people, its own parameters, to which items."""

    verb: str
    says: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "records"


Make = Callable[..., Change]


def changing(name: str) -> Callable[[Make], click.Command]:
    """Make a command of a function that says what is to be done by its own options; all else is the same for all."""

    def make(function: Make) -> click.Command:
        @functools.wraps(function)
        def run(terminal: Terminal, **options: Any) -> int:
            asked = {option: options.pop(option) for option in COMMON}
            return carry_out(terminal, function(project=asked["project"], **options), asked)

        own = vars(run).pop("__click_params__", [])  # to be shown before what is common
        for option in HOW:
            run = option(run)
        run = selecting(run)
        vars(run)["__click_params__"] += own
        return command(name, epilog=ABOUT)(run)

    return make


HOW = (
    click.option("--wait/--no-wait", default=True, help="Wait for its end."),
    click.option("--tag", "tags", multiple=True, help="A word to find the job by; may be given several times."),
    click.option("--atomic", is_flag=True, help="All records, or none (not in projects)."),
    click.option("--on-drift", type=click.Choice(["apply", "skip"]), help="Records that match no more at their turn."),
    click.option("--plan", metavar="TOKEN", help="Only if all is as it was at the preview that gave this."),
    click.option("--max-affected", type=click.IntRange(0), metavar="N", help="Refuse to change more than N."),
    click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked, unless there is a --plan."),
    click.option("--preview", is_flag=True, help="Change nothing; tell what would become of how many, with examples."),
)
COMMON = (
    "ids", "selection", "q", "where", "filters", "exclude", "project", "language", "parents", "everything",
    "preview", "yes", "max_affected", "plan", "on_drift", "atomic", "tags", "wait",
)  # fmt: skip


@changing("delete")
@click.option("--reason", type=REASONS, help="Kept with records that are withdrawn because they were shared.")
@click.option("--assets", is_flag=True, help="Project: assets instead of records.")
@click.option("--for-good", is_flag=True, help="Project: remove what is deleted already; this is not undone.")
def delete(project: str | None, *, reason: str | None, assets: bool, for_good: bool) -> Change:
    """Delete the records of a selection: those never shared go, shared ones are withdrawn.

    In a project records are deleted with all that is below them, and come back with `waybill undelete`.
    """
    if not project:
        _only_projects({"--assets": assets, "--for-good": for_good})
        return Change("delete", "Delete", {"delete_reason": reason})
    if reason:
        raise click.UsageError("--reason means nothing in a project")
    kind = "assets" if assets else "records"
    return Change("permanent_delete", "Remove for good", kind=kind) if for_good else Change("delete", "Delete", kind=kind)


@changing("undelete")
@click.option("--assets", is_flag=True, help="Assets instead of records.")
def undelete(project: str | None, *, assets: bool) -> Change:
    """Take deletions of a project's records back, with all that each took along."""
    _require_project(project)
    return Change("undelete", "Bring back", kind="assets" if assets else "records")


@changing("publish")
@click.option("--level", metavar="LEVEL", help="Who shall see them: lab, institution, logged_in_users or public.")
@click.option("--channel", "channels", multiple=True, metavar="KEY", help="Project: a channel to set them on in.")
def publish(project: str | None, *, level: str | None, channels: tuple[str, ...]) -> Change:
    """Publish the records of a selection at a share level; in a project, set them on in channels."""
    if project:
        if level:
            raise click.UsageError("a project has channels and no share levels: --channel KEY")
        return Change("publish", "Publish", {"channels": list(channels)})
    _only_projects({"--channel": channels})
    if level is None:
        raise click.UsageError("say for whom: --level lab, institution, logged_in_users or public")
    return Change("publish", "Publish", {"publish": level})


@changing("patch")
@click.option("--set", "values", multiple=True, metavar="KEY=VALUE", help="Evidence; a value may be JSON, null empties it.")
@click.option("--evidence", type=FILE, help="A file with a JSON object of evidence; --set adds to it.")
@click.option("--level", metavar="LEVEL", help="Publish them too.")
@click.option("--source", help="What the evidence comes from, as the API has it.")
def patch(project: str | None, *, values: tuple[str, ...], evidence: str | None, level: str | None, source: str | None) -> Change:
    """Merge the same evidence into each record of a selection."""
    if project:
        raise click.UsageError("records of a project are changed with `waybill update`")
    given = {**read_object(evidence), **pairs(values, "--set")}
    if not given:
        raise click.UsageError("say what to change: --set KEY=VALUE or --evidence FILE")
    return Change("patch", "Patch", {"patch": given, "publish": level, "source": source})


@changing("update")
@click.option("--set", "values", multiple=True, metavar="FIELD=VALUE", help="A value in --language, by a field's name or gid.")
@click.option("--fields", type=FILE, help='A file: {"en": {"title": "..."}}, a language and in it fields; --set adds to it.')
@click.pass_context
def update(context: click.Context, project: str | None, *, values: tuple[str, ...], fields: str | None) -> Change:
    """Give each of a project's records the same values."""
    _require_project(project)
    given = read_object(fields)
    language = context.params["language"]
    if values and not language:
        raise click.UsageError("say in which language --set is: --language en")
    if values:
        given[language] = {**given.get(language, {}), **pairs(values, "--set")}
    if not given:
        raise click.UsageError("say what to change: --set FIELD=VALUE or --fields FILE")
    return Change("update", "Update", {"fields": given})


@changing("move")
@click.option("--to", "parent", required=True, metavar="GID", help="The record or folder that they are to hang below.")
@click.option("--before", "before_record", metavar="GID", help="The record that they are to stand before.")
@click.option("--ordering", metavar="KEY", help="The ordering in which --before counts.")
@click.option("--assets", is_flag=True, help="Assets instead of records.")
def move(project: str | None, *, assets: bool, **target: Any) -> Change:
    """Hang a project's records below another one, with all that is below them."""
    _require_project(project)
    return Change("move", "Move", target, "assets" if assets else "records")


@changing("bulk")
@click.argument("verb")
@click.option("--kind", type=KINDS, default="records", show_default=True, help="Project: which items.")
@click.option("--param", "values", multiple=True, metavar="NAME=VALUE", help="A parameter of the operation; may be JSON.")
@click.option("--params", type=FILE, help="A file with a JSON object of parameters; --param adds to it.")
def bulk(project: str | None, *, verb: str, kind: str, values: tuple[str, ...], params: str | None) -> Change:
    """Run any operation over a selection by its name in the API: VERB is such as duplicate, link or channels/set."""
    if not project and kind != "records":
        raise click.UsageError("--kind is for a --project")
    return Change(verb, f"Run {verb} over", {**read_object(params), **pairs(values, "--param")}, kind)


def _require_project(project: str | None) -> None:
    if not project:
        raise click.UsageError("this is for records of a project: --project GID")


def _only_projects(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if value:
            raise click.UsageError(f"{name} is for a --project")


def carry_out(terminal: Terminal, change: Change, asked: Mapping[str, Any]) -> int:
    """Preview a change, or ask and run it; return how the command ends."""
    chosen = entries(asked)
    how = {name: asked[name] or None for name in ("on_drift", "tags", "atomic")} | {"max_affected": asked["max_affected"]}
    how |= {"allow_all": asked["everything"] or None, "plan_token": asked["plan"]}
    if asked["preview"]:
        return _preview(terminal, _begin(terminal, change, asked, chosen, {**how, "test": True}))
    if not asked["yes"]:
        how["max_affected"] = _ask(terminal, change, asked, chosen)
    job = _begin(terminal, change, asked, chosen, how)
    return begun(terminal, job, wait=asked["wait"])


def _begin(terminal: Terminal, change: Change, asked: Mapping[str, Any], chosen: list[Any], how: Mapping[str, Any]) -> Job:
    parameters = {name: value for name, value in {**change.parameters, **how}.items() if value is not None}
    if asked["project"]:
        return terminal.client.project(asked["project"]).bulk(change.verb, chosen, kind=change.kind, **parameters)
    return terminal.client.bulk(change.verb, chosen, **parameters)


def _ask(terminal: Terminal, change: Change, asked: Mapping[str, Any], chosen: list[Any]) -> int | None:
    """Ask whoever watches; return how many may be changed then: what was agreed to, and no more that came since.

    A plan that nobody can be asked about was agreed to at its preview. Raises UsageError where there is none either.
    """
    most: int | None = asked["max_affected"]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        if asked["plan"]:
            return most
        raise click.UsageError(
            "nobody can be asked here, as this is no terminal: add --yes to go on, or look first with --preview"
        )
    everything = asked["everything"]
    if asked["project"]:
        number = terminal.client.project(asked["project"]).count(chosen, kind=change.kind, allow_all=everything)
    else:
        number = terminal.client.count(chosen, allow_all=everything)
    if most is None or number <= most:
        click.confirm(f"{change.says} {number:,} {_noun(change.kind, number)}?", abort=True, err=True)
    return number if most is None else most


def _noun(kind: str, number: int) -> str:
    noun = {"records": "record", "assets": "asset", "schema": "schema item"}[kind]
    return noun if number == 1 else f"{noun}s"


def _preview(terminal: Terminal, job: Job) -> int:
    state = job.wait() if terminal.as_json else show.follow(terminal.console, job.token[:8], job.watch())
    whole = digest(job.results() if state.total <= TOLD_WHOLE else ()).dump()
    whole["messages"].pop("test_mode", None)  # that it is a test is said already
    examples = [_example(result) for result in islice(job.results("succeeded"), SHOWN)]
    plan = (state.raw.get("info") or {}).get("plan_token")
    causes = job.digest().dump()["causes"] if state.failed else []
    told: dict[str, Any] = {"preview": True, "job": state.dump(), **whole, "causes": causes, "examples": examples}
    told |= {"plan": plan} if plan else {}
    if terminal.as_json:
        terminal.print(told)
        return exits.of(state)
    terminal.say("preview: nothing was changed")
    show.report(terminal.console, told)
    for example in examples:
        terminal.say(f"    {example['id']}  would be {example['word']}")
    if plan:
        terminal.say("  to do just this, and only if nothing has changed since, run the same command with --plan:")
        click.echo(plan)
    return exits.of(state)


def _example(result: Result) -> dict[str, Any]:
    return {"id": result.id, "word": result.word}
