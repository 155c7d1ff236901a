"""The Celery app. PostgreSQL rows are the truth and a message only wakes a worker; every setting is explicit, with its reason."""

from __future__ import annotations

import os
import socket
from typing import Any

from celery import Celery
from kombu import Queue

from models.settings import settings

QUEUES = ("small", "bulk")  # in the order a free worker looks at them: people who wait come before bulk

# What kombu may wait for: a broker that is away or frozen costs seconds, never a hang.
TRANSPORT: dict[str, Any] = {
    "visibility_timeout": 120,  # longer than task_time_limit, or a running task is sent twice
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,  # the default sweep comes only every 100 s
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "retry_on_timeout": False,
    "health_check_interval": 10,
    "global_keyprefix": "waybill:",
    "queue_order_strategy": "priority",
    "client_name": f"waybill-{socket.gethostname()}-{os.getpid()}",
}
# A publish that fails is taken back and tried at the next tick. Switching retry off altogether is slower, not faster.
PUBLISH_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}

SETTINGS: dict[str, Any] = {
    "task_ignore_result": True,  # results, progress and completion are rows
    "result_backend": None,
    "task_serializer": "json",
    "result_serializer": "json",
    "accept_content": ["json"],  # never pickle
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,  # a killed child's chunk comes back at once; `attempts` bounds the loop
    "task_acks_on_failure_or_timeout": True,  # the broker never retries; the dispatcher does
    "task_retry_on_worker_lost": False,
    "worker_prefetch_multiplier": 1,  # what is prefetched is stranded when its worker dies
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # they would run twice
    "task_time_limit": 90,  # a hard kill is the case we are built for; soft limits raise inside commits
    "worker_max_tasks_per_child": 1000,
    "worker_max_memory_per_child": 400_000,  # KiB
    "worker_soft_shutdown_timeout": 0,  # it sleeps its whole time, however soon the work is done: see worker.stopping
    "worker_enable_remote_control": True,  # its connection notices a broker restart that a busy consumer would sleep through
    "worker_send_task_events": False,
    "task_send_sent_event": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # the default gives up after 100
    "broker_channel_error_retry": True,  # a full broker must not end the worker
    "broker_pool_acquire_timeout": 5,
    "broker_heartbeat": 10,
    "broker_transport_options": TRANSPORT,
    "task_publish_retry": True,
    "task_publish_retry_policy": PUBLISH_RETRY,
    "task_default_queue": "bulk",
    "task_queues": [Queue(name, routing_key=name) for name in QUEUES],
    "task_create_missing_queues": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
}


def _make_app() -> Celery:
    modules = ["worker.tasks", "worker.heartbeat", "worker.stopping", "worker.watchdog", "worker.traces"]
    made = Celery("waybill", broker=settings().broker_url, include=modules)
    made.conf.update(SETTINGS)
    return made


app = _make_app()
