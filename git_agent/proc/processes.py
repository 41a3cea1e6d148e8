"""Identify processes and tell whether they still run, by pid, start time and boot id; never by the pid alone."""

from __future__ import annotations

import functools
import os
import signal
from typing import NamedTuple

from git_agent.domain.process_id import ProcessId


class Process(NamedTuple):
    """A process of this host as /proc shows it.

    state: the letter in proc(5); start: in clock ticks since boot
    """

    pid: int
    state: str
    parent: int
    group: int
    start: int

    @property
    def identity(self) -> tuple[int, int]:
        """Return what distinguishes it from another process with the same pid."""
        return self.pid, self.start

    @property
    def is_zombie(self) -> bool:
        """Return whether it has ended but has not been reaped."""
        return self.state in ("Z", "X")

    @property
    def is_stopped(self) -> bool:
        """Return whether a signal or a debugger stopped it."""
        return self.state in ("T", "t")


def myself() -> ProcessId:
    """Return the identity of this process."""
    return _described(os.getpid())


def describe(pid: int) -> ProcessId | None:
    """Return the identity of a running process of this host; None if no process has this pid."""
    return _described(pid) if is_running(pid) else None


def terminate(owner: ProcessId) -> bool:
    """Send SIGTERM to a process of this host if it is still the same one. Return whether it was sent."""
    return _signal(owner, signal.SIGTERM, signal.SIGCONT)  # a stopped process would not act on SIGTERM


def kill(owner: ProcessId) -> bool:
    """Send SIGKILL to a process of this host if it is still the same one. Return whether it was sent."""
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
    """Return whether a process has certainly ended: the host rebooted, or its pid is free or reused.

    For a process of another host, which can't be checked, return False.
    """
    if owner.host != os.uname().nodename:
        return False
    if owner.boot_id != boot_id():
        return True
    return not is_running(owner.pid) or (owner.pid_start != 0 and _start_of(owner.pid) != owner.pid_start)


def is_from_earlier_boot(owner: ProcessId) -> bool:
    """Return whether a process of this host ended because the host was restarted."""
    return owner.host == os.uname().nodename and owner.boot_id != boot_id()


def is_stopped(owner: ProcessId) -> bool:
    """Return whether a process of this host exists and is stopped."""
    if owner.host != os.uname().nodename or is_gone(owner):
        return False
    process = read_process(owner.pid)
    return process is not None and process.is_stopped


def has_ended(pid: int, start: int) -> bool:
    """Return whether a process recorded on this host has ended. start: in clock ticks since boot, 0 if unknown."""
    return not is_running(pid) or (start != 0 and _start_of(pid) not in (None, start))


def is_running(pid: int) -> bool:
    """Return whether a process with this pid exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    process = read_process(pid)
    return process is None or not process.is_zombie


def list_pids() -> list[int]:
    """Return the pids of this host; an empty list without /proc."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def ancestors() -> list[int]:
    """Return the pids of our parent, its parent, and so on, as far as /proc shows them."""
    found, pid = list[int](), os.getppid()
    while pid > 1 and pid not in found:
        found.append(pid)
        above = read_process(pid)
        pid = above.parent if above else 0
    return found


@functools.cache
def boot_id() -> str:
    """Return the boot id of the running kernel; `unknown` if it has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode().strip()
    except OSError:
        return "unknown"


def read_process(pid: int) -> Process | None:
    """Read a process from /proc; return None without such a process, or without /proc."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(fd, 4096)
    except OSError:
        return None  # it ended after the open
    finally:
        os.close(fd)
    # proc(5): state is field 3, ppid 4, pgrp 5, starttime 22; the name before them may contain anything.
    fields = text[text.rindex(b")") + 2 :].split()
    return Process(pid, fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[19]))


def _start_of(pid: int) -> int | None:
    process = read_process(pid)
    return None if process is None else process.start
