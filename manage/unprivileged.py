"""As whom an engine runs, and where its files can lie so that it reaches them.

PostgreSQL refuses root. As root we run it as `nobody` where `nobody` can reach the program and the data; else in a user
namespace, in which root has another name; else from a copy in the system's state folder. Nothing that is not ours is
changed, no account is made. Once a folder has an owner, the owner decides.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from manage.binaries import EngineError, Found
from models import ids

Mode: TypeAlias = Literal["self", "user", "namespace"]
CHILD = Path(__file__).with_name("child.py")
STATE = Path("/var/lib/waybill")
SOCKET_PATH_LIMIT = 103  # the smallest sun_path among our systems, less its NUL


@dataclass(frozen=True)
class RunAs:
    """Who a process runs as. `owner` is who its files belong to, seen from here."""

    mode: Mode
    uid: int
    gid: int

    @property
    def owner(self) -> tuple[int, int]:
        """The user and group that own the files."""
        return (self.uid, self.gid) if self.mode == "user" else (os.geteuid(), os.getegid())

    def command(self, argv: Sequence[str | Path], death: int = 0) -> list[str]:
        """Return a command that becomes `argv` under this user, and gets the signal `death` when this process dies."""
        wrap = [sys.executable, "-I", "-S", str(CHILD), str(death), self.mode, str(self.uid), str(self.gid), str(os.getpid())]
        return [*wrap, *(str(part) for part in argv)]

    def run(self, argv: Sequence[str | Path], timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end under this user."""
        command = self.command(argv)
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=False, cwd="/", stdin=subprocess.DEVNULL
        )

    def reaches(self, folder: Path, binary: Path) -> bool:
        """Say whether this user can enter a folder and run a binary."""
        return self.run(["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", folder, binary]).returncode == 0


@dataclass(frozen=True)
class Place:
    """An engine's program, its user, and its own folder, which exists and belongs to that user."""

    found: Found
    run_as: RunAs
    folder: Path

    def secret_file(self, name: str) -> Path:
        """Return where a password is."""
        return self.folder / f"{name}.secret"

    def secret(self, name: str) -> str:
        """Return a password, made on the first call."""
        file = self.secret_file(name)
        if not file.exists():
            self.write(file.name, ids.new_secret())
        return file.read_text(encoding="ascii")

    def write(self, name: str, text: str) -> None:
        """Write a private file of the engine's user, whole or not at all."""
        part = self.folder / f"{name}.part"
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(part, *self.run_as.owner)
        part.rename(self.folder / name)


def settle(found: Found, home: Path, name: str) -> Place:
    """Return where the engine lives and as whom it runs; makes its folder `home/name` on the first call."""
    link = home / name
    if not link.exists():
        return _first(found, home, link)
    folder = link.resolve()
    run_as = _owner_of(folder)
    if run_as.reaches(folder, found.binary):
        return Place(found, run_as, folder)
    return Place(_copied(found, folder.parent / "engines"), run_as, folder)


def _first(found: Found, home: Path, link: Path) -> Place:
    for run_as in _choices():
        if run_as.reaches(home, found.binary):
            return Place(found, run_as, _own(link, run_as))
    return _elsewhere(found, home, link)


def _choices() -> list[RunAs]:
    nobody = _nobody()
    if os.geteuid() == 0:
        return [replace(nobody, mode="user"), nobody]
    return [RunAs("self", os.geteuid(), os.getegid())] if _named(os.geteuid()) else [nobody]


def _owner_of(folder: Path) -> RunAs:
    owner = folder.stat().st_uid
    for run_as in _choices():
        if run_as.owner[0] == owner:
            return run_as
    raise EngineError(f"{folder} belongs to the user {owner}: start as that user, or choose another WAYBILL_HOME")


def _named(uid: int) -> bool:
    """Say whether the user has a name: `initdb` asks for it, and containers often run under a number alone."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _nobody() -> RunAs:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EngineError("no user `nobody` to run the engines as: set WAYBILL_DATABASE_URL and WAYBILL_BROKER_URL") from None
    return RunAs("namespace", entry.pw_uid, entry.pw_gid)


def _own(folder: Path, run_as: RunAs) -> Path:
    folder.mkdir(mode=0o700)
    os.chown(folder, *run_as.owner)
    return folder


def _elsewhere(found: Found, home: Path, link: Path) -> Place:
    """Settle outside the home, which the engine's user cannot enter, and leave a link to it."""
    if os.geteuid() != 0:
        raise EngineError(f"{found.binary} cannot be run here: set WAYBILL_DATABASE_URL and WAYBILL_BROKER_URL")
    base = STATE / hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    for folder in (STATE, base):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)
    run_as = replace(_nobody(), mode="user")
    copy = _copied(found, base / "engines")
    folder = _own(base / link.name, run_as)
    link.symlink_to(folder)
    if not run_as.reaches(folder, copy.binary):
        raise EngineError(f"nobody cannot run {copy.binary}: set WAYBILL_DATABASE_URL and WAYBILL_BROKER_URL")
    return Place(copy, run_as, folder)


def _copied(found: Found, shelf: Path) -> Found:
    """Copy a bundled engine to where its user can run it, once a version."""
    if not found.pieces:
        raise EngineError(f"{found.binary} cannot be run by the engines' user")
    copy = shelf / f"{found.binary.name}-{found.version}"
    if not copy.exists():
        shelf.mkdir(exist_ok=True)
        shelf.chmod(0o755)
        part = copy.with_name(copy.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        for piece in found.pieces:
            shutil.copytree(found.tree / piece, part / piece, symlinks=True)
        part.chmod(0o755)
        part.rename(copy)
    return found.moved(copy)


def socket_folder(home: Path, name: str, run_as: RunAs, longest: str) -> Path:
    """Return a private folder for the socket `longest`: in the home, or in a runtime folder if its path would be too long."""
    folder = home / "run" / name
    if len(os.fsencode(folder / longest)) > SOCKET_PATH_LIMIT or not _enters(run_as, folder.parent):
        folder = _runtime() / f"waybill-{hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]}-{name[0]}"
    if not folder.exists():
        _own(folder, run_as)
    seen = folder.lstat()
    if folder.is_symlink() or seen.st_uid != run_as.owner[0] or seen.st_mode & 0o077:
        raise EngineError(f"{folder} is not ours: remove it, or choose a WAYBILL_HOME with a shorter path")
    return folder


def _enters(run_as: RunAs, folder: Path) -> bool:
    return run_as.mode != "user" or run_as.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0


def _runtime() -> Path:
    """Return a folder with a short path, which a user who is not us can enter if we are root."""
    ours = Path("/run") if os.geteuid() == 0 else Path(f"/run/user/{os.geteuid()}")
    return ours if os.access(ours, os.W_OK) else Path("/tmp")  # noqa: S108 - the folder in it is made 0700 and its owner checked
