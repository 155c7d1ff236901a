"""A client made of the OpenAPI document works: it creates, posts in bulk, follows a job, reads results, exports, selects."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from flask import Flask

from models import ids
from models.identity.principal import Principal
from tests.web.conftest import GOOD
from web.openapi import document

NAME = "waybill_generated"
MISSING = ("Unsupported", "not be generated", "omitted", "Unable")
LINES = "application/x-ndjson"  # which the generator neither writes nor reads: JSON says the same
CONFIG = {"post_hooks": [], "content_type_overrides": {"application/partial-upload": "application/octet-stream"}}


class Generated:
    """The modules of the client, and somebody's client."""

    def __init__(self, app: Flask) -> None:
        self.models = import_module(f"{NAME}.models")
        made: Any = import_module(f"{NAME}.client").AuthenticatedClient
        transport = httpx.WSGITransport(app=app)
        self.client = made("http://waybill.test", "key-for-tests-ann", httpx_args={"transport": transport})

    def call(self, name: str, *args: Any, **more: Any) -> Any:
        """Make a call and return what the client made of the answer, which must be none that the document does not tell."""
        module: ModuleType = import_module(f"{NAME}.api.default.{name}")
        answer = module.sync_detailed(*args, client=self.client, **more)
        assert answer.parsed is not None, answer.content
        return answer.parsed

    def operation(self, name: str, **members: Any) -> Any:
        return self.models.Operation.from_dict({"id": f"north/one/{name}", **members})


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated client in it."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document()))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    generator = str(Path(sys.executable).parent / "openapi-python-client")
    options = ["--path", "openapi.json", "--config", "config.json", "--meta", "none", "--output-path", NAME]
    made = subprocess.run([generator, "generate", *options], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    lines = (made.stdout + made.stderr).splitlines()
    assert [line for line in lines if any(word in line for word in MISSING) and LINES not in line] == []
    return folder


@pytest.fixture
def generated(package: Path, app: Flask, people: dict[str, Principal], monkeypatch: pytest.MonkeyPatch) -> Generated:
    monkeypatch.syspath_prepend(str(package))
    return Generated(app)


def test_each_call_of_the_document_is_there(package: Path) -> None:
    wanted = {
        operation["operationId"]
        for item in document()["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    made = {path.stem.replace("_", "") for path in (package / NAME / "api" / "default").glob("*.py") if path.stem != "__init__"}
    assert {name.lower() for name in wanted} == made


def test_one_record_is_made_read_and_refused(generated: Generated) -> None:
    versions = generated.models
    made = generated.call("post_records", versions.PostRecordsVersion.V2, body=generated.operation("a", create=GOOD))
    assert (made.id, made.status, made.meta.lab_id) == ("north/one/a", "created", "north/one")
    read = generated.call("get_named_record", versions.GetNamedRecordVersion.V2, "north", "one", "a")
    assert read.data["zygosity"]["value"] == "hemizygous"
    again = generated.call("post_records", versions.PostRecordsVersion.V2, body=generated.operation("a", create=GOOD))
    assert isinstance(again, versions.Problem)
    assert (again.status, again.code) == (409, "already_exists")


def test_records_are_posted_in_bulk_and_their_job_is_followed(generated: Generated, worker: None) -> None:
    models = generated.models
    operations = [generated.operation(f"b{at}", upsert=GOOD, publish="public", ref=at) for at in range(30)]
    body = models.Records([*operations, generated.operation("none", patch={})])
    sent = generated.call("post_records", models.PostRecordsVersion.V2, body=body, prefer="respond-async")
    token = str(sent.result.job_token)
    job = finished(generated, token)
    assert (job.outcome.value, job.succeeded, job.failed) == ("partial", 30, 1)
    assert [(one.code, one.count) for one in job.errors] == [("not_found", 1)]

    page = generated.call("list_results", token, page_size=20)
    rest = generated.call("list_results", token, page_size=20, page_cursor=page.page_cursor)
    results = [*page.results, *rest.results]
    assert [result.index for result in results] == list(range(31)) and rest.page_cursor is None
    assert {result.status.value for result in results[:30]} == {"succeeded"}
    assert results[0].result.meta.lab_record_id == "b0"
    assert results[30].error.code == "not_found"


def test_records_are_exported_and_selected(generated: Generated) -> None:
    models = generated.models
    for name in ("c", "d"):
        generated.call(
            "post_records", models.PostRecordsVersion.V2, body=generated.operation(name, create=GOOD, publish="logged_in_users")
        )
    exported = generated.call("bulk_get", models.BulkGetVersion.V2, limit=10)
    assert exported.complete is True and exported.count == 2
    assert [record.id for record in exported.records] == ["north/one/c", "north/one/d"]

    search = models.Search.from_dict({"search": {"filter": ["zygosity", "is", "hemizygous"]}, "exclude": ["north/one/c"]})
    asked = models.BulkGet(selection=[search, "north/one/c"], page_size=1)
    page = generated.call("get_records", models.GetRecordsVersion.V2, body=asked)
    assert (page.result.records, page.result.records_size) == (["north/one/d"], 2)
    assert page.data.records["north/one/d"].data["zygosity"]["value"] == "hemizygous"
    asked = models.BulkGet(selection=[search, "north/one/c"], page_size=1, page_cursor=page.result.page_cursor)
    assert generated.call("get_records", models.GetRecordsVersion.V2, body=asked).result.records == ["north/one/c"]


def finished(generated: Generated, token: str) -> Any:
    until = ids.monotonic() + 30
    while (job := generated.call("get_job", token)).status.value != "done":
        assert ids.monotonic() < until
        time.sleep(0.05)
    return job
