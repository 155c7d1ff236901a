"""What must be right for a client to work, and what to do where it is not.

Parts that are installed here add checks of their own through the entry point group `waybill.checks`: each is a function without
arguments that gives `Check`s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import entry_points
from typing import Any

from waybill import __version__, config, flows
from waybill.config import Profile
from waybill.errors import ConfigError, Problem, Unreachable
from waybill.flows import Patience
from waybill.transport import Transport
from waybill.wire import Answer, get

GROUP = "waybill.checks"
SKEW = 60.0  # seconds
ONCE = Patience(3)
SHOWN = ("operations", "body_bytes", "item_bytes", "page_size", "results_days", "cursor_hours")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `ok` is None where it could not be found out, or is only worth a word."""

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


def run(profile: Profile) -> Iterator[Check]:
    """Give all checks, ours first."""
    yield from _settings(profile)
    transport = Transport(profile.url, profile.key or "", f"waybill-doctor/{__version__}")
    try:
        yield from _server(transport, profile)
    finally:
        transport.close()
    yield from plugged()


def _settings(profile: Profile) -> Iterator[Check]:
    yield Check("server", True, f"{profile.url}, from {profile.source['url']}")
    where = profile.source["key"]
    remedy = "" if profile.key else "Run `waybill login`, or set WAYBILL_KEY."
    yield Check("key", bool(profile.key), f"from {where}" if profile.key else "none", remedy)
    if config.exposed():
        yield Check("file", False, f"{config.path()} can be read by others", f"chmod 600 {config.path()}")


def _server(transport: Transport, profile: Profile) -> Iterator[Check]:
    try:
        live = transport.run(flows.ask(get("/health/live"), ONCE))
    except Unreachable as error:
        remedy = "Start it (`make run` where it is installed), or mend the address (--url, WAYBILL_URL, `waybill login`)."
        yield Check("reached", False, str(error), remedy)
        return
    except Problem as problem:
        yield Check("reached", False, f"something else answers there: {problem}", "Mend the address; it has no path behind it.")
        return
    yield Check("reached", True, "it answers")
    yield _clock(live)
    yield _ready(transport)
    yield _version(transport)
    if profile.key:
        yield _access(transport)
    yield _limits(transport)


def _clock(answer: Answer) -> Check:
    try:
        skew = (datetime.now(UTC) - parsedate_to_datetime(answer.headers.get("date", ""))).total_seconds()
    except (TypeError, ValueError):
        return Check("clock", None, "the server does not say what time it is")
    far = abs(skew) > SKEW
    remedy = "Set the clock of this machine or the server's (NTP); times in results and exports are the server's." if far else ""
    return Check("clock", not far, f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's", remedy)


def _ready(transport: Transport) -> Check:
    try:
        body = transport.run(flows.value(get("/health/ready"), Patience(0)))
    except Problem as problem:
        return Check(
            "ready", False, problem.detail, "Jobs are stored but wait. Look at the server's log, and start what is missing."
        )
    except Unreachable as error:
        return Check("ready", False, str(error), "It answered a moment ago: is it being restarted?")
    parts = ", ".join(f"{name} {count}" for name, count in body.get("parts", {}).items() if not isinstance(count, bool))
    return Check("ready", True, parts or "yes")


def _version(transport: Transport) -> Check:
    try:
        there = str(transport.run(flows.value(get("/api/openapi.json"), ONCE))["info"]["version"])
    except (Problem, Unreachable, KeyError) as error:
        return Check("version", None, f"the server does not tell its version: {error}")
    same = _release(there) == _release(__version__)
    remedy = "" if same else f"Install the client of the same release: pip install 'waybill=={there}'."
    return Check("version", True if same else None, f"client {__version__}, server {there}", remedy)


def _release(version: str) -> list[str]:
    return re.split(r"[.+]", version)[:2]


def _access(transport: Transport) -> Check:
    try:
        transport.run(flows.ask(get("/api/jobs", **{"page.size": 1}), ONCE))
    except Problem as problem:
        return Check("access", False, problem.detail, "Run `waybill login` with a key that this server knows.")
    except Unreachable as error:
        return Check("access", False, str(error), "It answered a moment ago: is it being restarted?")
    return Check("access", True, "the key is taken")


def _limits(transport: Transport) -> Check:
    try:
        found: dict[str, Any] = transport.run(flows.value(get("/api/limits"), ONCE))
    except (Problem, Unreachable) as error:
        return Check("limits", None, str(error))
    return Check("limits", True, ", ".join(f"{name} {found[name]:,}" for name in SHOWN if name in found))


def plugged() -> Iterator[Check]:
    """Give the checks of the parts that are installed here."""
    for entry in entry_points(group=GROUP):
        try:
            yield from entry.load()()
        except ImportError:
            continue  # a part whose own dependencies are not installed
        except ConfigError as error:
            yield Check(entry.name, False, str(error))
