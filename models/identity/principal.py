"""Who asks, with the rights that person has at this moment."""

from __future__ import annotations

from dataclasses import dataclass

from models.identity.people import Actor


@dataclass(frozen=True, slots=True)
class Principal:
    """A known user. Jobs belong to the `tenant`, records to labs; `lab_ids` are the labs whose records may be written."""

    user_id: int
    username: str
    tenant: str
    superuser: bool = False
    lab_ids: frozenset[int] = frozenset()
    organisation_ids: frozenset[int] = frozenset()

    def actor(self) -> Actor:
        """Return the part of a principal that the rules of records look at."""
        return Actor(self.user_id, self.username, self.lab_ids, self.organisation_ids, self.superuser)
