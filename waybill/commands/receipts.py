"""`waybill receipt`: the proof of what was sent and of what became of it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from waybill import exits
from waybill.commands.terminal import Terminal, command
from waybill.receipts import Mismatch, Receipt

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command("receipt")
@click.argument("token")
@click.option("--verify", "sent", type=FILE, help="The file that was sent: compute all digests again, and check the signature.")
@click.option("--receipt", "kept", type=FILE, help="A receipt that was kept, instead of the server's.")
@click.option("--ledger", type=FILE, help="A ledger that was kept, instead of the server's.")
@click.option("--save-ledger", type=click.Path(dir_okay=False, path_type=Path), help="Where to keep the ledger.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of standard output.")
def receipt(terminal: Terminal, token: str, **asked: Any) -> int:
    """Write the receipt of a job that has ended: signed digests of its input and of what became of each item.

    With --verify the input's digest is computed from your file, that of the ledger from what the server tells now, or from the
    ledger that you kept. A file of lines is compared as it is, a JSON file as `waybill submit` sends it.
    """
    found = Receipt.load(asked["kept"]) if asked["kept"] else terminal.client.job(token).receipt()
    if asked["save_ledger"]:
        terminal.client.job(token).save_ledger(asked["save_ledger"])
    if asked["sent"]:
        return _verify(terminal, token, found, asked)
    text = json.dumps({"token": token, "receipt": found.facts, "jws": found.jws}, ensure_ascii=False, indent=1)
    asked["output"].write_text(text + "\n", encoding="utf-8") if asked["output"] else click.echo(text)
    return exits.SUCCEEDED


def _verify(terminal: Terminal, token: str, found: Receipt, asked: dict[str, Any]) -> int:
    """Compute everything again and say what it gave."""
    kept = asked["ledger"] or asked["save_ledger"]
    with tempfile.TemporaryDirectory(prefix="waybill-ledger-") as folder:
        ledger = kept or Path(folder, "ledger.ndjson")
        if not kept:
            terminal.client.job(token).save_ledger(ledger)
        try:
            found.verify(terminal.client.receipt_keys(), token)
            found.compare(items=asked["sent"], ledger=ledger)
        except Mismatch as differs:
            terminal.print({"verified": False, "why": str(differs)}) if terminal.as_json else terminal.say(f"  not so: {differs}")
            return exits.FAILED
    counts = {"items": found.facts["input"]["items"], "rows": found.facts["ledger"]["rows"]}
    told = f"  verified: {counts['items']:,} items as sent, {counts['rows']:,} rows of the ledger, and the signature"
    terminal.print({"verified": True, **counts}) if terminal.as_json else terminal.say(told)
    return exits.SUCCEEDED
