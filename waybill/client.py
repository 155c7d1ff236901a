"""The client for programs that wait.

    with waybill.Client() as client:
        for record in client.records([waybill.search("TP53")]):
            print(record["id"])

Bodies and pages are streams: neither the operations nor the answers are ever held whole.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, Unpack

import waybill
from waybill import config, exporting, flows, notices, submitting, uploads
from waybill.errors import ConfigError, Problem, Unreachable
from waybill.flows import Patience
from waybill.jobs import Job
from waybill.notices import Notice, notice_pager
from waybill.pages import Pages, job_pager, record_pager
from waybill.parts import Operation, Part, pack
from waybill.pieces import Piece
from waybill.projects import Project
from waybill.receipts import KEYS
from waybill.transport import Transport
from waybill.values import JobState, as_selection, search
from waybill.webhooks import Webhooks
from waybill.wire import NDJSON, Flow, Lost, Request, T, get, keyed, post


class Client:
    """One server, one user. Not for several threads at once.

    What is not given is looked for in WAYBILL_URL and WAYBILL_KEY, then in the file that `waybill login` writes.
    """

    def __init__(
        self, url: str | None = None, key: str | None = None, *, profile: str | None = None, patience: Patience | None = None
    ) -> None:
        found = config.resolve(url, key, profile)
        if found.key is None:
            raise ConfigError(f"no key for {found.url}: run `waybill login`, or set WAYBILL_KEY")
        self.url = found.url
        self.patience = patience or Patience()
        self.transport = Transport(found.url, found.key, f"waybill-python/{waybill.__version__}")

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.transport.close()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        return self.transport.run(flow)

    def check(self) -> None:
        """Find out whether the server answers and takes the key. Raises Problem and Unreachable."""
        self._value(get("/api/jobs", **{"page.size": 1}))

    def limits(self) -> dict[str, Any]:
        """Return what the server takes from one client."""
        found: dict[str, Any] = self._value(get("/api/limits"))
        return found

    def receipt_keys(self) -> dict[str, Any]:
        """Return the public keys that receipts are verified with, as a JSON Web Key Set."""
        found: dict[str, Any] = self._value(get(KEYS))
        return found

    def download(self, request: Request, target: Path) -> None:
        """Write what a request is answered with to a file; begun anew where it breaks off. Raises Problem and Unreachable."""
        trouble = flows.Trouble(self.patience)
        while True:
            try:
                with self.transport.stream(request) as (answer, pieces), target.open("wb") as file:
                    if answer.status < 300:
                        file.writelines(pieces)
                        return
                    failed: Problem | Unreachable = flows.problem(answer)
            except Lost as lost:
                failed = Unreachable(str(lost))
            time.sleep(trouble.pause(failed))

    def evidence_keys(self) -> list[dict[str, Any]]:
        """Return the evidence keys in display order."""
        found: list[dict[str, Any]] = self._value(get("/classification/api/evidence_keys"))
        return found

    def record(self, name: str | int) -> dict[str, Any]:
        """Return one record, by `org/lab/record` or by its number."""
        found: dict[str, Any] = self._value(flows.record(name))
        return found

    def apply(self, operation: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Carry out one operation now and return what became of its record. Raises Problem where it is refused."""
        done: dict[str, Any] = self._value(post(flows.RECORDS, dict(operation), keyed(key or str(uuid.uuid4()))))
        return done

    def submit(self, operations: Iterable[Operation], **how: Unpack[submitting.How]) -> Job:
        """Send operations of any number in the background. They are drawn one by one, and sent in parts that the server takes.

        The same operations under the same `run` are done once, however often they are submitted: a program that was interrupted
        submits them again. With `test` nothing is stored, and the outcomes say what would be. With `atomic` all operations
        stand or fall together. With `in_order`, as it is unless told otherwise, a part is sent when the one before it has ended,
        as operations on one record may be in both; without, all parts run side by side. `tags` and `import_id` are kept with the
        job. What is too large for one request, and with `resumable` all, is sent as an upload that goes on after a break, also
        of another run of the program. Raises Problem, Unreachable, and ValueError where there is nothing to do.
        """
        asked, in_order, cut = submitting.read(how)
        job = Job(self)
        for part in pack(operations, submitting.packer(self.limits(), asked, cut)):
            with part:
                if in_order and job.pieces:
                    Job(self, job.pieces[-1]).wait()
                job.pieces.append(self.send_part(part, asked))
        if not job.pieces:
            raise ValueError("there is no operation to submit")
        return job

    def send_part(self, part: Part, asked: submitting.Asked, moved: uploads.Moved | None = None) -> Piece:
        """Send one part of a submission. Raises Problem with the lines that all of the submission has."""
        with submitting.explained(part, asked):
            return Piece(self.run(submitting.sent(part, asked, self.patience, moved)), part.first, part.line)

    def submit_body(
        self, body: IO[bytes], *, content_type: str = NDJSON, encoding: str | None = None, key: str | None = None
    ) -> Job:
        """Send an open file as it is, as one job. Raises Problem, and ValueError where no operation is in it."""
        headers = {"Content-Type": content_type, "Prefer": "respond-async", **keyed(key or str(uuid.uuid4()))}
        if encoding:
            headers["Content-Encoding"] = encoding
        request = Request("POST", flows.RECORDS, headers=headers, body=body)
        return Job(self, Piece(self.run(flows.send(request, self.patience))))

    def job(self, *tokens: str) -> Job:
        """Return a job by its token, or one submission that is several."""
        return Job(self, *map(Piece, tokens))

    def jobs(self, *, size: int = 100, **query: Any) -> Pages[JobState]:
        """Return one's jobs, newest first. `query` is of status, name, tag, created_after and created_before."""
        asked = {"page.size": size, **query}
        return Pages(self.run, self.patience, [lambda: job_pager(asked)])

    def records(
        self, selection: Any, *, size: int = 100, data: bool | str = True, allow_all: bool = False
    ) -> Pages[dict[str, Any]]:
        """Return the records of a selection that one may read, each once, in the selection's order.

        A selection is an id, a `search(...)`, or a list of both. `data` is True, False for records without evidence, or "flat".
        """
        asked = {"page.size": size, "data": data, "allow_all": allow_all or None}
        return Pages(self.run, self.patience, [lambda: record_pager(as_selection(selection), asked)])

    def search(
        self,
        q: str | None = None,
        filter: Sequence[Any] | None = None,  # noqa: A002 - the wire's word
        **how: Any,
    ) -> Pages[dict[str, Any]]:
        """Return the records that a query finds. `filter` is such as `["gene_symbol", "is", "TP53"]`."""
        exclude = how.pop("exclude", ())
        return self.records([search(q, filter, exclude=exclude)], **how)

    def count(self, selection: Any, *, allow_all: bool = False) -> int:
        """Return how many records a selection has."""
        return int(self._value(flows.count(as_selection(selection), allow_all=allow_all))["result"]["records.size"])

    def bulk(self, verb: str, selection: Any, *, key: str | None = None, **parameters: Any) -> Job:
        """Run an operation over a selection. Its members are settled when the job is stored.

        All operations take `test`, `max_affected` (refused where there are more), `allow_all` (for a search without a query),
        `on_drift` ("apply" or "skip") and `tags`.
        """
        request = flows.bulk(verb, as_selection(selection), parameters, key or str(uuid.uuid4()))
        return Job(self, Piece(self.run(flows.send(request, self.patience))))

    def delete(self, selection: Any, **parameters: Any) -> Job:
        """Delete records: those never shared go for good, others are withdrawn."""
        return self.bulk("delete", selection, **parameters)

    def publish(self, selection: Any, level: str | int, **parameters: Any) -> Job:
        """Publish records at a share level."""
        return self.bulk("publish", selection, publish=level, **parameters)

    def patch(self, selection: Any, evidence: Mapping[str, Any], **parameters: Any) -> Job:
        """Merge the same evidence into each record."""
        return self.bulk("patch", selection, patch=dict(evidence), **parameters)

    def project(self, gid: str) -> Project:
        """Return a project, whose records, assets and schema items have selections of their own."""
        return Project(self, gid)

    def notices(self, *, size: int = 100) -> Pages[Notice]:
        """Return what happened to one's jobs and webhooks, newest first."""
        return Pages(self.run, self.patience, [lambda: notice_pager(size)])

    def unseen(self) -> int:
        """Return how many notices have not been seen; 100 stands for as many or more."""
        return self.run(notices.unseen(self.patience))

    def see(self, until: Notice | str) -> int:
        """Note that a notice and all before it have been seen; return how many have not. `until` may be a notice's moment."""
        return self.run(notices.see(until, self.patience))

    @property
    def webhooks(self) -> Webhooks:
        """One's webhooks."""
        return Webhooks(self)

    def export(
        self, target: str | Path, *, output: str = "ndjson", progress: bool = False, **parameters: Any
    ) -> exporting.Export:
        """Write records to a file, or with other outputs than ndjson and csv, files into a folder if there are several.

        What is there already is not fetched again: a call that was interrupted goes on when it is repeated. `parameters` are
        those of the server's bulk GET, such as level, after, labs_include and value_format. Raises Incomplete.
        """
        return exporting.export(self, Path(target), {"output": output, **parameters}, progress=progress)

    def _value(self, request: Request) -> Any:
        return self.run(flows.value(request, self.patience))
