"""A worker as `waybill worker` starts it, except that items can be slow or poison: their `ref` says so.

`kill` ends the process that works on the item, `sleep` never ends, `hunger` takes all the memory it can get. Every item takes
ITEM_SECONDS of work besides; TIME_LIMIT is the seconds after which a task is ended. A NEWER worker writes `chunks.told`, a column
that others do not know.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Callable, Sequence

from manage import cli
from models.db import Session, driver
from models.jobs.ledger import Chunk, Outcome

ITEM_SECONDS = "WAYBILL_TEST_ITEM_SECONDS"
TIME_LIMIT = "WAYBILL_TEST_TIME_LIMIT"
NEWER = "WAYBILL_TEST_NEWER"
MEAL = 64 * 1024 * 1024
Run = Callable[..., list[Outcome]]


def poisoned(run: Run) -> Run:
    """Return the same work, done slowly, and ended by poison."""
    seconds = float(os.environ.get(ITEM_SECONDS, "0"))

    def work(session: Session, chunk: Chunk) -> list[Outcome]:
        swallow(chunk.refs)
        time.sleep(seconds * len(chunk.items))
        if NEWER in os.environ:
            driver(session).execute(
                "UPDATE chunks SET told = 1 WHERE job_id = %s AND no = %s", (chunk.claim.job_id, chunk.claim.no)
            )
        return run(session, chunk)

    return work


def swallow(refs: Sequence[str | None]) -> None:
    """Do what the refs of some items say."""
    for ref in refs:
        match (ref or "").rstrip("0123456789"):
            case "kill":
                os._exit(3)
            case "sleep":
                time.sleep(3600)
            case "hunger":
                eaten = [bytearray(MEAL)]
                while True:
                    eaten.append(bytearray(MEAL))


def become(module: str, *arguments: str) -> None:
    """Go on as Celery in this process, where the poison is."""
    from models import operations
    from worker.app import app

    operations.run = poisoned(operations.run)
    app.conf.task_time_limit = float(os.environ.get(TIME_LIMIT, app.conf.task_time_limit))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """Start like the product's worker, with its own settings."""
    cli._become = become  # type: ignore[assignment]
    assert cli.worker.callback
    cli.worker.callback()


if __name__ == "__main__":
    main()
