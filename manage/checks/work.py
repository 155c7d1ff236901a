"""Is work done: workers and a dispatcher that were heard of, messages that fit the ledger, and jobs that move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from models.db import DATABASE_ERRORS, transaction
from models.jobs.numbers import Numbers, count_open
from models.parts import list_parts
from models.settings import settings
from waybill.checks import Check

STILL = 60.0  # seconds without any movement
STUCK = 5  # claims of one chunk
SPARE = 100  # messages that may wait beyond the open chunks: of those that were done meanwhile


def checks(waiting: Mapping[str, int] | None) -> Iterator[Check]:
    """Look at the ledger and at who works on it; `waiting` counts the broker's messages by queue."""
    try:
        with transaction() as session:
            parts, numbers = list_parts(session), count_open(session)
    except DATABASE_ERRORS as error:
        yield Check(
            "work", False, f"the ledger cannot be read: {type(error).__name__}", "Bring the schema up to date: waybill migrate."
        )
        return
    yield from heard(parts)
    if waiting is not None:
        yield queues(waiting, numbers)
    yield moving(numbers)
    yield attempts(numbers)


def heard(parts: list[dict[str, object]]) -> Iterator[Check]:
    """Say who was heard of lately."""
    found = Counter(str(part["role"]) for part in parts)
    for role in ("worker", "dispatcher"):
        since = f"in the last {settings().part_lost_after:.0f} s"
        remedy = "" if found[role] else f"Start one: waybill {role} (`waybill up` keeps one running); its log says why it ended."
        yield Check(f"{role}s", not remedy, f"{found[role]} heard of {since}", remedy)


def queues(waiting: Mapping[str, int], numbers: Numbers) -> Check:
    """Compare the messages that wait with the chunks that are open."""
    chunks: Counter[str] = Counter()
    for (queue, _), number in numbers.queues.items():
        chunks[queue] += number
    told = "; ".join(f"{name}: {number:,} messages, {chunks[name]:,} open chunks" for name, number in waiting.items())
    if any(number > chunks[name] + SPARE for name, number in waiting.items()):
        remedy = "They are of chunks that are done, or not ours: are workers there, and is the broker this database's alone?"
        return Check("queues", False, told, remedy)
    return Check("queues", True, told)


def moving(numbers: Numbers) -> Check:
    """Look whether anything moves while something is open."""
    total = sum(numbers.chunks.values())
    if not total:
        return Check("oldest chunk", True, "nothing is open")
    silence = f"the longest silence of a job is {numbers.longest_silence:,.0f} s"
    found = f"{total:,} open, the oldest for {numbers.oldest_chunk:,.0f} s; {silence}"
    if min(numbers.oldest_chunk, numbers.longest_silence) <= STILL:
        return Check("oldest chunk", True, found)
    remedy = "Are workers there, and are all slots busy? Then start more. Else look for chunk_postponed in their logs."
    return Check("oldest chunk", False, found, remedy)


def attempts(numbers: Numbers) -> Check:
    """Look whether one chunk comes back again and again."""
    found = f"{numbers.most_attempts} at the chunk that has most"
    if numbers.most_attempts <= STUCK:
        return Check("attempts", True, found)
    return Check(
        "attempts", False, found, "Workers die of it or the database refuses it: look for chunk_postponed and item_quarantined."
    )
