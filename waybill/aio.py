"""The client for programs that run many things at once. It needs httpx2: pip install 'waybill[async]'.

    async with waybill.AsyncClient() as client:
        job = await client.submit(operations)
        await job.wait()
        async for result in job.failures():
            print(result.line, result.error)

All that it does is what `Client` does, by the same flows; what is said there holds here.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import waybill
from waybill import config, flows, notices, submitting
from waybill.aiojobs import AsyncJob
from waybill.errors import ConfigError, Incomplete, MissingPackage, Problem, Unreachable
from waybill.exporting import GONE, Download, Export, Target
from waybill.flows import Patience, Trouble
from waybill.notices import Notice, notice_pager
from waybill.pages import AsyncPages, job_pager, record_pager
from waybill.parts import Operation, Packer, Part, written
from waybill.pieces import Piece
from waybill.projects import AsyncProject
from waybill.receipts import KEYS
from waybill.values import JobState, as_selection, search
from waybill.webhooks import AsyncWebhooks
from waybill.wire import Flow, Lost, Request, T, get, keyed, post

if TYPE_CHECKING:
    from waybill.aiotransport import AsyncTransport

BREATH = 500  # operations that are packed before others may run


class AsyncClient:
    """One server, one user; any number of tasks may use it at once."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, profile: str | None = None, patience: Patience | None = None
    ) -> None:
        found = config.resolve(url, key, profile)
        if found.key is None:
            raise ConfigError(f"no key for {found.url}: run `waybill login`, or set WAYBILL_KEY")
        self.url = found.url
        self.patience = patience or Patience()
        self.transport = _transport(found.url, found.key)

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back."""
        await self.transport.close()

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        return await self.transport.run(flow)

    async def check(self) -> None:
        """Find out whether the server answers and takes the key. Raises Problem and Unreachable."""
        await self._value(get("/api/jobs", **{"page.size": 1}))

    async def limits(self) -> dict[str, Any]:
        """Return what the server takes from one client."""
        found: dict[str, Any] = await self._value(get("/api/limits"))
        return found

    async def receipt_keys(self) -> dict[str, Any]:
        """Return the public keys that receipts are verified with."""
        found: dict[str, Any] = await self._value(get(KEYS))
        return found

    async def download(self, request: Request, target: Path) -> None:
        """Write what a request is answered with to a file; see `Client.download`."""
        trouble = Trouble(self.patience)
        while True:
            try:
                async with self.transport.stream(request) as (answer, pieces):
                    with target.open("wb") as file:
                        if answer.status < 300:
                            async for piece in pieces:
                                file.write(piece)
                            return
                        failed: Problem | Unreachable = flows.problem(answer)
            except Lost as lost:
                failed = Unreachable(str(lost))
            await asyncio.sleep(trouble.pause(failed))

    async def evidence_keys(self) -> list[dict[str, Any]]:
        """Return the evidence keys in display order."""
        found: list[dict[str, Any]] = await self._value(get("/classification/api/evidence_keys"))
        return found

    async def record(self, name: str | int) -> dict[str, Any]:
        """Return one record, by `org/lab/record` or by its number."""
        found: dict[str, Any] = await self._value(flows.record(name))
        return found

    async def apply(self, operation: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Carry out one operation now and return what became of its record. Raises Problem where it is refused."""
        done: dict[str, Any] = await self._value(post(flows.RECORDS, dict(operation), keyed(key or str(uuid.uuid4()))))
        return done

    async def submit(self, operations: Iterable[Operation] | AsyncIterable[Operation], **how: Unpack[submitting.How]) -> AsyncJob:
        """Send operations of any number in the background; see `Client.submit`. They may come from an async generator too."""
        asked, in_order, cut = submitting.read(how)
        job = AsyncJob(self)
        async for part in _pack(operations, submitting.packer(await self.limits(), asked, cut)):
            with part:
                if in_order and job.pieces:
                    await AsyncJob(self, job.pieces[-1]).wait()
                job.pieces.append(await self.send_part(part, asked))
        if not job.pieces:
            raise ValueError("there is no operation to submit")
        return job

    async def send_part(self, part: Part, asked: submitting.Asked) -> Piece:
        """Send one part of a submission. Raises Problem with the lines that all of the submission has."""
        with submitting.explained(part, asked):
            return Piece(await self.run(submitting.sent(part, asked, self.patience)), part.first, part.line)

    def job(self, *tokens: str) -> AsyncJob:
        """Return a job by its token, or one submission that is several."""
        return AsyncJob(self, *map(Piece, tokens))

    def jobs(self, *, size: int = 100, **query: Any) -> AsyncPages[JobState]:
        """Return one's jobs, newest first. `query` is of status, name, tag, created_after and created_before."""
        asked = {"page.size": size, **query}
        return AsyncPages(self.run, self.patience, [lambda: job_pager(asked)])

    def records(
        self, selection: Any, *, size: int = 100, data: bool | str = True, allow_all: bool = False
    ) -> AsyncPages[dict[str, Any]]:
        """Return the records of a selection that one may read, each once, in the selection's order; see `Client.records`."""
        asked = {"page.size": size, "data": data, "allow_all": allow_all or None}
        return AsyncPages(self.run, self.patience, [lambda: record_pager(as_selection(selection), asked)])

    def search(
        self,
        q: str | None = None,
        filter: Sequence[Any] | None = None,  # noqa: A002 - the wire's word
        **how: Any,
    ) -> AsyncPages[dict[str, Any]]:
        """Return the records that a query finds. `filter` is such as `["gene_symbol", "is", "TP53"]`."""
        exclude = how.pop("exclude", ())
        return self.records([search(q, filter, exclude=exclude)], **how)

    async def count(self, selection: Any, *, allow_all: bool = False) -> int:
        """Return how many records a selection has."""
        return int((await self._value(flows.count(as_selection(selection), allow_all=allow_all)))["result"]["records.size"])

    async def bulk(self, verb: str, selection: Any, *, key: str | None = None, **parameters: Any) -> AsyncJob:
        """Run an operation over a selection; see `Client.bulk`."""
        request = flows.bulk(verb, as_selection(selection), parameters, key or str(uuid.uuid4()))
        return AsyncJob(self, Piece(await self.run(flows.send(request, self.patience))))

    async def delete(self, selection: Any, **parameters: Any) -> AsyncJob:
        """Delete records: those never shared go for good, others are withdrawn."""
        return await self.bulk("delete", selection, **parameters)

    async def publish(self, selection: Any, level: str | int, **parameters: Any) -> AsyncJob:
        """Publish records at a share level."""
        return await self.bulk("publish", selection, publish=level, **parameters)

    async def patch(self, selection: Any, evidence: Mapping[str, Any], **parameters: Any) -> AsyncJob:
        """Merge the same evidence into each record."""
        return await self.bulk("patch", selection, patch=dict(evidence), **parameters)

    def project(self, gid: str) -> AsyncProject:
        """Return a project, whose records, assets and schema items have selections of their own."""
        return AsyncProject(self, gid)

    def notices(self, *, size: int = 100) -> AsyncPages[Notice]:
        """Return what happened to one's jobs and webhooks, newest first."""
        return AsyncPages(self.run, self.patience, [lambda: notice_pager(size)])

    async def unseen(self) -> int:
        """Return how many notices have not been seen; 100 stands for as many or more."""
        return await self.run(notices.unseen(self.patience))

    async def see(self, until: Notice | str) -> int:
        """Note that a notice and all before it have been seen; return how many have not."""
        return await self.run(notices.see(until, self.patience))

    @property
    def webhooks(self) -> AsyncWebhooks:
        """One's webhooks."""
        return AsyncWebhooks(self)

    async def export(self, place: str | Path, *, output: str = "ndjson", **parameters: Any) -> Export:
        """Write records to a file, or into a folder; see `Client.export`."""
        target = Target(Path(place), self.url, {"output": output, **parameters})
        job = self.job(await self._export_token(target))
        state = await job.wait()
        files = await self.run(flows.files(job.token, self.patience))
        if not files:
            raise Incomplete(f"no file of export {job.token} could be made")
        for file in files:
            await self._fetch(Download(file, target.part(file)))
        placed = target.finish(files)
        return Export(job.token, placed, sum(file.rows for file in files), state.failed == 0 and len(files) == state.total)

    async def _export_token(self, target: Target) -> str:
        if target.token:
            try:
                await self.run(flows.files(target.token, self.patience))
            except Problem as problem:
                if problem.status not in GONE:
                    raise
                target.again()
            else:
                return target.token
        token = await self.run(flows.export(target.parameters, target.key, self.patience))
        target.note(token)
        return token

    async def _fetch(self, download: Download) -> None:
        trouble = Trouble(self.patience)
        while not download.whole():
            before = download.size
            try:
                async with self.transport.stream(download.request()) as (answer, pieces):
                    with download.open(answer) as file:
                        async for piece in pieces:
                            file.write(piece)
            except (Lost, Problem) as error:
                await asyncio.sleep(download.pause(trouble, error, before))

    async def _value(self, request: Request) -> Any:
        return await self.run(flows.value(request, self.patience))


def _transport(url: str, key: str) -> AsyncTransport:
    try:
        from waybill.aiotransport import AsyncTransport
    except ImportError:
        raise MissingPackage("httpx2 is not installed: pip install 'waybill[async]'") from None
    return AsyncTransport(url, key, f"waybill-python/{waybill.__version__}")


async def _pack(operations: Iterable[Operation] | AsyncIterable[Operation], packer: Packer) -> AsyncIterator[Part]:
    try:
        async for operation in _each(operations):
            part = packer.add(written(operation))
            if part:
                yield part
        part = packer.rest()
        if part:
            yield part
    finally:
        packer.close()


async def _each(operations: Iterable[Operation] | AsyncIterable[Operation]) -> AsyncIterator[Operation]:
    if isinstance(operations, AsyncIterable):
        async for operation in operations:
            yield operation
        return
    for number, operation in enumerate(operations):
        if number % BREATH == 0:
            await asyncio.sleep(0)
        yield operation
