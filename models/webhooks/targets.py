"""Where a webhook may point: https and public addresses alone, looked at by name when it is made and by address at each delivery.

Who delivers connects to one of the addresses that were looked at, never to the name again: a name that changes what it stands
for between the look and the connection gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from models.errors import InvalidTarget
from models.settings import settings

LONGEST_URL = 2_000
PORTS = {"https": 443, "http": 80}
# Networks in which an IPv4 address hides: nobody needs them to be reached, and what they lead to depends on the network.
HIDING = tuple(ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "::/96"))
POINTER = "/url"


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's address in its parts. `path` has the query too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return what the `Host` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str) -> Target:
    """Return an address in its parts. Raises InvalidTarget."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidTarget(f"An address is at most {LONGEST_URL} printable ASCII characters.", pointer=POINTER)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidTarget("This is no address.", pointer=POINTER) from None
    if parts.scheme not in (PORTS if settings().webhooks_private else ("https",)):
        raise InvalidTarget("The address of a webhook begins with https://.", pointer=POINTER)
    if not parts.hostname or "@" in parts.netloc or "%" in parts.netloc or "#" in url:
        raise InvalidTarget("The address of a webhook has a host, and neither a user nor a fragment.", pointer=POINTER)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port, path)


def resolve(target: Target) -> Sequence[str]:
    """Return the addresses that a target's name stands for now. Raises InvalidTarget where one of them is not public."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(settings().webhooks_private or is_public(address) for address in addresses):
        raise InvalidTarget("The host of this address is not known, or not on the public internet.", pointer=POINTER)
    return addresses


def is_public(text: str) -> bool:
    """Say whether an IP address is one of the public internet, however it is written."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.is_site_local or any(address in network for network in HIDING):
            return False
        address = address.ipv4_mapped or address
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
