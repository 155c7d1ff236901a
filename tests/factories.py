"""Small worlds for tests: people with labs, and jobs put straight into the ledger."""

from __future__ import annotations

from typing import Any

from models import ids
from models.catalogue.importing import import_accounts as found_accounts
from models.db import Session, driver
from models.identity.passwords import digest_password
from models.identity.principal import Principal
from models.identity.service import authenticate, import_accounts

LABS = ("north/one", "north/two", "south/one")


def accounts(session: Session) -> dict[str, Principal]:
    """Import two organisations, three labs, a member of each and one of two, an admin, an outsider.

    Keys are `key-for-tests-<name>`.
    """
    members = {"ann": ["north/one"], "ben": ["north/two"], "cat": ["south/one"], "both": ["north/one", "south/one"]}
    people = [_person(name, labs) for name, labs in members.items()]
    people += [_person("outsider", []), {**_person("admin", []), "superuser": True}]
    import_accounts(
        session,
        {
            "organisations": [{"group_name": name, "name": name.title()} for name in ("north", "south")],
            "labs": [{"group_name": lab, "name": lab.title(), "organisation": lab.split("/")[0]} for lab in LABS],
            "users": people,
            "projects": [],
        },
    )
    return {str(person["name"]): authenticate(session, f"key-for-tests-{person['name']}") for person in people}


def _person(name: str, labs: list[str]) -> dict[str, Any]:
    return {"name": name, "email": f"{name}@example.org", "labs": labs, "superuser": False, "api_key": f"key-for-tests-{name}"}


def job(session: Session, *, lanes: int = 1, chunks: int = 1, size: int = 2, **columns: Any) -> int:
    """Put a job with open chunks of `size` items into the ledger; chunk `no` is in lane `no % lanes`. Returns its id."""
    values = {
        "token": ids.new_token(), "tenant": "north", "submitter_id": 1, "name": "bulk_classifications", "queue": "bulk",
        "lanes": lanes, "chunks_total": chunks, "total": chunks * size, **columns,
    }  # fmt: skip
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    connection = driver(session)
    row = connection.execute(f"INSERT INTO jobs ({names}) VALUES ({places}) RETURNING id", values).fetchone()
    assert row is not None
    for no in range(chunks):
        indexes = list(range(no * size, (no + 1) * size))
        payload = b"[" + b",".join(b'{"n":%d}' % index for index in indexes) + b"]"
        connection.execute(
            "INSERT INTO chunks (job_id, no, lane, size, indexes, payload) VALUES (%s, %s, %s, %s, %s, %s)",
            (row[0], no, no % lanes, size, indexes, payload),
        )
    return int(row[0])


PROJECT = "11111111-1111-4111-8111-111111111111"
CHANNELS = {"web": "aaaaaaaa-0000-4000-8000-000000000001", "print": "aaaaaaaa-0000-4000-8000-000000000002"}
ORDERINGS = {"alphabetical": "bbbbbbbb-0000-4000-8000-000000000001", "by size": "bbbbbbbb-0000-4000-8000-000000000002"}
FIELDLISTS = {"table": "cccccccc-0000-4000-8000-000000000001"}
PASSWORD = "open sesame"


def project(session: Session, gid: str = PROJECT, languages: tuple[str, ...] = ("en", "nl")) -> dict[str, Principal]:
    """Import a project with a member of each role, all people with keys as in `accounts`; the owner has a password too.

    `robot` is an API user and editor, `stranger` is no member.
    """
    roles = {"owner": ["owner"], "editor": ["editor"], "reader": ["reader"], "robot": ["editor"]}
    people = [_person(name, []) for name in (*roles, "stranger")]
    people[0]["password_digest"] = digest_password(PASSWORD)
    people[3]["api"] = True
    named = {"channels": CHANNELS, "orderings": ORDERINGS, "fieldlists": FIELDLISTS}
    listed = {part: [{"key": key, "name": name} for name, key in entries.items()] for part, entries in named.items()}
    members = [{"user": name, "roles": of_one} for name, of_one in roles.items()]
    described = {"gid": gid, "name": "Things", "languages": list(languages), "members": members, **listed}
    found_accounts(session, {"users": people, "projects": [described]})
    return {str(person["name"]): authenticate(session, f"key-for-tests-{person['name']}") for person in people}
