"""Receipts: digests that anybody computes again, under a signature that anybody verifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from models.db import alone, driver, transaction
from models.jobs import receipts as rules
from models.settings import settings
from tests.web.conftest import BULK, GOOD, RECORD, Caller, count, upserts
from web import receipts
from worker.housekeeping import keep_house

LINES = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}


def lines(number: int, **more: Any) -> bytes:
    return b"".join(json.dumps(operation).encode() + b"\n" for operation in upserts(number, **more))


def send(caller: Caller, body: bytes, *, address: str = "", **headers: str) -> str:
    response = caller.open(RECORD + address, method="POST", data=body, headers=LINES | headers)
    assert response.status_code == 202, response.text
    return str(response.json["result"]["job.token"])


def receipt_of(caller: Caller, token: str) -> Any:
    response = caller.get(f"/api/jobs/{token}/receipt")
    assert response.status_code == 200, response.text
    return response.json


def ledger_of(caller: Caller, token: str) -> bytes:
    response = caller.get(f"/api/jobs/{token}/receipt/ledger")
    assert response.status_code == 200, response.text
    return response.data


def verified(caller: Caller, jws: str) -> Any:
    """Verify as any program would: by the published keys and a library for signatures."""
    known = jwt.PyJWKSet.from_dict(caller.get("/.well-known/jwks.json").json)
    key = known[jwt.get_unverified_header(jws)["kid"]]
    return json.loads(jwt.PyJWS().decode(jws, key, algorithms=["EdDSA"]))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_digests_are_those_of_the_file_and_of_the_ledger(ann: Caller, work_all: Callable[[], None]) -> None:
    body = lines(2500) + b'{"id": "north/one/bad", "upsert": 7}\n'
    token = send(ann, body)
    work_all()
    told = receipt_of(ann, token)
    facts = verified(ann, told["jws"])
    assert facts == told["receipt"]
    assert facts["input"] == {"kind": "operations", "items": 2501, "sha256": sha256(body)}
    ledger = ledger_of(ann, token)
    assert facts["ledger"] == {"rows": 2501, "sha256": sha256(ledger)}
    assert (facts["token"], facts["job"], facts["submitter"], facts["outcome"]) == (
        token,
        "bulk_classifications",
        "ann",
        "partial",
    )
    assert facts["counts"] == {"total": 2501, "succeeded": 2500, "failed": 1, "skipped": 0, "noop": 0, "cancelled": 0}
    rows = [json.loads(line) for line in ledger.splitlines()]
    assert [row["index"] for row in rows] == list(range(2501))
    assert (rows[0]["id"], rows[0]["line"], rows[0]["status"], rows[0]["error"]) == ("north/one/r0", 1, "succeeded", None)
    assert rows[-1]["error"]["pointer"] == "/upsert"


@pytest.mark.parametrize("harm", [
    "status = 'noop'", "target = 'north/one/other'", "version = version + 1", "ref = 'x'", "line = line + 1",
    "record_id = record_id + 1", "info = jsonb_set(info, '{share}', '2')", "code = 'x', detail = 'y'",
])  # fmt: skip
def test_changing_anything_in_one_row_breaks_the_receipt(ann: Caller, work_all: Callable[[], None], harm: str) -> None:
    token = send(ann, lines(3))
    work_all()
    facts = receipt_of(ann, token)["receipt"]
    assert facts["ledger"]["sha256"] == sha256(ledger_of(ann, token))
    with transaction() as session:
        assert driver(session).execute(f"UPDATE outcomes SET {harm} WHERE index = 1").rowcount == 1
    assert facts["ledger"]["sha256"] != sha256(ledger_of(ann, token))
    assert receipt_of(ann, token)["receipt"] == facts


@pytest.mark.parametrize(("chunk", "lanes"), [("1000", "4"), ("2", "3"), ("1", "1")])
def test_the_digest_of_the_input_does_not_depend_on_chunks(
    ann: Caller, work_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch, chunk: str, lanes: str
) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_ITEMS", chunk)
    monkeypatch.setenv("WAYBILL_LANES", lanes)
    settings.cache_clear()
    try:
        token = send(ann, lines(9))
        work_all()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert receipt_of(ann, token)["receipt"]["input"]["sha256"] == sha256(lines(9))


@pytest.mark.parametrize("more", [{}, {"group": "all"}])
def test_blanks_around_items_do_not_count(ann: Caller, work_all: Callable[[], None], more: dict[str, Any]) -> None:
    plain = lines(4, **more)
    spaced = b" \r\n".join(b"  " + line for line in plain.splitlines())
    array = b'{"records": [ ' + b" ,\n ".join(plain.splitlines()) + b"]}"
    tokens = [send(ann, plain), send(ann, b"\n\n" + spaced)]
    tokens.append(send(ann, array, **{"Content-Type": "application/json"}))
    work_all()
    assert {receipt_of(ann, token)["receipt"]["input"]["sha256"] for token in tokens} == {sha256(plain)}


def test_groups_that_lie_across_each_other_keep_the_order_of_the_input(ann: Caller, work_all: Callable[[], None]) -> None:
    operations = [{"id": f"north/one/r{at}", "upsert": GOOD, "group": str(at % 3)} for at in range(9)]
    body = b"".join(json.dumps(operation).encode() + b"\n" for operation in operations)
    token = send(ann, body)
    work_all()
    assert receipt_of(ann, token)["receipt"]["input"]["sha256"] == sha256(body)


def test_a_job_over_a_selection_tells_its_members(ann: Caller, work_all: Callable[[], None]) -> None:
    send(ann, lines(3))
    work_all()
    selection = [f"north/one/r{at}" for at in (2, 0)]
    response = ann.post(f"{BULK}publish", {"selection": selection, "publish": "public"}, prefer="respond-async")
    work_all()
    token = response.json["result"]["job.token"]
    facts = receipt_of(ann, token)["receipt"]
    members = ann.get(f"/api/jobs/{token}/members").json["members"]
    told = "".join(f"{member['rid']}\n" for member in members).encode()
    assert facts["input"] == {"kind": "members", "items": 2, "sha256": sha256(told)}
    assert facts["selection"] == selection
    assert facts["params"]["publish"]


def test_a_receipt_stays_as_it_was_issued(ann: Caller, work_all: Callable[[], None]) -> None:
    token = send(ann, lines(2))
    work_all()
    first = receipt_of(ann, token)
    assert ann.open(f"/api/jobs/{token}", method="DELETE").status_code == 204
    assert receipt_of(ann, token) == first
    assert ann.get(f"/api/jobs/{token}/receipt/ledger").status_code == 410


def test_who_asks_too_early_or_too_late_is_told(ann: Caller, cat: Caller, work_all: Callable[[], None]) -> None:
    token = send(ann, lines(2))
    for path in (f"/api/jobs/{token}/receipt", f"/api/jobs/{token}/receipt/ledger"):
        assert (ann.get(path).status_code, ann.get(path).json["code"]) == (409, "not_finished")
    work_all()
    for path in (f"/api/jobs/{token}/receipt", f"/api/jobs/{token}/receipt/ledger"):
        assert cat.get(path).status_code == 404
    ann.open(f"/api/jobs/{token}", method="DELETE")
    assert ann.get(f"/api/jobs/{token}/receipt").json["code"] == "gone"


def test_a_rejected_job_has_an_empty_ledger(ann: Caller) -> None:
    token = send(ann, lines(2))
    assert ann.post(f"/api/jobs/{token}/cancel").json["status"] == "rejected"
    facts = receipt_of(ann, token)["receipt"]
    assert (facts["status"], facts["ledger"]["rows"], facts["input"]["sha256"]) == ("rejected", 0, sha256(lines(2)))


def test_a_new_secret_signs_and_the_old_key_still_verifies(
    ann: Caller, work_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [send(ann, lines(1)), send(ann, lines(2))]
    work_all()
    old = receipt_of(ann, tokens[0])["jws"]
    monkeypatch.setenv("WAYBILL_SECRET_KEY", "another secret that is long enough")
    settings.cache_clear()
    try:
        new = receipt_of(ann, tokens[1])["jws"]
        assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
        assert [verified(ann, jws)["token"] for jws in (old, new)] == tokens
        assert receipt_of(ann, tokens[0])["jws"] == old
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_receipt_that_was_touched_is_not_verified(ann: Caller, work_all: Callable[[], None]) -> None:
    token = send(ann, lines(1))
    work_all()
    header, payload, signature = receipt_of(ann, token)["jws"].split(".")
    other = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
    with pytest.raises(jwt.InvalidSignatureError):
        verified(ann, f"{header}.{other}.{signature}")


def test_the_receipt_of_a_large_job_is_made_behind_its_readers_back(
    ann: Caller, work_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "AT_ONCE", 1)
    monkeypatch.setattr(rules, "PAGE", 2)
    token = send(ann, lines(5))
    work_all()

    def poll() -> TestResponse:
        return ann.get(f"/api/jobs/{token}/receipt")

    with alone(f"receipt {_id(token)}") as mine:
        assert mine
        waiting = poll()
        assert (waiting.status_code, waiting.json["receipt"], waiting.headers["Retry-After"]) == (202, None, "2")
        _join()
    assert poll().status_code == 202
    _join()
    assert receipt_of(ann, token)["receipt"]["ledger"] == {"rows": 5, "sha256": sha256(ledger_of(ann, token))}


def _join() -> None:
    """Wait until nobody makes a receipt."""
    assert receipts.BEHIND._free.acquire(timeout=20)
    receipts.BEHIND.leave()


def _id(token: str) -> int:
    with transaction() as session:
        return int(driver(session).execute("SELECT id FROM jobs WHERE token = %s", (token,)).fetchone()[0])


def test_receipts_are_forgotten_with_their_jobs(ann: Caller, work_all: Callable[[], None]) -> None:
    tokens = [send(ann, lines(1)), send(ann, lines(2))]
    work_all()
    for token in tokens:
        receipt_of(ann, token)
    with transaction() as session:
        over = "UPDATE jobs SET purged_on = now(), finished_on = now() - make_interval(days => %s) WHERE token = %s"
        driver(session).execute(over, (settings().jobs_days + 1, tokens[0]))
    keep_house()
    assert (count("jobs"), count("receipts")) == (1, 1)
