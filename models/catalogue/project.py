"""A project as a value, with what its roles allow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.errors import Forbidden

OWNER, EDITOR, READER = "owner", "editor", "reader"
WRITERS = frozenset({OWNER, EDITOR})
ACTIVE = "active"


@dataclass(frozen=True)
class Project:
    """A project as it was when it was read. `roles` are those of whoever asks; `channels` does not have `__all__`."""

    id: int
    gid: UUID
    name: str
    languages: tuple[str, ...]
    channels: Mapping[str, str]
    orderings: Mapping[str, str]
    fieldlists: Mapping[str, str]
    roles: frozenset[str]
    settings: Mapping[str, Any]
    schema_stamp: UUID
    cursor: int = 0
    icon: str | None = None
    status: str = ACTIVE
    owner_id: int | None = None

    @property
    def writable(self) -> bool:
        """Whether records, assets and schema may be changed."""
        return bool(self.roles & WRITERS)

    @property
    def owned(self) -> bool:
        """Whether whoever asks is an owner."""
        return OWNER in self.roles

    @property
    def language(self) -> str:
        """The default language: the first."""
        return self.languages[0]

    def check_writable(self) -> None:
        """Raise Forbidden for readers."""
        if not self.writable:
            raise Forbidden("This needs the role owner or editor in the project.")

    def check_owned(self) -> None:
        """Raise Forbidden for all but owners."""
        if not self.owned:
            raise Forbidden("This needs the role owner in the project.")
