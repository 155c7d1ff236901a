"""How gunicorn serves the web, every setting explicit. Behind a proxy or not, a client cannot name its own address."""

import ctypes
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from models.settings import settings
from web import tallies

PR_SET_PDEATHSIG = 1
TALLIES = tallies.shared  # made before the web processes are forked, so that they share it
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - private folders of ours and of gunicorn
# Where the web processes keep how long requests took, for each other to tell: the library looks here when it is first imported.
TIMINGS = "waybill-timings"
for left in Path(tempfile.gettempdir() if MEMORY is None else MEMORY).glob(f"{TIMINGS}-*-*"):
    if Path("/proc/self").exists() and not Path("/proc", left.name.split("-")[2]).exists():  # of a web that was killed
        shutil.rmtree(left, ignore_errors=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=f"{TIMINGS}-{os.getpid()}-", dir=MEMORY)

bind = [f"{settings().host}:{settings().port}"]
worker_class = "web.server.Worker"
workers = settings().web_processes
threads = settings().web_threads
timeout = 60
graceful_timeout = 10
keepalive = 5
max_requests = 0
limit_request_line = 8190  # above what web.gate lets through
limit_request_fields = 100
limit_request_field_size = 8190
worker_tmp_dir = MEMORY
control_socket_disable = True
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
loglevel = settings().log_level.lower()
errorlog = "-"
accesslog = None  # the app logs its requests itself, without tokens


def post_fork(server, worker):  # type: ignore[no-untyped-def]
    """Tie a web process to its parent: nothing listens on after the parent was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != worker.ppid:
        sys.exit("the parent is gone already")


def on_exit(server):  # type: ignore[no-untyped-def]
    """Remove what the web processes kept for each other."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
