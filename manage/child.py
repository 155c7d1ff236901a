"""Become another process that cannot outlive its parent. Standard library only, run as a script before anything else is there.

    python -I -S child.py SIGNAL MODE UID GID PARENT PROGRAM [ARGUMENT...]

SIGNAL is what PROGRAM gets when PARENT dies (Linux; 0 for none). MODE says as whom it runs: `self`; `user`, as UID and GID;
`namespace`, in a user namespace where this user is called UID, so that a server which refuses root runs in places that only
root may enter. The kernel forgets the parent-death signal when a process changes its user, so it is asked for last.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: int) -> None:
    """Ask the kernel to send this process a signal when the thread that started it ends. Does nothing outside Linux."""
    if sys.platform == "linux" and number:
        _libc().prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _rename(uid: int, gid: int) -> None:
    mine = os.geteuid(), os.getegid()
    if _libc().unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "no user namespace")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {mine[0]} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {mine[1]} 1", encoding="ascii")


def _reset_signals() -> None:
    """Undo what the parent ignores or blocks: a program inherits both."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def main(arguments: list[str]) -> None:
    """Change the user, tie to the parent, become the program."""
    death, mode, uid, gid, parent, *command = arguments
    os.umask(0o077)
    if mode == "user":
        _become(int(uid), int(gid))
    elif mode == "namespace":
        _rename(int(uid), int(gid))
    die_with_parent(int(death))
    if os.getppid() != int(parent):
        sys.exit("the parent is gone already")
    _reset_signals()
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
