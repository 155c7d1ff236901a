"""The dispatcher: wakes open chunks, fairly over tenants, and those that were forgotten. A process of its own; two may run.

It listens for notifications and looks every half second besides. It holds no transaction while it talks to the broker.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from kombu.exceptions import OperationalError as BrokerError

from models import ids, parts, tracing
from models.db import DATABASE_ERRORS, engine, transaction
from models.jobs import announcing, cancelling, dispatch, pacing
from models.jobs.dispatch import Wake
from models.listening import listener
from models.logs import configure_log
from models.settings import settings
from worker import traces
from worker.app import app
from worker.counts import counts
from worker.courier import Courier
from worker.housekeeping import Housekeeper
from worker.pause import pause

log = structlog.get_logger()
BEAT_SECONDS = 2.0
LEAST_WAIT = 0.02  # seconds


class Dispatcher:
    """One dispatcher's loop."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.part = parts.new_part("dispatcher")
        self.beat_at = 0.0
        self.listener: psycopg.Connection[Any] | None = None
        self.soonest: float | None = None  # seconds from the last look until a paced job has something to begin

    def run(self) -> None:
        """Tick until told to stop; an error of the database or the broker costs a pause, never the loop."""
        while not self.stopping.is_set():
            try:
                self.tick()
                self.wait()
            except DATABASE_ERRORS as error:
                log.warning("dispatcher_waits", error=type(error).__name__)
                self.hang_up()
                self.stopping.wait(settings().dispatch_tick)
        self.leave()

    def tick(self) -> None:
        """Do all that is due now."""
        now = ids.monotonic()
        if now >= self.beat_at:
            self.beat_at = now + BEAT_SECONDS
            with transaction() as session:
                parts.beat(session, self.part, counts=counts.total())
        self.stop_cancelled()
        with transaction() as session:
            pacing.settle_pauses(session)
        with transaction() as session:
            wakes, self.soonest = dispatch.pick(session), pacing.soonest(session)
        pause("picked")
        self.publish(wakes)

    def stop_cancelled(self) -> None:
        """End the open chunks of cancelled jobs."""
        with transaction() as session:
            jobs = dispatch.cancelling(session)
        for job_id in jobs:
            stop(job_id)

    def publish(self, wakes: Sequence[Wake]) -> None:
        """Send a message a chunk; what cannot be sent is taken back."""
        counts.add("wakes", len(wakes))
        counts.add("wakes_again", sum(wake.again for wake in wakes))
        kept = traces.contexts(wakes)
        for at, wake in enumerate(wakes):
            (log.info if wake.again else log.debug)("chunk_woken", token=str(wake.token), chunk=wake.no, again=wake.again)
            try:
                with traces.waking(wake, kept.get(wake.job_id)):
                    app.send_task("waybill.work", args=(wake.job_id, wake.no), queue=wake.queue)
            except (BrokerError, OSError) as error:
                log.warning("broker_away", error=type(error).__name__, unsent=len(wakes) - at)
                counts.add("wakes_unsent", len(wakes) - at)
                with transaction() as session:
                    dispatch.take_back(session, wakes[at:])
                self.stopping.wait(1.0)
                return

    def wait(self) -> None:
        """Wait for a notification, for the next tick, or for a paced job's time."""
        if self.listener is None:
            self.listener = listener(announcing.CHANNEL)
        tick = settings().dispatch_tick
        patience = tick if self.soonest is None else min(tick, max(self.soonest, LEAST_WAIT))
        for _ in self.listener.notifies(timeout=patience, stop_after=1):
            return

    def hang_up(self) -> None:
        """Drop the listening connection; the next wait makes a new one."""
        if self.listener is not None:
            self.listener.close()
        self.listener = None

    def leave(self) -> None:
        """Stop being one of the parts."""
        self.hang_up()
        with transaction() as session:
            parts.leave(session, self.part)


def stop(job_id: int) -> None:
    """End open chunks of a cancelled job. Its span is made by who ended some: another dispatcher may have ended the last."""
    with traces.ending(job_id) as look, transaction() as session:
        if cancelling.cancel_open(session, job_id):
            look(session)


def main() -> None:
    """Run a dispatcher until SIGTERM or SIGINT."""
    dispatcher = Dispatcher()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: dispatcher.stopping.set())
    configure_log(settings().log_level)
    engine()  # made here, before several threads would
    tracing.begin("dispatcher")
    Courier(dispatcher.stopping).start()
    Housekeeper(dispatcher.stopping).start()
    log.info("dispatcher_started")
    dispatcher.run()
    tracing.end()


if __name__ == "__main__":
    main()
