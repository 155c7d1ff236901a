"""X16: a job's receipt, verified by the client from its own file and the ledger that it downloads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.db import driver, transaction
from tests.goals.conftest import World, upsert
from waybill import Client
from waybill.receipts import Mismatch, Receipt


def test_x16_a_receipt_is_verified_from_ones_own_file_and_breaks_with_one_row(world: World, tmp_path: Path) -> None:
    operations = [upsert(f"receipt-{number}") for number in range(1_500)] + [{"id": "nowhere/lab/1", "upsert": {}}]
    sent, ledger = tmp_path / "sent.ndjson", tmp_path / "ledger.ndjson"
    sent.write_text("".join(json.dumps(operation) + "\n" for operation in operations), encoding="utf-8")
    with Client(world.parts.url, "key-for-tests-ann") as client, sent.open("rb") as body:
        job = client.submit_body(body)
        job.wait()
        receipt, keys = job.receipt(), client.receipt_keys()
        job.save_ledger(ledger)
    receipt.verify(keys)
    assert (receipt.facts["counts"]["succeeded"], receipt.facts["counts"]["failed"]) == (1_500, 1)
    receipt.compare(items=sent, ledger=ledger)

    rows = ledger.read_text(encoding="utf-8").splitlines()
    ledger.write_text("\n".join([*rows[:700], rows[700].replace("succeeded", "noop"), *rows[701:], ""]), encoding="utf-8")
    with pytest.raises(Mismatch, match="ledger"):
        receipt.compare(ledger=ledger)
    sent.write_text(sent.read_text(encoding="utf-8").replace("one/receipt-99", "one/receipt-98"), encoding="utf-8")
    with pytest.raises(Mismatch, match="items"):
        receipt.compare(items=sent)
    header, payload, signature = receipt.jws.split(".")
    with pytest.raises(Mismatch, match="signature"):
        Receipt(f"{header}.{payload[:-4]}AAAA.{signature}").verify(keys)

    with transaction() as session:
        driver(session).execute("UPDATE outcomes SET version = version + 1 WHERE index = 3")
    with Client(world.parts.url, "key-for-tests-ann") as client:
        again = client.job(receipt.facts["token"])
        again.save_ledger(ledger)
        assert again.receipt().jws == receipt.jws
    with pytest.raises(Mismatch, match="ledger"):
        receipt.compare(ledger=ledger)
