"""What happened to one's jobs and webhooks, as the server notes it: newest first, and what of it has been seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from waybill import flows
from waybill.flows import Patience
from waybill.pages import Pager
from waybill.wire import Flow, Request, get, post

NOTICES = "/api/notices"
MOST_COUNTED = 100  # unseen ones; the server counts no further


@dataclass(frozen=True, slots=True)
class Notice:
    """A job that ended, or a webhook that the server has disabled; the other of `job` and `webhook` is None.

    `kind` is rejected, quarantined, undone, exported, done or webhook_disabled; `happened_on` a moment such as
    2026-11-22T12:00:00.000001Z. A job has its token, its name as `job`, its outcome and counts; a webhook its id, url and reason.
    """

    kind: str
    happened_on: str
    seen: bool
    job: Mapping[str, Any] | None
    webhook: Mapping[str, Any] | None

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Notice:
        """Return a notice from an entry of `GET /api/notices`."""
        return cls(**{name: body[name] for name in cls.__slots__})

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table: one level, `id` and `what` being a job's token and name or a webhook's id and url."""
        job, webhook = self.job or {}, self.webhook or {}
        what = {"id": job.get("token") or webhook.get("id"), "what": job.get("job") or webhook.get("url")}
        why = job.get("error") or job.get("outcome") or webhook.get("reason")
        counts = {name: job.get(name) for name in ("total", "failed")}
        return {**what, "kind": self.kind, "outcome": why, **counts, "happened_on": self.happened_on, "seen": self.seen}


def notice_pager(size: int) -> Pager[Notice]:
    """Return the list of one's notices."""
    return Pager(
        lambda cursor: get(NOTICES, **{"page.size": size, "page.cursor": cursor}),
        lambda body: [*map(Notice.parse, body["notices"])],
    )


def unseen(patience: Patience) -> Flow[int]:
    """Return how many notices have not been seen, up to MOST_COUNTED."""
    return _unseen(get(f"{NOTICES}/unseen"), patience)


def see(until: Notice | str, patience: Patience) -> Flow[int]:
    """Note that a notice, or the moment of one, and all before it have been seen; return how many have not."""
    moment = until.happened_on if isinstance(until, Notice) else until
    return _unseen(post(f"{NOTICES}/seen", {"until": moment}), patience)


def _unseen(request: Request, patience: Patience) -> Flow[int]:
    return int((yield from flows.value(request, patience))["unseen"])
