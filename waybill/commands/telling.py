"""What one is told of: notices, which the server keeps, and webhooks, which it calls."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, takewhile
from typing import Any

import click

from waybill import exits
from waybill.commands.terminal import Terminal, Whole, command
from waybill.notices import MOST_COUNTED
from waybill.webhooks import DELIVERY, EVENTS, Webhook, WebhookSecret

NOTICE_COLUMNS = ("id", "kind", "what", "outcome", "total", "failed", "happened_on", "seen")
WEBHOOK_COLUMNS = ("id", "url", "status", "reason", "waiting", "last", "next_try_on")
DELIVERY_COLUMNS = ("id", "event", "token", "status", "tries", "answer", "error", "created_on")
WEBHOOK = click.argument("webhook", metavar="ID")
NOT_FOUND = {"not_found": "`waybill webhooks list` shows yours."}


@command("notices")
@click.option("--unseen", "fresh", is_flag=True, help="Only those that have not been seen.")
@click.option("--seen", is_flag=True, help="Note that these, and all that happened before them, have been seen.")
@click.option("--limit", default=20, show_default=True, help="How many at most; 0 for all.")
def notices(terminal: Terminal, *, fresh: bool, seen: bool, limit: int) -> None:
    """List what happened to your jobs and webhooks, newest first."""
    client = terminal.client
    found = client.notices(size=min(limit or 1_000, 1_000))
    shown = list(islice(takewhile(lambda notice: not (fresh and notice.seen), found), limit or None))
    terminal.rows((notice.row() if terminal.for_people else notice.dump() for notice in shown), NOTICE_COLUMNS)
    if seen and shown:
        client.see(shown[0])
    elif terminal.for_people and (left := client.unseen()):
        terminal.say(f"{left}{' or more' if left >= MOST_COUNTED else ''} not seen; --seen notes that they are")


@click.group("webhooks", cls=Whole)
def webhooks() -> None:
    """Let addresses of yours be told when your jobs end."""


def webhook_command(name: str, **remedies: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of the group; its name has both words, as it is listed with all others."""

    def make(function: Callable[..., Any]) -> click.Command:
        made = command(f"webhooks {name}", remedies=NOT_FOUND | remedies)(function)
        webhooks.add_command(made, name)
        return made

    return make


@webhook_command("list")
def list_all(terminal: Terminal) -> None:
    """List your webhooks and how they stand."""
    found = terminal.client.webhooks.list()
    terminal.rows((_row(webhook) if terminal.for_people else webhook.dump() for webhook in found), WEBHOOK_COLUMNS)


def _row(webhook: Webhook) -> dict[str, Any]:
    return webhook.dump() | {"last": (webhook.last_delivery or {}).get("status")}


@webhook_command("add", invalid_state="Remove one that is not needed with `waybill webhooks remove ID`.")
@click.argument("address", metavar="URL")
@click.option(
    "--event", "events", type=click.Choice(EVENTS), multiple=True, help="What to tell; may be repeated.  [default: all]"
)
def add(terminal: Terminal, address: str, events: tuple[str, ...]) -> None:
    """Let URL be told when your jobs end; prints the webhook's id, and its secret, which is told this once."""
    _tell_secret(terminal, terminal.client.webhooks.create(address, events or None))


@webhook_command("rotate")
@WEBHOOK
def rotate(terminal: Terminal, webhook: str) -> None:
    """Give a webhook a new secret; for a day the one before signs beside it."""
    _tell_secret(terminal, terminal.client.webhooks.rotate(webhook))


def _tell_secret(terminal: Terminal, made: WebhookSecret) -> None:
    if terminal.as_json:
        terminal.print(made.dump())
        return
    click.echo(f"{made.id}\n{made.secret}")
    terminal.say("The second line is the secret, which is told this once: keep it where signatures are verified.")


@webhook_command("enable", invalid_state="`waybill webhooks rotate ID` gives it a new secret, which enables it too.")
@WEBHOOK
def enable(terminal: Terminal, webhook: str) -> None:
    """Let a disabled webhook be told again, what waits first."""
    _tell(terminal, terminal.client.webhooks.enable(webhook))


@webhook_command("disable")
@WEBHOOK
def disable(terminal: Terminal, webhook: str) -> None:
    """Let a webhook be told nothing more until it is enabled."""
    _tell(terminal, terminal.client.webhooks.disable(webhook))


def _tell(terminal: Terminal, webhook: Webhook) -> None:
    if terminal.as_json:
        terminal.print(webhook.dump())
    terminal.say(f"{webhook.url} is {webhook.status}")


@webhook_command("remove")
@WEBHOOK
def remove(terminal: Terminal, webhook: str) -> None:
    """Remove a webhook with the log of its deliveries."""
    terminal.client.webhooks.delete(webhook)
    terminal.print({"id": webhook, "removed": True}) if terminal.as_json else terminal.say("removed")


@webhook_command("deliveries")
@WEBHOOK
@click.option("--status", type=click.Choice(DELIVERY), help="Only those that stand so.")
@click.option("--limit", default=20, show_default=True, help="How many at most; 0 for all.")
def deliveries(terminal: Terminal, webhook: str, *, status: str | None, limit: int) -> None:
    """List what a webhook was or is to be told, newest first, and what its receiver answered."""
    found = terminal.client.webhooks.deliveries(webhook, status, size=min(limit or 1_000, 1_000))
    rows = (one.row() if terminal.for_people else one.dump() for one in islice(found, limit or None))
    terminal.rows(rows, DELIVERY_COLUMNS)


@webhook_command(
    "replay",
    not_found="`waybill webhooks list` shows your webhooks, `waybill webhooks deliveries ID` what each was told.",
    invalid_state="Let it be told again first: `waybill webhooks enable ID`.",
)
@WEBHOOK
@click.argument("delivery", required=False)
@click.option("--failed", is_flag=True, help="All that failed, in their order.")
def replay(terminal: Terminal, webhook: str, *, delivery: str | None, failed: bool) -> int:
    """Deliver something again by the same id: DELIVERY, or with --failed all that failed."""
    if bool(delivery) == failed:
        raise click.UsageError("say what to deliver again: the id of a DELIVERY, or --failed")
    if delivery:
        again = terminal.client.webhooks.replay(webhook, delivery)
        terminal.print(again.dump()) if terminal.as_json else terminal.say(f"{again.event} of {again.token} is delivered again")
        return exits.SUCCEEDED
    number = terminal.client.webhooks.replay_failed(webhook)
    terminal.print({"replayed": number}) if terminal.as_json else terminal.say(f"{number:,} are delivered again")
    return exits.SUCCEEDED
