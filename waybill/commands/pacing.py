"""What to do with a job that is in the way: pause it, let it go on, let it go slower."""

from __future__ import annotations

import click

from waybill import exits
from waybill.commands.jobs import TOKEN
from waybill.commands.terminal import Terminal, command
from waybill.values import JobState

FREE = "none"


@command("pause")
@TOKEN
def pause(terminal: Terminal, token: str) -> int:
    """Let a job begin nothing more until it is resumed; what was done stays done."""
    state = terminal.client.job(token).pause()
    return _tell(terminal, state, "still pausing" if state.pausing else "paused")


@command("resume")
@TOKEN
def resume(terminal: Terminal, token: str) -> int:
    """Let a paused job go on where it was."""
    return _tell(terminal, terminal.client.job(token).resume(), "goes on")


@command("pace")
@TOKEN
@click.argument("items")
def pace(terminal: Terminal, token: str, items: str) -> int:
    """Let a job do at most so many items a second; `none` lets it do as many as it can."""
    if items != FREE and not items.isdecimal():
        raise click.BadParameter(f"a whole number of items a second, or `{FREE}`", param_hint="ITEMS")
    state = terminal.client.job(token).pace(None if items == FREE else int(items))
    return _tell(terminal, state, f"at most {state.pace:,} items a second" if state.pace else "as fast as it can")


def _tell(terminal: Terminal, state: JobState, words: str) -> int:
    """Say how a job stands now; one that is over had nothing left to change."""
    if terminal.as_json:
        terminal.print(state.dump() | {"paused": state.paused, "pace": state.pace})
    terminal.say(f"{'is over' if state.final else words}: {state.finished:,} of {state.total:,} done")
    return exits.SUCCEEDED
