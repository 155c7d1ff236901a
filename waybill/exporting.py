"""An export on its way to the disk: asked for as a job, fetched file by file, each from where it broke off.

Beside the target is a folder `<target>.parts` for as long as it takes. It has the job's token and what was fetched so far, so
that an export that was interrupted goes on when it is asked for again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from waybill import flows
from waybill.config import write_private
from waybill.errors import Incomplete, Problem, Unreachable
from waybill.flows import Trouble
from waybill.values import File
from waybill.wire import Answer, Lost, Request

if TYPE_CHECKING:
    from waybill.client import Client

JOINED = ("ndjson", "csv")
MEMO = "export.json"
GONE = (404, 410)
STEP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Export:
    """What was written. `complete` says whether the server made all of its files."""

    token: str
    files: Sequence[Path]
    rows: int
    complete: bool


class Target:
    """Where an export goes, and what of it is there already."""

    def __init__(self, place: Path, url: str, parameters: Mapping[str, Any]) -> None:
        self.place = place
        self.parameters = parameters
        self.output = str(parameters["output"])
        self.folder = place.with_name(f"{place.name}.parts")
        self._asked = {"url": url, "parameters": dict(parameters)}
        self.key, self.token = self._begun()

    def _begun(self) -> tuple[str, str | None]:
        """Return the key and token of an export that was begun here with the same parameters; else begin one."""
        try:
            memo = json.loads((self.folder / MEMO).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            memo = {}
        if {name: memo.get(name) for name in self._asked} == self._asked:
            return str(memo["key"]), memo["token"]
        self.forget()
        return self._note(str(uuid.uuid4()), None)

    def _note(self, key: str, token: str | None) -> tuple[str, str | None]:
        write_private(self.folder / MEMO, json.dumps({**self._asked, "key": key, "token": token}))
        return key, token

    def note(self, token: str) -> None:
        """Keep the job's token."""
        self.key, self.token = self._note(self.key, token)

    def forget(self) -> None:
        """Remove what was begun."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def again(self) -> None:
        """Begin anew."""
        self.forget()
        self.key, self.token = self._note(str(uuid.uuid4()), None)

    def part(self, file: File) -> Path:
        """Return where a file is kept until all are there."""
        return self.folder / f"{file.no:06}"

    def finish(self, files: Sequence[File]) -> list[Path]:
        """Put the files in their place; return the places."""
        if self.place.is_dir() or (len(files) != 1 and self.output not in JOINED):
            placed = self._into_folder(files)
        else:
            placed = [self._into_one(files)]
        self.forget()
        return placed

    def _into_folder(self, files: Iterable[File]) -> list[Path]:
        self.place.mkdir(parents=True, exist_ok=True)
        return [self.part(file).replace(self.place / Path(file.name).name) for file in files]

    def _into_one(self, files: Sequence[File]) -> Path:
        whole = self.folder / "whole"
        with whole.open("wb") as joined:
            for number, file in enumerate(files):
                with self.part(file).open("rb") as part:
                    if number and self.output == "csv":
                        part.readline()  # the same columns again
                    shutil.copyfileobj(part, joined, STEP)
        return whole.replace(self.place)


class Download:
    """One file on its way."""

    def __init__(self, file: File, place: Path) -> None:
        self.file = file
        self.place = place
        self._tries = 0

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.place.stat().st_size if self.place.exists() else 0

    def request(self) -> Request:
        """Return the request for what is missing."""
        headers = {"Accept-Encoding": "identity"}
        if self.size:
            headers |= {"Range": f"bytes={self.size}-", "If-Range": f'"{self.file.sha256}"'}
        return Request("GET", self.file.url, headers=headers)

    def open(self, answer: Answer) -> IO[bytes]:
        """Open the file for what is coming. Raises Problem."""
        if answer.status >= 300:
            raise flows.problem(answer)
        return self.place.open("ab" if answer.status == 206 else "wb")

    def whole(self) -> bool:
        """Say whether all of it is there; what is there and wrong is removed. Raises Incomplete where it comes wrong twice."""
        if self.size == self.file.bytes and self._digest() == self.file.sha256:
            return True
        if self.size >= self.file.bytes:
            self.place.unlink(missing_ok=True)
            self._tries += 1
        if self._tries > 2:
            raise Incomplete(f"{self.file.name} is not what the server says it is, however often it is fetched")
        return False

    def pause(self, trouble: Trouble, error: Lost | Problem, before: int) -> float:
        """Return how long to wait after it broke off; raise the error where that goes on without a byte."""
        if self.size > before:
            trouble.over()
        return trouble.pause(error if isinstance(error, Problem) else Unreachable(str(error)))

    def _digest(self) -> str:
        if not self.place.exists():
            return ""
        with self.place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def export(client: Client, place: Path, parameters: Mapping[str, Any], *, progress: bool = False) -> Export:
    """Write an export to a place. Raises Problem, Unreachable, Incomplete."""
    target = Target(place, client.url, parameters)
    job = client.job(_token(client, target))
    state = job.wait(progress=progress)
    files = client.run(flows.files(job.token, client.patience))
    if not files:
        raise Incomplete(f"no file of export {job.token} could be made")
    for file in files:
        _fetch(client, Download(file, target.part(file)))
    placed = target.finish(files)
    return Export(job.token, placed, sum(file.rows for file in files), state.failed == 0 and len(files) == state.total)


def _token(client: Client, target: Target) -> str:
    """Return the token of the job that was begun here, or of a new one."""
    if target.token:
        try:
            client.run(flows.files(target.token, client.patience))
        except Problem as problem:
            if problem.status not in GONE:
                raise
            target.again()
        else:
            return target.token
    token = client.run(flows.export(target.parameters, target.key, client.patience))
    target.note(token)
    return token


def _fetch(client: Client, download: Download) -> None:
    trouble = Trouble(client.patience)
    while not download.whole():
        before = download.size
        try:
            with client.transport.stream(download.request()) as (answer, pieces), download.open(answer) as file:
                for piece in pieces:
                    file.write(piece)
        except (Lost, Problem) as error:
            time.sleep(download.pause(trouble, error, before))
