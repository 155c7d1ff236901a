"""What a chunk's items came to, in the words in which an import run is counted (contract section 17.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from models.classifications.state import Status
from models.db import Session
from models.jobs import imports
from models.jobs.ledger import Chunk, Outcome
from models.operations.classification_outcomes import DECODER

WORDS = {"created": "new"} | {word: word for word in ("updated", "unchanged", "withdrawn", "deleted", "unwithdrawn")}


def count_run(session: Session, chunk: Chunk, rows: Sequence[Outcome]) -> None:
    """Add a chunk's outcomes to the counts of its job's run."""
    imports.add_counts(session, chunk.claim.job_id, Counter(map(_word, rows)))


def _word(row: Outcome) -> str:
    """Return how an item counts; `unknown` is what stored nothing and was no failure, as a test."""
    if row.status == Status.FAILED or row.info is None:
        return "failed" if row.status == Status.FAILED else "unknown"
    info = DECODER.decode(row.info)
    if info.test:
        return "unknown"
    if info.status == "unchanged" and info.withdrawn:
        return "already_withdrawn"
    return WORDS.get(info.status, "unknown")
