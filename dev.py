#!/usr/bin/env python3
"""Set up and run Waybill from a source tree, with nothing but Python 3.11 or later and pip or venv.

python3 dev.py run      everything on this machine, in the foreground
python3 dev.py test     all tests; more words go to pytest
python3 dev.py sure     lint, types, import rules and the guide
python3 dev.py guide    the guide as a site, in build/guide
python3 dev.py faults   the tests that kill, freeze and cut off real processes
python3 dev.py bench    the benchmark
python3 dev.py venv     set up only
python3 dev.py doctor   what is used here, and from where
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed"
GUIDE = ROOT / "build" / "guide"
SPHINX = ["-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-E", "-b", "html", "-d", str(ROOT / "build" / "doctrees")]
FLOOR = (3, 11)
PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input", "-qq"]  # a machine's own settings may make it chatty
PIP_INSTALL = ["install", "--no-deps", "--require-hashes", "--no-warn-script-location", "--retries", "8", "-r", str(LOCK)]
NO_PIP = (
    "Python here has neither pip nor ensurepip. Install them first: on Debian and Ubuntu `apt-get install python3-venv`, "
    "elsewhere the package that brings pip."
)
LAUNCH = "import sys\nfrom waybill.cli import main\nsys.exit(main(prog_name='waybill'))\n"


def main(words: Sequence[str]) -> None:
    """Run one command; it takes this process's place where it can, so that signals reach it."""
    command = COMMANDS.get(words[0] if words else "")
    if command is None:
        sys.exit(__doc__)
    _require_floor()
    os.chdir(ROOT)
    command(list(words[1:]))


def run(words: list[str]) -> None:
    """Run everything in the foreground."""
    set_up()
    _become(str(VENV / "bin" / "waybill"), "up", *words)


def test(words: list[str]) -> None:
    """Run the tests."""
    set_up()
    _become("-m", "pytest", *words)


def sure(_: list[str]) -> None:
    """Lint, types, import rules, the guide."""
    set_up()
    for step in (
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "mypy"],
        [str(VENV / "bin" / "lint-imports")],
    ):
        _step(" ".join(Path(word).name or word for word in step if word != "-m"), [str(PYTHON), *step])
    _build_guide()


def guide(_: list[str]) -> None:
    """Build the guide."""
    set_up()
    _build_guide()
    _say(f"the guide is {GUIDE / 'index.html'}")


def faults(words: list[str]) -> None:
    """Run the fault tests in their large form, one at a time, on engines that keep their promises to the disk."""
    set_up()
    os.environ.update(WAYBILL_TEST_DURABLE="1", WAYBILL_FAULTS="full")
    _become("-m", "pytest", "-n0", *(words or FAULTS))


def bench(words: list[str]) -> None:
    """Run the benchmark."""
    set_up()
    _become("-m", "bench", *words)


def venv(_: list[str]) -> None:
    """Set up only."""
    set_up()


def doctor(_: list[str]) -> None:
    """Say what is used here."""
    print(f"python: {sys.version.split()[0]}, {sys.executable}")
    print(f"venv: {VENV}, {'as the lock says' if _installed() else 'not up to date: python3 dev.py venv'}")
    if _installed():
        _become(str(VENV / "bin" / "waybill"), "engines")


FAULTS = (
    "tests/faults",
    "tests/models/jobs/test_interleavings.py",
    "tests/models/selection/test_catalogue_oracle.py",
    "tests/models/selection/test_schema_oracle.py",
    "tests/journeys/test_schemathesis.py",
    "tests/journeys/test_fairness.py",
)
COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "run": run, "test": test, "sure": sure, "guide": guide, "faults": faults, "bench": bench, "venv": venv, "doctor": doctor,
}  # fmt: skip


def _build_guide() -> None:
    """Build it anew from nothing; a link that leads nowhere ends the build."""
    shutil.rmtree(GUIDE, ignore_errors=True)
    _step("guide", [str(PYTHON), *SPHINX, str(ROOT / "docs"), str(GUIDE)])


