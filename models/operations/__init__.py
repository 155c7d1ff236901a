"""The registry of bulk operations: one module each, found by name. Adding a module is adding an operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from models.catalogue.rows import gids_of
from models.db import Session, driver
from models.errors import NotFound
from models.identity.principal import Principal
from models.jobs.frozen import name_records
from models.jobs.ledger import Chunk, Outcome
from models.jobs.reads import OutcomeQuery, get_job, list_outcomes
from models.jobs.values import Job, Result
from models.operations.rehearsal import rehearse
from models.operations.verb import UNDO, Verb
from models.selection.spaces import RECORDS

__all__ = ["Verb", "get", "list_results", "name_members", "registry", "run"]


@lru_cache(maxsize=1)
def registry() -> dict[str, Verb]:
    """Return all operations by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    verbs = [module.VERB for module in modules if hasattr(module, "VERB")]
    return {verb.name: verb for verb in verbs}


def get(name: str) -> Verb:
    """Return an operation. Raises NotFound."""
    try:
        return registry()[name]
    except KeyError:
        raise NotFound(f"There is no operation {name}.") from None


def run(session: Session, chunk: Chunk) -> list[Outcome]:
    """Apply a chunk by its job's operation; one outcome an item, in the items' order."""
    verb = get(chunk.name)
    if chunk.project_id is not None and chunk.params.get("test"):
        return rehearse(session, chunk, verb.run)
    return verb.run(session, chunk)


def list_results(
    session: Session, principal: Principal, token: str, query: OutcomeQuery, project_id: int | None = None
) -> list[Result]:
    """Return a page of a job's outcomes by index, with their answers. Raises NotFound, and Gone after a purge."""
    job = get_job(session, principal, token, project_id=project_id)
    found = list_outcomes(session, job, query)
    return get(_told_as(session, job)).answer(session, principal.actor(), found)


def name_members(session: Session, principal: Principal, job: Job, item_ids: Sequence[int]) -> dict[int, str]:
    """Return what those members of a job are called that the caller can see now; the project face names them by gid."""
    table = get(job.name).table
    if table == RECORDS:
        return name_records(session, principal, item_ids)
    return {int(item_id): gid for item_id, gid in gids_of(session, table, item_ids).items()}


def _told_as(session: Session, job: Job) -> str:
    """Return the operation whose words tell a job's outcomes: an undoing has those of what it undoes."""
    row = driver(session).execute("SELECT params->>'verb' FROM jobs WHERE id = %s AND name = %s", (job.id, UNDO)).fetchone()
    return str(row[0]) if row else job.name
