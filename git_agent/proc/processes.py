"""Which process is this, and is that one still there: pid, start time and boot id, never the pid alone."""

from __future__ import annotations

import functools
import os
import signal
from typing import NamedTuple

from git_agent.domain.process_id import ProcessId


class Process(NamedTuple):
    """A process of this host as /proc shows it. start: in ticks since boot; state: proc(5)'s letter."""

    pid: int
    state: str
    parent: int
    group: int
    start: int

    @property
    def identity(self) -> tuple[int, int]:
        """Tell it from another one with the same pid."""
        return self.pid, self.start

    @property
    def is_zombie(self) -> bool:
        """Tell whether it has ended and only waits to be waited for."""
        return self.state in ("Z", "X")

    @property
    def is_stopped(self) -> bool:
        """Tell whether a signal or a debugger stopped it."""
        return self.state in ("T", "t")


def myself() -> ProcessId:
    """Describe this process."""
    return _described(os.getpid())


def describe(pid: int) -> ProcessId | None:
    """Describe a running process of this host; None where there is none with this pid."""
    return _described(pid) if is_running(pid) else None


def terminate(owner: ProcessId) -> bool:
    """Ask a process of this host to end (SIGTERM), if it still is the same one. Returns whether it was asked."""
    return _signal(owner, signal.SIGTERM, signal.SIGCONT)  # one that is stopped would not hear it


def kill(owner: ProcessId) -> bool:
    """End a process of this host (SIGKILL), if it still is the same one. Returns whether it was there."""
    return _signal(owner, signal.SIGKILL)


def _signal(owner: ProcessId, *numbers: int) -> bool:
    if owner.host != os.uname().nodename or is_gone(owner):
        return False
    try:
        for number in numbers:
            os.kill(owner.pid, number)
    except ProcessLookupError:
        return False
    return True


def _described(pid: int) -> ProcessId:
    return ProcessId(os.uname().nodename, boot_id(), pid, _start_of(pid) or 0)


def is_gone(owner: ProcessId) -> bool:
    """Tell whether a process has surely ended: another boot of this host, no such pid, or a pid used again.

    Of another host nothing can be said: False.
    """
    if owner.host != os.uname().nodename:
        return False
    if owner.boot_id != boot_id():
        return True
    return not is_running(owner.pid) or (owner.pid_start != 0 and _start_of(owner.pid) != owner.pid_start)


def is_stopped(owner: ProcessId) -> bool:
    """Tell whether a process of this host is there and stopped by a signal."""
    if owner.host != os.uname().nodename or is_gone(owner):
        return False
    process = read_process(owner.pid)
    return process is not None and process.is_stopped


def has_ended(pid: int, start: int) -> bool:
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
    process = read_process(pid)
    return process is None or not process.is_zombie


def list_pids() -> list[int]:
    """List the pids of this host; none where there is no /proc."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def ancestors() -> list[int]:
    """List who started us: parent, its parent, and so on, as far as /proc shows."""
    found, pid = list[int](), os.getppid()
    while pid > 1 and pid not in found:
        found.append(pid)
        above = read_process(pid)
        pid = above.parent if above else 0
    return found


@functools.cache
def boot_id() -> str:
    """Name the kernel's present run; `unknown` where it has no name."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode().strip()
    except OSError:
        return "unknown"


def read_process(pid: int) -> Process | None:
    """Read what /proc says of a process; None where there is none, or no /proc."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(fd, 4096)
    except OSError:
        return None  # it ended between the two
    finally:
        os.close(fd)
    # proc(5): state is field 3, ppid 4, pgrp 5, starttime 22; the name before them may hold anything.
    fields = text[text.rindex(b")") + 2 :].split()
    return Process(pid, fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[19]))


def _start_of(pid: int) -> int | None:
    process = read_process(pid)
    return None if process is None else process.start
