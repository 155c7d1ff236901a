"""How many jobs one user may have open at the same time. They wait for their turn without being refused up to there."""

from __future__ import annotations

from typing import Any

from models.db import Session, driver
from models.errors import QuotaExceeded
from models.identity.principal import Principal
from models.settings import settings

POLICY = "jobs"
OPEN = """
SELECT count(*) FROM jobs WHERE tenant = %s AND submitter_id = %s AND status IN ('queued', 'processing')
"""


def check_open_jobs(session: Session, principal: Principal) -> None:
    """Raise QuotaExceeded where the user has more open jobs than the limit, one just inserted included."""
    row = driver(session).execute(OPEN, (principal.tenant, principal.user_id)).fetchone()
    limit = settings().limits.open_jobs
    if row is not None and row[0] > limit:
        more: dict[str, Any] = {"violated-policies": [POLICY]}
        raise QuotaExceeded(f"At most {limit} jobs may be open at the same time.", retry_after=5, limit=limit, **more)
