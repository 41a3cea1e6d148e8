"""Which process is this, and is that one still there: pid, start time and boot id, never the pid alone."""

from __future__ import annotations

import functools
import os
import signal
import socket

from git_agent.domain.owner import Owner


def myself() -> Owner:
    """Describe this process."""
    return _described(os.getpid())


def describe(pid: int) -> Owner | None:
    """Describe a running process of this host; None where there is none with this pid."""
    return _described(pid) if is_running(pid) else None


def terminate(owner: Owner) -> bool:
    """Ask a process of this host to end (SIGTERM), if it still is the same one. Returns whether it was asked."""
    if owner.host != socket.gethostname() or is_gone(owner):
        return False
    os.kill(owner.pid, signal.SIGTERM)
    return True


def _described(pid: int) -> Owner:
    return Owner(socket.gethostname(), _boot_id(), pid, _start_of(pid) or 0)


def is_gone(owner: Owner) -> bool:
    """Tell whether a process has surely ended: another boot of this host, no such pid, or a pid used again.

    Of another host nothing can be said: False.
    """
    if owner.host != socket.gethostname():
        return False
    if owner.boot_id != _boot_id():
        return True
    return not is_running(owner.pid) or (owner.pid_start != 0 and _start_of(owner.pid) != owner.pid_start)


def ended(pid: int, start: int) -> bool:
    """Tell whether a process that was noted on this host has ended. start: in ticks since boot, 0 if unknown."""
    return not is_running(pid) or (start != 0 and _start_of(pid) not in (None, start))


def is_running(pid: int) -> bool:
    """Tell whether a process with this pid exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state_of(pid) != "Z"


@functools.cache
def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def _fields(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def _state_of(pid: int) -> str:
    fields = _fields(pid)
    return fields[0] if fields else ""


def _start_of(pid: int) -> int | None:
    fields = _fields(pid)
    return int(fields[19]) if len(fields) > 19 else None  # proc(5): starttime is field 22
