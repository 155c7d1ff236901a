"""The accounts file: its shape, and the checks that need nothing but the file itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec

from models.errors import InvalidRequest, pointer_to
from models.identity.passwords import PATTERN

# A dot would end the lab in an id such as `org/lab/record.version`, a colon is kept for tenants that are no organisation.
GROUP = r"[^/.:\s\x00-\x1f\x7f\ud800-\udfff]+"
PRINTABLE = r"^[^\x00-\x1f\x7f\ud800-\udfff]+$"
LAB_GROUP = re.compile(f"{GROUP}/{GROUP}")

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
OrganisationGroup: TypeAlias = Annotated[str, msgspec.Meta(max_length=100, pattern=f"^{GROUP}$")]
LabGroup: TypeAlias = Annotated[str, msgspec.Meta(max_length=200, pattern=f"^{GROUP}/{GROUP}$")]
ApiKey: TypeAlias = Annotated[str, msgspec.Meta(min_length=16, max_length=200, pattern=r"^(?!eyJ)[\x21-\x7e]+$")]  # no token
PasswordDigest: TypeAlias = Annotated[str, msgspec.Meta(max_length=200, pattern=PATTERN)]
Language: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Languages: TypeAlias = Annotated[tuple[Language, ...], msgspec.Meta(min_length=1, max_length=100)]


class Organisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A parent body of labs."""

    group_name: OrganisationGroup
    name: Name


class Lab(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lab; its group name begins with its organisation's."""

    group_name: LabGroup
    name: Name
    organisation: OrganisationGroup
    external: bool = False


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user: `name` is what the user is called in every request, `labs` are all labs the user belongs to, the main one first.

    `password_digest` is as `models.identity.passwords` makes it. With `api` it is an API user: a program, whose key the owners of
    its projects may see; it has no labs, owns nothing and is no superuser.
    """

    name: Name
    email: Name | None = None
    full_name: str = ""
    labs: tuple[LabGroup, ...] = ()
    superuser: bool = False
    api_key: ApiKey | None = None
    password_digest: PasswordDigest | None = None
    api: bool = False


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user may do in a project."""

    user: Name
    roles: tuple[Name, ...]


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A channel, ordering or fieldlist."""

    key: UUID
    name: Name


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A project with its languages, the default one first, members, and its channels, orderings and fieldlists in their order."""

    gid: UUID
    name: Name
    languages: Languages
    members: tuple[Member, ...] = ()
    channels: tuple[Named, ...] = ()
    orderings: tuple[Named, ...] = ()
    fieldlists: tuple[Named, ...] = ()
    timezone: Name | None = None
    icon: str | None = None


class Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    organisations: tuple[Organisation, ...] = ()
    labs: tuple[Lab, ...] = ()
    users: tuple[User, ...] = ()
    projects: tuple[Project, ...] = ()


def parse_accounts(document: Any) -> Accounts:
    """Return the accounts of a document. Raises InvalidRequest, with a pointer to the place."""
    try:
        accounts = msgspec.convert(document, Accounts)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at ")
        raise InvalidRequest(f"The accounts cannot be read: {detail}.", pointer=_pointer(path)) from None
    _check_uniqueness(accounts)
    _check_labs(accounts.labs)
    _check_api_users(accounts)
    return accounts


def _pointer(path: str) -> str | None:
    steps = re.findall(r"[^.$`\[\]]+", path)
    return pointer_to(*steps) if steps else None


def _check_uniqueness(accounts: Accounts) -> None:
    _refuse_repeats("organisations", "group_name", (item.group_name for item in accounts.organisations))
    _refuse_repeats("labs", "group_name", (item.group_name for item in accounts.labs))
    _refuse_repeats("users", "name", (item.name.lower() for item in accounts.users))
    _refuse_repeats("users", "email", (item.email and item.email.lower() for item in accounts.users))
    _refuse_repeats("users", "api_key", (item.api_key for item in accounts.users))
    _refuse_repeats("projects", "gid", (str(item.gid) for item in accounts.projects))


def _refuse_repeats(part: str, member: str, values: Iterable[str | None]) -> None:
    """Refuse a value that occurs twice. The value itself is not said: it may be a key."""
    seen: set[str] = set()
    for at, value in enumerate(values):
        if value in seen:
            raise InvalidRequest(f"The same {member} occurs twice among the {part}.", pointer=pointer_to(part, at, member))
        if value:
            seen.add(value)


def _check_labs(labs: Iterable[Lab]) -> None:
    for at, lab in enumerate(labs):
        if not lab.group_name.startswith(f"{lab.organisation}/"):
            detail = f"The lab {lab.group_name} has to begin with its organisation, {lab.organisation}/."
            raise InvalidRequest(detail, pointer=pointer_to("labs", at, "group_name"))


def _check_api_users(accounts: Accounts) -> None:
    """Refuse API users with more rights than the owner of a project could give away with their keys."""
    programs = {user.name for user in accounts.users if user.api}
    for at, user in enumerate(accounts.users):
        if user.api and (user.labs or user.superuser):
            raise InvalidRequest("An API user has no labs and is no superuser.", pointer=pointer_to("users", at))
    for at, project in enumerate(accounts.projects):
        for place, member in enumerate(project.members):
            if member.user in programs and "owner" in member.roles:
                raise InvalidRequest("An API user cannot own a project.", pointer=pointer_to("projects", at, "members", place))
