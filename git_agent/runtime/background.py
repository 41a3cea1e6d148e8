"""What a process does first when a hook starts it in the background. It runs before anything of ours is opened."""

from __future__ import annotations

import os
import signal

from git_agent.proc import processes

_MOST = 65_536  # descriptors; with no limit set, the system's number is a billion
_LONGEST_S = 5.0  # seconds between two checks: a pid may come to belong to another process


def close_inherited_files() -> None:
    """Close every descriptor from 3 on.

    git keeps its pipe to the server open while a hook runs, and a child gets a copy. A push that is refused locally
    closes its own end and waits for the server, which waits until every copy is closed.
    """
    limit = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, limit if 0 < limit < _MOST else _MOST)


def wait_for_end(pid: int, start: str) -> None:
    """Wait until a process of this host has ended. Hangups are ignored meanwhile and afterwards.

    start: when it started, in clock ticks since boot; "" without /proc
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    while not processes.has_ended(pid, int(start or 0)):
        processes.await_end(pid, _LONGEST_S)
