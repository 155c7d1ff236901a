"""How the command ends, for scripts: one number for each kind of end. 2 is click's own, for a command that cannot be read."""

from __future__ import annotations

from waybill.values import JobState

SUCCEEDED = 0
ERROR = 1
USAGE = 2
PARTIAL = 3
FAILED = 4
REJECTED = 5
CANCELLED = 6
NO_ACCESS = 7
UNREACHABLE = 8
RUNNING = 9
INTERRUPTED = 130
BY_OUTCOME = {"succeeded": SUCCEEDED, "partial": PARTIAL, "failed": FAILED, "cancelled": CANCELLED}


def of(state: JobState) -> int:
    """Return the number that tells how a job stands."""
    if state.status == "rejected":
        return REJECTED
    return BY_OUTCOME.get(str(state.outcome), ERROR) if state.final else RUNNING
