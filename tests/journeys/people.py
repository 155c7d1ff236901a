"""Who the journeys' requests come from, and how they are sent: over HTTP, as anybody would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from models.db import transaction
from models.identity.service import import_accounts

V2 = "/classification/api/classifications/v2/record/"
V1 = "/classification/api/classifications/v1/record/"


@dataclass(frozen=True)
class Caller:
    """A user at a server."""

    url: str
    key: str

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request with the user's key."""
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=60, **more)

    def post(self, body: Any, path: str = V2, **more: Any) -> Any:
        """Post a JSON body that is taken; return the answer's."""
        answer = self.send("POST", path, json=body, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str, **more: Any) -> requests.Response:
        """Read."""
        return self.send("GET", path, **more)

    def record(self, name: object) -> Any:
        """Read a record that is there."""
        answer = self.get(f"{V2}{name}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def open_labs(**labs: list[str]) -> None:
    """Make users with labs, `name=["org/lab"]`, and all that the labs need; a user's key is `the-key-of-<name>`."""
    groups = sorted({lab for of_one in labs.values() for lab in of_one})
    organisations = sorted({lab.split("/")[0] for lab in groups})
    document = {
        "organisations": [{"group_name": name, "name": name} for name in organisations],
        "labs": [{"group_name": lab, "name": lab, "organisation": lab.split("/")[0]} for lab in groups],
        "users": [{"name": name, "labs": of_one, "api_key": f"the-key-of-{name}"} for name, of_one in labs.items()],
        "projects": [],
    }
    with transaction() as session:
        import_accounts(session, document)


def codes(answer: dict[str, Any], member: str = "patch_messages") -> list[str]:
    """Return the codes of an answer's messages."""
    return [message["code"] for message in answer.get(member, [])]
