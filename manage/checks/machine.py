"""The machine that we run on: versions of what is installed, room on its disks, open files, the secret key."""

from __future__ import annotations

import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement

from models.settings import Settings, settings
from waybill.checks import Check

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: *; *(?P<marker>[^\\\n]+))?", re.MULTILINE)
OURS = "waybill"
SERVER = "server"
FLOOR = (3, 11)
GIB = 1024**3
LEAST_FREE = GIB  # bytes
LEAST_SHARE = 0.05
SHORTEST_SECRET = 32
LEAST_DIFFERENT = 8  # characters of a secret
FILES_BESIDE = 1_000  # open files of a web process beside its waiting readers
SHOWN = 5


def versions() -> Iterator[Check]:
    """Look at Python and the packages."""
    told = ".".join(map(str, sys.version_info[:3]))
    remedy = "" if sys.version_info >= FLOOR else f"Install Python {FLOOR[0]}.{FLOOR[1]} or later."
    yield Check("python", not remedy, f"{told}, {sys.executable}", remedy)
    yield packages(requirements())
    if LOCK.is_file():
        yield locked(read_lock(LOCK.read_text(encoding="utf-8")))


def requirements() -> list[str]:
    """Return what the server asks for: of the source tree where this is one, else of the installed package."""
    source = ROOT / "setup.cfg"
    if source.is_file():
        return _in_source(source)
    try:
        found = distribution(OURS).requires or []
    except PackageNotFoundError:
        return []
    return [text for text in found if _is_asked_for(text)]


def _in_source(source: Path) -> list[str]:
    import configparser

    config = configparser.ConfigParser()
    config.read(source, encoding="utf-8")
    groups = (config.get("options", "install_requires"), config.get("options.extras_require", SERVER))
    return [line for group in groups for line in group.split("\n") if line.strip()]


def _is_asked_for(text: str) -> bool:
    marker = Requirement(text).marker
    return marker is None or marker.evaluate({"extra": SERVER})


def packages(wanted: list[str]) -> Check:
    """Compare what is installed with what the server asks for."""
    faults = [fault for text in wanted if (fault := _fault(text))]
    if faults:
        return Check("packages", False, "; ".join(faults[:SHOWN]), f"Install them: pip install '{OURS}[{SERVER}]'.")
    return Check("packages", True, f"{len(wanted)} are as the server asks for them")


def _fault(text: str) -> str | None:
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        return f"{text} cannot be read"
    if wanted.marker and not wanted.marker.evaluate({"extra": SERVER}):
        return None
    found = _installed(wanted.name)
    if found is None:
        return f"{wanted.name} is missing"
    return None if wanted.specifier.contains(found, prereleases=True) else f"{wanted.name} is {found}, not {wanted.specifier}"


def read_lock(text: str) -> dict[str, str]:
    """Return the versions that a lock has for this Python and this system."""
    found = [line.groupdict() for line in LOCKED.finditer(text)]
    return {line["name"]: line["version"] for line in found if not line["marker"] or Marker(line["marker"]).evaluate()}


def locked(lock: Mapping[str, str]) -> Check:
    """Compare what is installed with what was tested together; what is not installed may be for development alone."""
    found = {name: _installed(name) for name in lock}
    others = [
        f"{name} {found[name]} (tested with {wanted})" for name, wanted in lock.items() if found[name] not in (None, wanted)
    ]
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        return Check("lock", None, ", ".join(others[:SHOWN]) + more, "`python3 dev.py venv` installs what was tested together.")
    return Check("lock", True, f"{sum(map(bool, found.values()))} packages as tested together")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def around() -> Iterator[Check]:
    """Look at what the parts need of this machine."""
    yield secret(_secret())
    yield open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    for name, folder in folders(settings()).items():
        yield room(name, folder)


def _secret() -> str:
    kept = settings().home / "secret"
    return settings().secret_key or (kept.read_text(encoding="utf-8").strip() if kept.is_file() else "")


def secret(key: str) -> Check:
    """Look at the key that seals cursors and plans."""
    remedy = "Set WAYBILL_SECRET_KEY, the same in all parts, to what `openssl rand -hex 32` prints."
    if not key:
        return Check("secret key", False, "none", remedy)
    if len(key) < SHORTEST_SECRET or len(set(key)) < LEAST_DIFFERENT:
        return Check("secret key", False, f"{len(key)} characters, {len(set(key))} different ones: it can be guessed", remedy)
    return Check("secret key", True, "set, and long enough")


def open_files(most: int) -> Check:
    """Compare how many files a process may open with how many readers are to wait in one."""
    wanted = settings().web_waiting + FILES_BESIDE
    if most in (resource.RLIM_INFINITY, -1) or most >= wanted:
        return Check("open files", True, f"up to {'any number' if most in (resource.RLIM_INFINITY, -1) else f'{most:,}'}")
    remedy = f"Raise the hard limit to {wanted:,} (ulimit -Hn, LimitNOFILE=, nofile), or lower WAYBILL_WEB_WAITING."
    return Check("open files", False, f"{most:,} for a process, and {settings().web_waiting:,} readers may wait in one", remedy)


def folders(known: Settings) -> dict[str, Path]:
    """Return the folders that the parts write to; what is in a store of objects is not among them."""
    named = {"home": known.home, "exports": known.exports, "uploads": known.uploads}
    return named if "://" in known.assets else {**named, "assets": Path(known.assets)}


def room(name: str, folder: Path) -> Check:
    """Look whether a folder, or the one that it will be made in, can be written to and has room."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            usage = shutil.disk_usage(place)
    except OSError as error:
        remedy = f"Give the user that runs the server the right to write to {place}, or name another folder."
        return Check(name, False, f"{place} cannot be written to: {error.strerror}", remedy)
    found = f"{folder}, {usage.free / GIB:,.1f} GiB free ({usage.free / usage.total:.0%})"
    if usage.free < LEAST_FREE or usage.free < LEAST_SHARE * usage.total:
        return Check(name, False, found, f"Make room on the disk of {place}, or move the folder to a larger one.")
    return Check(name, True, found)
