"""One POST to a webhook: where it connects to, what it follows, how long it waits."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from models.settings import settings
from tests.goals.receiver import Receiver
from worker.posting import post


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Private addresses are allowed, and nobody waits for longer than half a second."""
    monkeypatch.setenv("WAYBILL_WEBHOOKS_PRIVATE", "true")
    monkeypatch.setenv("WAYBILL_WEBHOOK_TIMEOUT", "0.5")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver().up()
    yield made
    made.down()


def test_what_was_answered_is_told(private: None, receiver: Receiver) -> None:
    result = post(receiver.url, {"webhook-id": "msg_1"}, b"{}")
    assert (result.good, result.status, result.error) == (True, 204, None)
    assert receiver.came[0].headers["host"] == f"127.0.0.1:{receiver.port}"
    assert receiver.came[0].headers["content-type"] == "application/json"


def test_redirects_are_not_followed(private: None, receiver: Receiver) -> None:
    receiver.answers, receiver.location = [302], receiver.url
    result = post(receiver.url, {}, b"{}")
    assert (result.good, result.status, len(receiver.came)) == (False, 302, 1)


def test_nobody_there_is_told(private: None, receiver: Receiver) -> None:
    receiver.down()
    assert post(receiver.url, {}, b"{}").error == "The connection was refused."


def test_who_drips_an_answer_is_late(private: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while True:
                    connection.sendall(b"X")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        result = post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}")
        assert (result.good, result.error) == (False, "No answer within 0.5 seconds.")
        assert time.monotonic() - begun < 3
        thread.join(10)
        assert not thread.is_alive()


def test_x19_a_name_that_has_become_private_is_refused_at_delivery(receiver: Receiver) -> None:
    result = post(f"https://localhost:{receiver.port}/", {}, b"{}")
    assert (result.good, result.status) == (False, None)
    assert result.error == "The host of this address is not known, or not on the public internet."
    assert receiver.came == []


def test_x19_the_connection_is_to_the_address_that_was_looked_at(
    private: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that would stand for another address when it is asked for a second time."""
    real, asked = socket.getaddrinfo, []

    def rebinding(host: Any, *more: Any, **others: Any) -> Any:
        if host != "hooks.example.org":
            return real(host, *more, **others)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.99", *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    result = post(f"http://hooks.example.org:{receiver.port}/", {}, b"{}")
    assert (result.status, len(asked)) == (204, 1)
    assert receiver.came[0].headers["host"] == f"hooks.example.org:{receiver.port}"


def test_what_speaks_no_tls_is_told(private: None, receiver: Receiver) -> None:
    result = post(f"https://127.0.0.1:{receiver.port}/", {}, b"{}")
    assert result.error is not None
    assert result.error.startswith(("The connection failed", "No answer"))
    assert receiver.came == []


def certificate(folder: Path, name: str) -> Path:
    """Make a certificate for a name, signed by itself; return the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(plain + made.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(("trusted", "name", "told"), [
    (True, "hooks.example.org", None),
    (True, "other.example.org", "The certificate is not valid: Hostname mismatch"),
    (False, "hooks.example.org", "The certificate is not valid: self-signed certificate"),
])  # fmt: skip
def test_the_certificate_is_that_of_the_name(
    private: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: bool, name: str, told: str | None
) -> None:
    file = certificate(tmp_path, name)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    assert receiver.server
    receiver.server.socket = server.wrap_socket(receiver.server.socket, server_side=True)
    real, real_context = socket.getaddrinfo, ssl.create_default_context

    def resolved(host: Any, *more: Any, **others: Any) -> Any:
        return real("127.0.0.1" if host == "hooks.example.org" else host, *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(ssl, "create_default_context", lambda: real_context(cafile=str(file)) if trusted else real_context())
    monkeypatch.setattr(receiver.server, "handle_error", lambda *_: None)
    result = post(f"https://hooks.example.org:{receiver.port}/", {}, b"{}")
    assert (result.status, len(receiver.came)) == ((None, 0) if told else (204, 1))
    assert (result.error or "").startswith(told or "")
    assert bool(result.error) == bool(told)
