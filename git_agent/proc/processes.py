"""Identify processes and tell whether they still run, by pid, start time and boot id; never by the pid alone.

A pid counts only in the pid namespace of one running kernel. Containers and sandboxes have namespaces of their own,
often with the host's name. Where a process belongs to another one, no pid says anything about it.
"""

from __future__ import annotations

import functools
import os
import select
import signal
import sys
import time
from collections.abc import Callable

from git_agent.domain.process_id import ProcessId
from git_agent.record import Record


class Process(Record):
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
    if not is_here(owner) or is_gone(owner):
        return False
    try:
        for number in numbers:
            os.kill(owner.pid, number)
    except ProcessLookupError:
        return False
    return True


def _described(pid: int) -> ProcessId:
    return ProcessId(os.uname().nodename, boot_id(), pid, _start_of(pid) or 0, machine_id(), pid_namespace())


def is_here(owner: ProcessId) -> bool:
    """Return whether a recorded pid counts here: it belongs to the running kernel and to our pid namespace."""
    if owner.machine is None:  # recorded by a program that compared host names
        return owner.host == os.uname().nodename and owner.boot_id == boot_id()
    same_kernel = owner.boot_id == boot_id() and (owner.machine == machine_id() or boot_id() != _UNKNOWN)
    return same_kernel and owner.pid_namespace == pid_namespace()


def is_gone(owner: ProcessId, *, over: bool = False, shared: Callable[[], bool] = lambda: False) -> bool:
    """Return whether a process has ended: its pid is free or reused, or the machine rebooted.

    A process that can't be checked from here has ended only if it did not renew what it holds.

    over: the time within which it must renew that has passed; it counts only for a process that can't be checked
    shared: tells whether other machines may use the store: only one kernel has a local file system mounted
    """
    if is_here(owner):
        return not is_running(owner.pid) or (owner.pid_start != 0 and _start_of(owner.pid) != owner.pid_start)
    return over or (is_of_earlier_boot(owner) and not shared())


def is_of_earlier_boot(owner: ProcessId) -> bool:
    """Return whether a process ended because its machine, which is this one, was restarted."""
    if owner.boot_id == boot_id():
        return False
    if owner.machine is None:
        return owner.host == os.uname().nodename
    return owner.machine == machine_id() and _UNKNOWN not in (owner.boot_id, boot_id())


def named(owner: ProcessId) -> str:
    """Return a process in words: `process 12`, with the place that its pid counts in unless that is here."""
    if is_here(owner):
        return f"process {owner.pid}"
    if is_of_earlier_boot(owner):
        return f"process {owner.pid} of an earlier boot"
    if owner.host != os.uname().nodename:
        return f"process {owner.pid} on {owner.host}"
    if owner.machine != machine_id() and owner.boot_id != boot_id():
        return f"process {owner.pid} on another machine named {owner.host}"
    return f"process {owner.pid} in another container or sandbox"


def is_stopped(owner: ProcessId) -> bool:
    """Return whether a process that can be checked from here exists and is stopped."""
    if not is_here(owner) or is_gone(owner):
        return False
    process = read_process(owner.pid)
    return process is not None and process.is_stopped


def has_ended(pid: int, start: int) -> bool:
    """Return whether a process recorded on this host has ended. start: in clock ticks since boot, 0 if unknown."""
    return not is_running(pid) or (start != 0 and _start_of(pid) not in (None, start))


def await_end(pid: int, most_s: float) -> None:
    """Wait until a process of this host has probably ended, at most most_s seconds; the caller must check.

    Where the system can't tell (pidfd_open(2), Linux 5.3), it returns twice a second.
    """
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):
        time.sleep(min(_LOOK_S, most_s))
        return
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.poll(most_s * 1000)
    finally:
        os.close(fd)


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
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()] if has_proc() else []
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


_UNKNOWN = "unknown"
_LOOK_S = 0.5  # seconds between two checks where the system does not tell when a process ends


@functools.cache
def boot_id() -> str:
    """Return the boot id of the running kernel; `unknown` if it has none."""
    return _line("/proc/sys/kernel/random/boot_id") or _UNKNOWN


@functools.cache
def machine_id() -> str:
    """Return what identifies this machine, also after a reboot and under a new host name, if the system has that."""
    found = _line("/etc/machine-id")  # an image that was never booted has `uninitialized` in it, or nothing
    if found and found != "uninitialized":
        return found
    return (_hardware_id() if sys.platform == "darwin" else None) or os.uname().nodename


def _hardware_id() -> str | None:
    """Return the hardware's UUID on macOS, by gethostuuid(2), without starting a program."""
    import ctypes

    found, wait = (ctypes.c_ubyte * 16)(), (ctypes.c_long * 2)(1, 0)
    try:
        failed = ctypes.CDLL(None).gethostuuid(found, wait)
    except (AttributeError, OSError):
        return None
    return None if failed else bytes(found).hex()


@functools.cache
def pid_namespace() -> str:
    """Return the name of our pid namespace, such as `pid:[4026531836]`; "" without /proc."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


@functools.cache
def has_proc() -> bool:
    """Return whether /proc shows the processes of our pid namespace. A sandbox may still show those outside of it."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def _line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(200).decode("ascii", "replace").strip()
    except OSError:
        return ""


def read_process(pid: int) -> Process | None:
    """Read a process from /proc; return None without such a process, or without /proc."""
    if not has_proc():
        return None
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
