"""Small worlds for tests: people with labs, and jobs put straight into the ledger."""

from __future__ import annotations

from typing import Any

from models import ids
from models.db import Session, driver
from models.identity.principal import Principal
from models.identity.service import authenticate, import_accounts

LABS = ("north/one", "north/two", "south/one")


def accounts(session: Session) -> dict[str, Principal]:
    """Import two organisations, three labs, a member of each and one of two, an admin, an outsider; keys are `key-<name>`."""
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
    return {str(person["name"]): authenticate(session, f"key-{person['name']}") for person in people}


def _person(name: str, labs: list[str]) -> dict[str, Any]:
    return {"name": name, "email": f"{name}@example.org", "labs": labs, "superuser": False, "api_key": f"key-{name}"}


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
