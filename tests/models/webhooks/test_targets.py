"""Where a webhook may point."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from models.errors import InvalidTarget
from models.webhooks.targets import is_public, parse_target, resolve

PRIVATE = (
    "127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "255.255.255.255", "192.0.2.1",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1",
    "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "::7f00:1",
)  # fmt: skip
PUBLIC = ("93.184.215.14", "8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1111")


@pytest.mark.parametrize("address", PRIVATE)
def test_x19_what_is_not_on_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_on_the_public_internet_is_taken(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "localhost", "127.0.0.1."]
)
def test_x19_other_spellings_of_a_private_address_are_refused(host: str) -> None:
    with pytest.raises(InvalidTarget):
        resolve(parse_target(f"https://{host}/"))


def test_x19_one_private_address_among_public_ones_is_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(InvalidTarget):
        resolve(parse_target("https://mixed.example.org/"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https:///path", "https://user@example.org/", "example.org",
        "https://user:word@example.org/", "https://example.org/#part", "https://example.org:99999/", "https://exa mple.org/",
        "https://example.org/\r\nHost: other", "https://example.org\\@other/", "https://[::1/", "https://exämple.org/",
        "https://example.org/" + "x" * 2_000, "https://[fe80::1%25eth0]/", "",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(InvalidTarget):
        parse_target(url)


def test_an_address_is_taken_apart_with_its_query() -> None:
    target = parse_target("https://hooks.example.org:8443/a/b?c=d")
    assert (target.host, target.port, target.path, target.authority) == (
        "hooks.example.org",
        8443,
        "/a/b?c=d",
        "hooks.example.org:8443",
    )
    assert parse_target("https://hooks.example.org").authority == "hooks.example.org"
