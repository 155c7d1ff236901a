"""A worker that is told to stop ends what it works on and is gone, but waits no longer than this; another does what is left.

Celery's own limit, the soft shutdown, sleeps its whole time however soon the work is done. So SIGTERM is a warm shutdown here,
which ends with the last running chunk, and a cold one follows if that takes too long.
"""

from __future__ import annotations

import os
import signal
import threading

from celery.signals import worker_shutting_down

STOP_SECONDS = 20.0  # orchestrators give 30


@worker_shutting_down.connect
def begin(how: str, **_: object) -> None:
    """Set the limit of a warm shutdown."""
    if how == "Warm":
        limit = threading.Timer(STOP_SECONDS, os.kill, (os.getpid(), signal.SIGQUIT))
        limit.daemon = True
        limit.start()
