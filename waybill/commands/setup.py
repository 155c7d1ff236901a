"""Putting the command to work: a key, a look at everything, completion in the shell."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import IO

import click
from click.shell_completion import get_completion_class

from waybill import checks, config, exits
from waybill.client import Client
from waybill.commands.terminal import FIRST, Terminal, command
from waybill.errors import Problem

MARKS = {True: ("ok", "green"), False: ("!!", "red"), None: ("??", "yellow")}


@command("login")
@click.option("--name", default=config.DEFAULT, show_default=True, help="The profile to write.")
@click.option("--key-file", type=click.File(), help="Read the key from a file (- for standard input) instead of asking for it.")
def login(terminal: Terminal, name: str, key_file: IO[str] | None) -> None:
    """Keep a server's address and your key in a file that only you can read."""
    given, _ = terminal.given
    url = config.resolve(given or click.prompt("Server", default=_known())).url
    key = key_file.read().strip() if key_file else click.prompt(f"API key for {url}", hide_input=True).strip()
    with Client(url, key, patience=FIRST) as client:
        try:
            client.check()
        except Problem as problem:
            if problem.code == "unauthorized":
                raise click.ClickException("the server does not know this key; ask its administrator for one") from None
            raise
    place = config.save(name, url, key)
    terminal.print({"file": str(place), "profile": name, "url": url}) if terminal.as_json else terminal.say(f"kept in {place}")


def _known() -> str:
    return os.environ.get("WAYBILL_URL") or config.resolve().url


@command("doctor")
@click.option("--here", is_flag=True, help="On the server's machine: look at the server from inside alone, without a key.")
def doctor(terminal: Terminal, *, here: bool) -> int:
    """Look at everything that must be right, and say what to do about what is not.

    Where the server is installed, that is also its database, its broker, its disks, and whether work is done.
    """
    found: list[checks.Check] = []
    for check in checks.plugged() if here else checks.run(terminal.settings):
        found.append(check)
        if terminal.as_json:
            terminal.print(asdict(check))
            continue
        mark, colour = MARKS[check.ok]
        terminal.console.print(f"[{colour}]{mark}[/{colour}]  ", end="")
        terminal.say(f"{check.name:<12} {check.found}")
        if check.remedy:
            terminal.say(f"                 {check.remedy}")
    if not found:
        raise click.ClickException("nothing of the server is installed here: leave out --here")
    return exits.ERROR if any(check.ok is False for check in found) else exits.SUCCEEDED


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete this command: eval "$(waybill completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"there is no completion for {shell}")
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, "waybill", "_WAYBILL_COMPLETE").source())
