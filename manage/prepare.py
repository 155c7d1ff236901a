"""Before the parts start: the schema is brought up to date, and an empty installation gets its first accounts.

It is a process of its own, so that the launcher itself stays small.
"""

from __future__ import annotations

import sys

import sqlalchemy as sa

from manage import migrate
from manage.home import Home, here
from models import db, ids
from models.db import transaction
from models.identity.service import import_accounts
from models.settings import settings


def main() -> None:
    """Migrate, then make the first accounts if there are none."""
    sys.stdout.write(f"schema at {migrate.upgrade(settings().database_url)}\n")
    first_accounts(here())
    db.dispose()


def first_accounts(home: Home) -> None:
    """Make the demo organisation, its lab, an administrator and a user with a key, where nobody has an account yet.

    The keys are written down before the accounts are stored: a start that is cut short between the two goes on with them.
    """
    with transaction() as session:
        if session.scalar(sa.text("SELECT EXISTS (SELECT FROM users)")):
            return
        import_accounts(session, _document(home))
        sys.stdout.write("first accounts made\n")


def _document(home: Home) -> dict[str, object]:
    admin = {"name": "admin", "superuser": True, "labs": [], "api_key": home.keep("admin-key", ids.new_secret)}
    demo = {"name": "demo", "superuser": False, "labs": ["demo/lab"], "api_key": home.keep("first-key", ids.new_secret)}
    return {
        "organisations": [{"group_name": "demo", "name": "Demonstration"}],
        "labs": [{"group_name": "demo/lab", "name": "Demonstration lab", "organisation": "demo"}],
        "users": [admin, demo],
        "projects": [],
    }


if __name__ == "__main__":
    main()