def set_up() -> None:
    """Make the virtual environment as the lock file says. Quick where it is so already; one at a time."""
    with _alone():
        if _installed():
            return
        begun = time.monotonic()
        _make_venv()
        _install()
        _link()
        STAMP.write_text(_wanted(), encoding="ascii")
        _say(f"set up in {time.monotonic() - begun:.0f} s")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _wanted() -> str:
    """Return what the environment is made of: the locked packages, our own metadata, the place and this Python."""
    whole = b"\0".join([LOCK.read_bytes(), (ROOT / "setup.cfg").read_bytes(), os.fsencode(ROOT), sys.version.encode()])
    return hashlib.sha256(whole).hexdigest()


def _installed() -> bool:
    return STAMP.exists() and STAMP.read_text(encoding="ascii") == _wanted() and _runs(PYTHON)


def _runs(python: Path) -> bool:
    """Say whether an interpreter works and is of our version: the one under an environment may be gone or another."""
    code = "import sys; sys.exit(list(sys.version_info[:2]) != [int(word) for word in sys.argv[1:]])"
    try:
        return (
            subprocess.run(
                [python, "-I", "-c", code, *map(str, sys.version_info[:2])], check=False, capture_output=True
            ).returncode
            == 0
        )
    except OSError:
        return False


def _make_venv() -> None:
    """Make an environment, with pip in it where this Python brings one."""
    if _runs(PYTHON):
        return
    _say("making .venv")
    if _quiet([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        return
    if not _quiet([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]):
        _get_venv()


def _get_venv() -> None:
    """Ask the system for venv, as root; else say what to do."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(NO_PIP)
    _say("installing python3-venv")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment, stdout=subprocess.DEVNULL)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "python3-venv", "python3-pip"],
        check=False,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    if not _quiet([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        sys.exit(NO_PIP)


def _install() -> None:
    count = sum("==" in line for line in LOCK.read_text(encoding="utf-8").splitlines())
    _say(f"installing {count} locked packages")
    _step("pip", [*_pip(), *PIP_INSTALL])


def _pip() -> list[str]:
    """Return the pip to use: the environment's own, or this Python's, told where to install."""
    if _quiet([str(PYTHON), "-m", "pip", "--version"]):
        return [str(PYTHON), *PIP]
    if not _quiet([sys.executable, "-m", "pip", "--version"]):
        _get_venv()
        return [str(PYTHON), *PIP]
    return [sys.executable, *PIP, "--python", str(PYTHON)]


def _link() -> None:
    """Make this tree importable in the environment, and its commands runnable: what an editable install does, without a build."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    name, version = config["metadata"]["name"], config["metadata"]["version"]
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV), "platbase": str(VENV)}))
    for old in site.glob(f"{name}-*.dist-info"):
        shutil.rmtree(old)
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    files = {
        info / "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        info / "INSTALLER": "dev.py\n",
        info / "entry_points.txt": "".join(
            f"[{group}]{entries}\n\n" for group, entries in config["options.entry_points"].items()
        ),
        site / f"{name}.pth": f"{ROOT}\n",
        VENV / "bin" / name: f"#!{PYTHON}\n{LAUNCH}",
    }  # fmt: skip
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    (info / "RECORD").write_text(
        "".join(f"{os.path.relpath(file, site)},,\n" for file in [*files, info / "RECORD"]), encoding="utf-8"
    )
    (VENV / "bin" / name).chmod(0o755)


def _require_floor() -> None:
    """Go on with a newer Python of this machine where this one is too old."""
    if sys.version_info >= FLOOR:
        return
    for minor in range(20, FLOOR[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])
    sys.exit(f"Waybill needs Python {FLOOR[0]}.{FLOOR[1]} or later; this is {sys.version.split()[0]}")


def _become(*words: str) -> NoReturn:
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), *words])


def _step(name: str, command: list[str]) -> None:
    _say(name)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(f"{name} failed")


def _quiet(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _say(line: str) -> None:
    print(f"-- {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
