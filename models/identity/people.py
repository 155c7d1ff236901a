"""People and labs as values: what the rules of every face know of identity. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab with its organisation, as every record view needs them."""

    id: int
    group_name: str
    name: str
    organisation_id: int
    organisation_group: str
    organisation_name: str
    external: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as far as the rules care. `lab_ids` are the labs whose records the actor may write."""

    user_id: int
    username: str
    lab_ids: frozenset[int]
    organisation_ids: frozenset[int]
    superuser: bool = False

    def writes(self, lab: Lab) -> bool:
        """Say whether the actor may write records of a lab (contract section 12.2)."""
        return self.superuser or lab.id in self.lab_ids


@dataclass(frozen=True, slots=True)
class Person:
    """A known user, for evidence keys of type user."""

    id: int
    username: str
    lab_ids: frozenset[int]
