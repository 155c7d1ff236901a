"""The shapes of what goes out, and of what a client sends but the core reads: data for the OpenAPI document."""

from __future__ import annotations

from web.shapes import around, jobs, operations, records
from web.shapes.operations import BESIDE
from web.shapes.places import HEADERS, PLACES, READ_PLACES
from web.shapes.words import COUNT, ERROR, TEXT, TOKEN, Shape, many, obj

__all__ = ["BESIDE", "HEADERS", "INTRODUCTION", "PLACES", "READ_PLACES", "SHAPES"]

INTRODUCTION = (
    "Records in bulk: a submission becomes a job whose every item ends with exactly one outcome. Every error is a problem "
    "document (RFC 9457) with a stable `code`. The record API is also served without a version and below /variantclassification."
)
SHAPES: dict[str, Shape] = {
    "Anything": {"type": "object"},
    "Problem": obj(
        {"type": TEXT, "title": TEXT, "status": COUNT, "code": TEXT, "detail": TEXT, "instance": TEXT, "errors": many(ERROR)},
        optional={"limit": COUNT, "actual": COUNT, "job.token": TOKEN, "internal_error": TEXT},
    ),
    "Limits": {"type": "object", "additionalProperties": {"type": "number"}},
    **operations.SHAPES,
    **records.SHAPES,
    **jobs.SHAPES,
    **around.SHAPES,
}  # fmt: skip
