"""Labs, people and records that the tests of the record rules share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from models.classifications.decide import decide
from models.classifications.envelope import parse_operation
from models.classifications.state import Actor, Context, Decision, Lab, Record, Status
from models.ids import stamp

NORTH = Lab(1, "xyz/north", "North Street Lab", 10, "xyz", "XYZ Pathology")
SOUTH = Lab(2, "xyz/south", "South Street Lab", 10, "xyz", "XYZ Pathology")
ABROAD = Lab(3, "abc/main", "Main Lab", 20, "abc", "ABC Genetics")

CURATOR = Actor(100, "curator", frozenset({1}), frozenset({10}))
SISTER = Actor(200, "sister", frozenset({2}), frozenset({10}))
STRANGER = Actor(300, "stranger", frozenset({3}), frozenset({20}))
ADMIN = Actor(400, "admin", frozenset(), frozenset(), superuser=True)

MONDAY = datetime(2024, 3, 4, 9, 0, 0, 250_000, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)

SHAREABLE: dict[str, Any] = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T",
    "genome_build": "GRCh37",
    "clinical_significance": "VUS",
    "zygosity": "hemizygous",
    "condition": "OMIM:236200",
    "allele_origin": "germline",
}


def record(**changes: Any) -> Record:
    """Return a stored record of the north lab, made on Monday and published to its lab."""
    version = stamp(MONDAY)
    plain = Record(
        id=1453,
        lab=NORTH,
        lab_record_id="R1",
        owner_id=CURATOR.user_id,
        version=version,
        evidence={"age": {"value": "30-39"}},
        published_version=version,
        published_on=MONDAY,
        created_on=MONDAY,
        updated_on=MONDAY,
    )
    return replace(plain, **changes)


def context(actor: Actor = CURATOR, now: datetime = TUESDAY, lab: Lab | None = NORTH) -> Context:
    """Return what a decision about a record of the north lab needs."""
    return Context(actor, lab, now, "new-id")


def do(before: Record | None, around: Context | None = None, /, **members: Any) -> Decision:
    """Decide one operation on R1 of the north lab, by its curator on Tuesday if nothing else is said."""
    return decide(before, parse_operation({"id": "xyz/north/R1", **members}), around or context())


def after(decision: Decision) -> Record:
    """Return the record that a decision leaves."""
    assert decision.record is not None
    return decision.record


def codes(decision: Decision) -> list[str]:
    """Return the codes of the patch messages, in order."""
    return [message.code for message in decision.messages]


def shared(level: int) -> Record:
    """Return a record that was created and published on Monday."""
    return replace(after(do(None, context(now=MONDAY), create=SHAREABLE, publish=level)), id=1453)


def refused(decision: Decision, before: Record | None) -> tuple[str | None, str | None]:
    """Return why and where, and see that nothing else was decided."""
    bare = Decision(Status.FAILED, before, code=decision.code, detail=decision.detail, pointer=decision.pointer)
    assert decision == bare
    assert decision.record is before
    assert decision.detail
    return decision.code, decision.pointer
