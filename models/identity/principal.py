"""Who asks, with the rights that person has at this moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.identity.people import Actor


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody signed in by: an API key, or a password with this fingerprint."""

    key_id: int | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """A known user. Jobs belong to the `tenant`, records to labs; `lab_ids` are the labs whose records may be written.

    `by` is None for who did not ask now: the submitter of a job that is worked on.
    """

    user_id: int
    username: str
    tenant: str
    superuser: bool = False
    lab_ids: frozenset[int] = frozenset()
    organisation_ids: frozenset[int] = frozenset()
    by: Credential | None = field(default=None, compare=False)

    def actor(self) -> Actor:
        """Return the part of a principal that the rules of records look at."""
        return Actor(self.user_id, self.username, self.lab_ids, self.organisation_ids, self.superuser)
