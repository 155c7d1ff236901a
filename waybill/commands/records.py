"""What to do with records: read a selection page by page, search, export."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click

from waybill import exits, tables
from waybill.commands.jobs import as_line, writing
from waybill.commands.selecting import asking, entries, searches, selecting
from waybill.commands.terminal import Terminal, command, csv_line
from waybill.projects import Project

FOUND = ("id", "publish", "gene_symbol", "c_hgvs", "clinical_significance", "condition", "withdrawn")
EVERYTHING = 1_000
OUTPUTS = click.Choice(["ndjson", "json", "csv", "redcap", "parquet"])


@command("get")
@selecting
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV: a row for each record, a column for each key.")
@click.option("--ids-only", is_flag=True, help="Write the ids alone, one a line.")
@click.option("--count", "only_count", is_flag=True, help="Only say how many there are.")
@click.option("--limit", default=0, help="How many at most.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of standard output.")
def get(terminal: Terminal, **asked: Any) -> None:
    """Write the records of a selection, one JSON object a line.

    The selection is what is named: IDS, those of a file, and what a search finds, in this order. The pages do not shift while
    they are read: what was selected at the first is what all show.
    """
    chosen = entries(asked)
    project = terminal.client.project(asked["project"]) if asked["project"] else None
    if asked["only_count"]:
        click.echo((project or terminal.client).count(chosen, allow_all=asked["everything"]))
    elif project:
        _write_items(project, chosen, asked)
    else:
        _write_records(terminal, chosen, asked)


def _write_records(terminal: Terminal, chosen: list[Any], asked: Mapping[str, Any]) -> None:
    data: bool | str = False if asked["ids_only"] else "flat" if _is_csv(asked) else True
    found = islice(
        terminal.client.records(chosen, size=EVERYTHING, data=data, allow_all=asked["everything"]), asked["limit"] or None
    )
    with writing(asked["output"]) as write:
        if _is_csv(asked):
            _write_csv(map(tables.record_row, found), write)
        else:
            for record in found:
                write(f"{record['id']}\n" if asked["ids_only"] else as_line(record))


def _write_items(project: Project, chosen: list[Any], asked: Mapping[str, Any]) -> None:
    if _is_csv(asked):
        raise click.UsageError("records of a project are no table: their values have languages; leave out --csv")
    found = islice(project.items(chosen, size=EVERYTHING, allow_all=asked["everything"]), asked["limit"] or None)
    with writing(asked["output"]) as write:
        for item in found:
            write(f"{item['gid']}\n" if asked["ids_only"] else as_line(item))


def _is_csv(asked: Mapping[str, Any]) -> bool:
    return bool(asked["as_csv"] or (asked["output"] and asked["output"].suffix == ".csv"))


def _write_csv(rows: Iterable[Mapping[str, Any]], write: Callable[[str], Any]) -> None:
    """Write rows whose columns are only known at their end; they are kept on disk until then."""
    columns: dict[str, None] = {}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as kept:
        for row in rows:
            columns |= dict.fromkeys(row)
            kept.write(as_line(row))
        kept.seek(0)
        write(csv_line(columns))
        for line in kept:
            row = json.loads(line)
            write(csv_line(row.get(column) for column in columns))


@command("search")
@click.argument("words", nargs=-1)
@asking
@click.option("--limit", default=20, show_default=True, help="How many at most; 0 for all.")
def search(terminal: Terminal, words: tuple[str, ...], limit: int, **asked: Any) -> None:
    """Show the records that WORDS find, best first; on a terminal as a table, else one JSON object a line."""
    entries = searches({**asked, "q": " ".join(words) or None, "everything": False})
    if not entries:
        raise click.UsageError("say what to search for: words, --where or --filter")
    found = terminal.client.records(
        entries, size=min(limit or EVERYTHING, EVERYTHING), data="flat" if terminal.for_people else True
    )
    rows = islice(found, limit or None)
    terminal.rows(map(tables.record_row, rows) if terminal.for_people else rows, FOUND)
    if terminal.for_people and (total := terminal.client.count(entries)) > limit > 0:
        terminal.say(f"{total:,} in all; --limit shows more, `waybill get` writes them to a file")


@command("export")
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="The file, or a folder for several."
)
@click.option("--format", "output", type=OUTPUTS, help="What to write.  [default: by the file's name, else ndjson]")
@click.option(
    "--level", type=click.Choice(["editable", "logged_in_users", "public"]), help="Which records: yours, or an audience's."
)
@click.option("--lab", "labs", multiple=True, help="Only this lab; may be given several times.")
@click.option("--exclude-lab", "left_out", multiple=True, help="Not this lab; may be given several times.")
@click.option("--after", type=float, help="Only records published after this time (UNIX seconds).")
@click.option("--group-by", help="A zip with an entry for each value: all, variant or an evidence key.")
@click.option("--labels", is_flag=True, help="Write the words that people read instead of keys.")
@click.option("--limit", type=int, help="How many at most.")
@click.option("--rows-per-file", type=int, help="How many records a file has at most.")
def export(terminal: Terminal, target: Path, **asked: Any) -> int:
    """Write all records you can read to a file. One that was interrupted goes on when the same command is given again."""
    output = asked.pop("output") or {".csv": "csv", ".json": "json", ".parquet": "parquet"}.get(target.suffix, "ndjson")
    labs, left_out, labels = (asked.pop(name) for name in ("labs", "left_out", "labels"))
    more = {"labs_include": ",".join(labs) or None, "labs_excluded": ",".join(left_out) or None}
    more |= {"value_format": "labels" if labels else None}
    made = terminal.client.export(target, output=output, progress=not terminal.as_json, **asked, **more)
    if terminal.as_json:
        files = [str(file) for file in made.files]
        terminal.print({"token": made.token, "files": files, "rows": made.rows, "complete": made.complete})
    else:
        for file in made.files:
            click.echo(file)
        terminal.say(f"{made.rows:,} records" + ("" if made.complete else "; some files could not be made"))
        if not made.rows and not asked["level"]:
            terminal.say("Only records shared with all users are exported unless --level editable asks for those of your labs.")
    return exits.SUCCEEDED if made.complete else exits.PARTIAL
