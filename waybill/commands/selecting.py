"""The options that name a selection, the same for every command that has one."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from waybill.values import children, search

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)
NOTHING = "name records: by their ids, --selection FILE, --q, --where, --filter, or --all"


def asking(function: Any) -> Any:
    """Add the options that make a search."""
    for option in (
        click.option("--exclude", multiple=True, metavar="ID", help="A record to leave out; may be given several times."),
        click.option("--filter", "filters", metavar="JSON", help='A filter as the API has it: ["gene_symbol", "is", "TP53"].'),
        click.option(
            "--where", nargs=3, multiple=True, metavar="KEY OPERATOR VALUE",
            help="A condition, such as gene_symbol is TP53; all that are given must hold.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def selecting(function: Any) -> Any:
    """Add the argument and the options that make a selection."""
    function = click.option("--all", "everything", is_flag=True, help="All records that you can read.")(function)
    function = click.option("--children", "parents", multiple=True, metavar="GID", help="Project: what is right below this.")(
        function
    )
    function = click.option("--language", help="Project: the language to search in.")(function)
    function = click.option("--project", metavar="GID", help="Records of this project, named by their gids.")(function)
    function = asking(function)
    function = click.option("--q", help="Words to search for.")(function)
    function = click.option("--selection", type=FILE, help="A file: a JSON list, or an id a line; - is standard input.")(function)
    return click.argument("ids", nargs=-1)(function)


def entries(asked: Mapping[str, Any]) -> list[Any]:
    """Return the selection that the options make: ids, a file's, what is below others, a search. Raises UsageError."""
    if not asked["project"] and (asked["parents"] or asked["language"]):
        raise click.UsageError("--children and --language are for a --project")
    named = [*asked["ids"], *(read(asked["selection"]) if asked["selection"] else []), *map(children, asked["parents"])]
    found = [*named, *searches(asked)]
    if not found:
        raise click.UsageError(NOTHING)
    return found


def searches(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the search that the options make, if they make one."""
    conditions: list[Any] = [[key, operator, value(text)] for key, operator, text in asked["where"]]
    conditions += [_read_filter(asked["filters"])] if asked["filters"] else []
    if not (conditions or asked["q"] or asked["everything"]):
        return []
    found = None if not conditions else conditions[0] if len(conditions) == 1 else ["and", *conditions]
    return [search(asked["q"], found, exclude=asked["exclude"], language=asked.get("language"))]


def read(name: str) -> list[Any]:
    """Return the selection that a file has: a JSON list, or an id a line. Raises UsageError."""
    text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    if not text.lstrip().startswith(("[", "{")):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{name} is not JSON: {error}") from None
    return found if isinstance(found, list) else [found]


def value(text: str) -> Any:
    """Return what was written on a command line: a list, an object or a number where it is written as one, else the text."""
    try:
        return json.loads(text) if text[:1] in '["{0123456789-tfn' else text
    except ValueError:
        return text


def pairs(options: Sequence[str], name: str) -> dict[str, Any]:
    """Return what `--set NAME=VALUE` options say. Raises UsageError."""
    found: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{name} {option}: it is NAME=VALUE")
        found[key.strip()] = value(text)
    return found


def read_object(name: str | None) -> dict[str, Any]:
    """Return the JSON object that a file has, an empty one where none is named. Raises UsageError."""
    if name is None:
        return {}
    text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{name} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{name} is no JSON object")
    return found


def _read_filter(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--filter is not JSON: {error}") from None
