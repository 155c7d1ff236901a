"""A webhook's receiver, written from the specification's text: it keeps what comes and answers as it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec


@dataclass
class Message:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.body)["data"])

    def signed_by(self, secret: str) -> bool:
        """Verify by the specification's words: HMAC-SHA256 over id, timestamp and payload, joined by full stops, in base64."""
        assert secret.startswith("whsec_")
        key = base64.b64decode(secret[len("whsec_") :], validate=True)
        content = b".".join([self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        given = [entry.split(",", 1) for entry in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(signature, wanted) for version, signature in given)


@dataclass
class Receiver:
    """A server on a port of its own. `down` closes the port, `up` opens it again; `answers` are given first, then 204."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    location: str = ""
    came: list[Message] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=tests"

    def up(self) -> Receiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append(Message({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def down(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None
