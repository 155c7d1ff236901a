"""Message handlers. A message carries a chunk's address and nothing else; who forges one can only ask for work that is open."""

from __future__ import annotations

import gc
import os
import resource

import structlog
from celery.signals import worker_init, worker_process_init

from models import db, operations
from models.classifications.keys import key_set
from models.logs import configure_log
from models.settings import settings
from worker import runner
from worker.app import app

log = structlog.get_logger()
# Read once, before the pool's processes are forked, and shared by all of them.
operations.registry()
key_set()


@worker_init.connect
def speak(**_: object) -> None:
    """Log as all parts do, in the main process and in those of the pool."""
    configure_log(settings().log_level)


@worker_process_init.connect
def begin(**_: object) -> None:
    """Start each pool process without its parent's connections, with what is loaded so far out of the collector's sight.

    What it may take of the machine's memory has a bound: an item that wants more fails, and the machine lives.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (settings().worker_memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    db.dispose()
    gc.freeze()


@app.task(name="waybill.work")
def work(job_id: int, no: int) -> None:
    """Work on one chunk, if it is still open."""
    gc.disable()  # a chunk's objects all live to its end: collecting meanwhile is a tenth of the time and finds nothing
    try:
        runner.work(job_id, no)
    except MemoryError:
        log.exception("out_of_memory", chunk=no)
        os._exit(1)  # Celery would end the whole worker; so it is one process, and the ledger counts it as a death
    finally:
        gc.enable()
