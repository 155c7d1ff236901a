"""One POST to a webhook: to an address that was looked at, within one limit of time, following nothing, reading no body."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence

from models import ids
from models.errors import InvalidTarget
from models.settings import settings
from models.webhooks.outbox import Result
from models.webhooks.targets import Target, parse_target, resolve

MOST_ADDRESSES = 3  # of one name, that are tried
SAID = {"Content-Type": "application/json", "User-Agent": "waybill", "Connection": "close"}


class Pinned(http.client.HTTPConnection):
    """A connection to addresses, in the name of a host: certificate and `Host` are the name's."""

    def __init__(self, target: Target, addresses: Sequence[str], seconds: float) -> None:
        super().__init__(target.host, target.port)
        self.target = target
        self.addresses = addresses[:MOST_ADDRESSES]
        self.seconds = seconds
        self.late = False

    def connect(self) -> None:
        """Connect to the first address that takes us, and speak TLS where the target says so."""
        plain = self._reach()
        self.sock = plain
        if self.target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = secure = context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
            secure.do_handshake()

    def _reach(self) -> socket.socket:
        for address in self.addresses[:-1]:
            try:
                return socket.create_connection((address, self.port), self.seconds / len(self.addresses))
            except OSError:
                continue  # the last one's error is told
        return socket.create_connection((self.addresses[-1], self.port), self.seconds / len(self.addresses))

    def cut(self) -> None:
        """End all waiting: who drips an answer byte by byte is late too."""
        self.late = True
        if self.sock is not None:
            try:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself


def post(url: str, headers: Mapping[str, str], body: bytes) -> Result:
    """Send a body; tell what was answered, or why nothing was."""
    begun = ids.monotonic()
    try:
        target = parse_target(url)
        addresses = resolve(target)
    except InvalidTarget as refused:
        return Result(_since(begun), error=refused.detail)
    left = settings().webhook_timeout - (ids.monotonic() - begun)
    if left <= 0:
        return Result(_since(begun), error=_late())
    connection = Pinned(target, addresses, left)
    limit = threading.Timer(left, connection.cut)
    limit.daemon = True
    limit.start()
    try:
        connection.request("POST", target.path, body, {"Host": target.authority, **SAID, **headers})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Result(_since(begun), error=_late() if connection.late or isinstance(error, TimeoutError) else _reason(error))
    finally:
        limit.cancel()
        connection.close()
    return Result(_since(begun), error=_late()) if connection.late else Result(_since(begun), status)


def _since(begun: float) -> int:
    return round((ids.monotonic() - begun) * 1_000)


def _late() -> str:
    return f"No answer within {settings().webhook_timeout:g} seconds."


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not valid: {error.verify_message}"
    if isinstance(error, ConnectionRefusedError):
        return "The connection was refused."
    return f"The connection failed ({type(error).__name__})."
