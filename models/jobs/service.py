"""The jobs room's front door: what web, worker and dispatcher use."""

from models.jobs.control import cancel, pause, resume, retry, set_pace
from models.jobs.digest import digest, errors
from models.jobs.frozen import Drift, Member, list_drifts, list_members
from models.jobs.pacing import settle_pauses
from models.jobs.reads import JobQuery, OutcomeQuery, get_job, list_jobs, list_outcomes
from models.jobs.retention import purge
from models.jobs.submit import reject, submit, submit_selection

__all__ = [
    "Drift",
    "JobQuery",
    "Member",
    "OutcomeQuery",
    "cancel",
    "digest",
    "errors",
    "get_job",
    "list_drifts",
    "list_jobs",
    "list_members",
    "list_outcomes",
    "pause",
    "purge",
    "reject",
    "resume",
    "retry",
    "set_pace",
    "settle_pauses",
    "submit",
    "submit_selection",
]
