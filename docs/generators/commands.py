"""The commands, as click knows them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import click

from docs.generators.markdown import code, heading, table
from waybill.cli import OTHERS, SECTIONS, main

Command = tuple[str, click.Command]
NEUTRAL = {"HOME": str(Path("/home/you")), "COLUMNS": "110"}  # what a default shows must not be of this machine


def commands() -> list[Command]:
    """Return every command with all its words, groups opened."""
    root = click.Context(main, info_name="waybill")
    return list(_below(main, root, "waybill"))


def _below(group: click.Group, context: click.Context, words: str) -> Iterator[Command]:
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if found is None or found.hidden:
            continue
        if isinstance(found, click.Group):
            yield from _below(found, click.Context(found, context, name), f"{words} {name}")
        else:
            yield f"{words} {name}", found


def pages() -> Iterator[str]:
    """Give a section for each command, grouped as `waybill --help` groups them."""
    found = dict(commands())
    for title, members in SECTIONS.items():
        yield from _sections(title, {f"waybill {one.name}": one for one in members})
    ours = {id(one) for members in SECTIONS.values() for one in members}
    yield from _sections(OTHERS, {words: one for words, one in found.items() if id(one) not in ours})


def _sections(title: str, members: Mapping[str, click.Command]) -> Iterator[str]:
    yield from heading(title)
    for words, one in members.items():
        yield from _section(words, one)


def _section(words: str, one: click.Command) -> Iterator[str]:
    with mock.patch.dict(os.environ, NEUTRAL):
        context = click.Context(one, info_name=words)
        usage = " ".join(one.collect_usage_pieces(context))
        rows = [record for each in one.get_params(context) if each.name != "help" and (record := each.get_help_record(context))]
    yield from heading(words, 3, "command-" + words.removeprefix("waybill ").replace(" ", "-"))
    yield from ("```text", f"{words} {usage}".rstrip(), "```", "")
    yield from _paragraphs(one.help or "")
    if rows:
        yield from table(("option", "what it does"), ((code(option), _text(meaning)) for option, meaning in rows))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.replace("\b", "").split("\n\n"):
        yield from (_text(paragraph), "")


def _text(text: str) -> str:
    """Return help as Markdown: what stands in angle or square brackets is meant as it stands."""
    return " ".join(text.split()).replace("[", r"\[").replace("]", r"\]").replace("<", "&lt;").replace("*", r"\*")
