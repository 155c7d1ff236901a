"""The jobs room's front door: what web, worker and dispatcher use."""

from models.jobs.control import cancel, keep_house, purge, retry
from models.jobs.reads import JobQuery, OutcomeQuery, get_job, list_jobs, list_outcomes
from models.jobs.submit import reject, submit, submit_selection

__all__ = [
    "JobQuery",
    "OutcomeQuery",
    "cancel",
    "get_job",
    "keep_house",
    "list_jobs",
    "list_outcomes",
    "purge",
    "reject",
    "retry",
    "submit",
    "submit_selection",
]
