"""How gunicorn serves the web, every setting explicit. Behind a proxy or not, a client cannot name its own address."""

import ctypes
import os
import signal
import sys

from models.settings import settings

PR_SET_PDEATHSIG = 1

bind = [f"{settings().host}:{settings().port}"]
worker_class = "gthread"
workers = settings().web_processes
threads = settings().web_threads
timeout = 60
graceful_timeout = 10
keepalive = 5
max_requests = 0
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn's own private file
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
