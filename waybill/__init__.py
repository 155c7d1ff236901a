"""Waybill's client: what users install and import. It talks HTTP and needs nothing of the server.

    import waybill

    with waybill.Client() as client:
        job = client.submit({"id": f"north/one/{n}", "upsert": {"gene_symbol": "TP53"}} for n in range(250_000))
        job.wait(progress=True)
        for result in job.failures():
            print(result.line, result.error)

`AsyncClient` is the same for programs that run many things at once.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("waybill")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"

from waybill.aio import AsyncClient
from waybill.aiojobs import AsyncJob
from waybill.client import Client
from waybill.digest import Digest
from waybill.errors import ConfigError, Problem, Unreachable, WaybillError
from waybill.events import Event
from waybill.flows import Patience
from waybill.jobs import Job
from waybill.notices import Notice
from waybill.projects import AsyncProject, Project
from waybill.receipts import Mismatch, Receipt
from waybill.values import File, JobState, Result, children, search
from waybill.webhooks import AsyncWebhooks, Delivery, Webhook, Webhooks, WebhookSecret

__all__ = [
    "AsyncClient", "AsyncJob", "AsyncProject", "AsyncWebhooks", "Client", "ConfigError", "Delivery", "Digest", "Event", "File",
    "Job", "JobState", "Mismatch", "Notice", "Patience", "Problem", "Project", "Receipt", "Result", "Unreachable", "WaybillError",
    "Webhook", "WebhookSecret", "Webhooks", "__version__", "children", "search",
]  # fmt: skip
