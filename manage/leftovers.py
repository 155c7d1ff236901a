"""Processes that an earlier start left behind, and process ids that say nothing any more."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from manage.binaries import EngineError

LEFT_OVER_WAIT = 30.0


def alive(pid: int) -> bool:
    """Say whether there is a process of this number, whoever it belongs to."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def working_in(folder: Path) -> Iterator[int]:
    """List the processes that work in a folder; servers stay in their data directory. None are seen outside Linux."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                yield int(entry.name)
        except OSError:  # gone meanwhile, or not ours to look at
            continue


def clear_leftovers(folder: Path, number: signal.Signals) -> None:
    """Stop processes that an earlier start left in our own folder, and wait until they are gone."""
    until = time.monotonic() + LEFT_OVER_WAIT
    asked: set[int] = set()
    while left := set(working_in(folder.resolve())):
        for pid in left - asked:
            if _parent(pid) not in left:  # a server tells its own children
                _ask(pid, number)
        asked |= left
        if time.monotonic() > until:
            raise EngineError(f"processes {sorted(left)} still work in {folder}")
        time.sleep(0.05)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _ask(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
