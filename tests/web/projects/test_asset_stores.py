"""Assets whose bytes are in an S3-compatible store: a real one as far as HTTP goes, which checks who signs its requests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from models.catalogue import asset_bytes
from models.db import driver, transaction
from models.settings import settings
from tests.processes import answer, free_port, wait_for
from tests.web.projects.conftest import Member, refusal
from tests.web.projects.test_assets import Shelf, picture
from worker.housekeeping import keep_house

BUCKET, PREFIX = "waybill-assets", "of/this/house"
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


@dataclass
class Store:
    """A store, and a client of its owner's."""

    url: str
    owner: Any

    def names(self) -> list[str]:
        return [found["Key"] for found in self.owner.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def _client(url: str, service: str, key: tuple[str, str] = ("founder", "founder")) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        service, endpoint_url=url, region_name="us-east-1", config=once, aws_access_key_id=key[0], aws_secret_access_key=key[1]
    )


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, tuple[str, str]]]:
    """A store in a process of its own, with a bucket and one user who may use it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answer(f"{url}/moto-api/") == 200)
        _client(url, "s3").create_bucket(Bucket=BUCKET)
        people = _client(url, "iam")
        people.create_user(UserName="waybill")
        people.put_user_policy(UserName="waybill", PolicyName="all", PolicyDocument=POLICY)
        made = people.create_access_key(UserName="waybill")["AccessKey"]
        requests.post(f"{url}/moto-api/reset-auth", data=b"0", timeout=10).raise_for_status()  # from now on it looks at keys
        yield url, (made["AccessKeyId"], made["SecretAccessKey"])
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def store(server: tuple[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store as the place of assets, by the settings that docs/guide names."""
    url, (key, secret) = server
    for name, value in {
        "WAYBILL_ASSETS": f"s3://{BUCKET}/{PREFIX}", "AWS_ENDPOINT": url, "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    _read_anew()
    yield Store(url, _client(url, "s3", (key, secret)))
    monkeypatch.undo()
    _read_anew()


def _read_anew() -> None:
    settings.cache_clear()
    asset_bytes._store.cache_clear()


@pytest.fixture
def shelf(editor: Member, work_all: Callable[[], None], store: Store) -> Shelf:
    return Shelf(editor, work_all)


def address(shelf: Shelf, gid: str, name: str) -> str:
    url = shelf.dam(f"publish/{gid}~1.{name.rpartition('.')[2]}").json["result"]["public_url"]
    return str(url).partition("://")[2].partition("/")[2]


def test_files_go_there_and_come_back_whole_or_by_range(shelf: Shelf, store: Store) -> None:
    data = bytes(range(256)) * 1_500
    gid = shelf.file("numbers.bin", data=data)
    assert [key.startswith(f"{PREFIX}/{shelf.member.project}/") for key in store.names()] == [True]
    place, client = "/" + address(shelf, gid, "numbers.bin"), shelf.member.client
    whole = client.get(place)
    assert (whole.status_code, whole.data == data, whole.headers["Accept-Ranges"]) == (200, True, "bytes")
    part = client.get(place, headers={"Range": "bytes=300-1299"})
    assert (part.status_code, part.data == data[300:1300]) == (206, True)
    assert part.headers["Content-Range"] == f"bytes 300-1299/{len(data)}"
    assert client.get(place, headers={"Range": "bytes=-7"}).data == data[-7:]
    ending = client.get(place, headers={"Range": f"bytes=-{len(data) + 1}"})
    assert (ending.status_code, ending.data == data) == (206, True)
    assert ending.headers["Content-Range"] == f"bytes 0-{len(data) - 1}/{len(data)}"
    beyond = client.get(place, headers={"Range": f"bytes={len(data)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
    assert client.get(place, headers={"Range": "bytes=1-2, 5-6"}).data == data
    assert client.get(place, headers={"Range": "bytes=1-2", "If-Range": '"x"'}).data == data


def test_a_large_file_goes_in_parts(store: Store) -> None:
    data = bytes(range(256)) * 50_000
    asset_bytes.put("large", BytesIO(data))
    assert asset_bytes.size_of("large") == len(data)
    assert b"".join(asset_bytes.read("large") or ()) == data
    asset_bytes.remove(["large"])
    assert (asset_bytes.read("large"), f"{PREFIX}/large" in store.names()) == (None, False)


def test_what_is_removed_for_good_is_gone_there_with_all_that_was_made_of_it(shelf: Shelf, store: Store) -> None:
    kept, gid = shelf.file("kept.png"), shelf.file("one.png", data=picture(80, 60))
    assert shelf.dam(f"transform/{gid}~1.png/width=20").status_code == 200
    assert len(store.names()) >= 3
    shelf.call("assets/delete", asset=gid)
    assert shelf.run("permanent_delete", [gid])[1] == ["succeeded"]
    keep_house()
    left = store.names()
    assert [key for key in left if gid in key] == []
    assert [key for key in left if kept in key] != []


def test_wrong_credentials_are_told_as_503_and_nothing_is_lost(
    shelf: Shelf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gid = shelf.file("one.png")
    place = "/" + address(shelf, gid, "one.png")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not the secret")
    _read_anew()
    refused = shelf.send("assets/upload", picture(), "two.png", parent=shelf.root)
    assert refusal(refused) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "30"
    got = shelf.member.client.get(place)
    assert refusal(got) == (503, "unavailable")
    assert shelf.call("assets/children", asset=shelf.root)["children"] == [gid]
    shelf.call("assets/delete", asset=gid)
    assert shelf.run("permanent_delete", [gid])[1] == ["succeeded"]  # the job needs no store: bytes are removed after it
    keep_house()
    assert _leftovers() == 1, "it is tried again at the next turn"
    monkeypatch.undo()
    monkeypatch.setenv("WAYBILL_ASSETS", f"s3://{BUCKET}/{PREFIX}")


def _leftovers() -> int:
    with transaction() as session:
        row = driver(session).execute("SELECT count(*) FROM asset_leftovers").fetchone()
        return int(row[0]) if row else 0


def test_a_store_that_is_not_there_costs_seconds_and_is_told(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    _read_anew()
    assert refusal(shelf.send("assets/upload", picture(), "two.png", parent=shelf.root)) == (503, "unavailable")
