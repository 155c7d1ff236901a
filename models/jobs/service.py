"""The jobs room's front door: what web, worker and dispatcher use."""

from models.jobs.control import cancel, keep_house, purge, retry
from models.jobs.digest import digest
from models.jobs.frozen import Drift, Member, list_drifts, list_members, name_records
from models.jobs.reads import JobQuery, OutcomeQuery, get_job, list_jobs, list_outcomes
from models.jobs.submit import reject, submit, submit_selection

__all__ = [
    "Drift",
    "JobQuery",
    "Member",
    "OutcomeQuery",
    "cancel",
    "digest",
    "get_job",
    "keep_house",
    "list_drifts",
    "list_jobs",
    "list_members",
    "list_outcomes",
    "name_records",
    "purge",
    "reject",
    "retry",
    "submit",
    "submit_selection",
]
