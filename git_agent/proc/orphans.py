"""Orphans: end what a worker's command left running, its process group and every process with its token.

Only processes that certainly belong to the worker may get a signal. The kernel does not give a group's number to a new
process while the group has a member. So the group is certainly the recorded one if its leader, even as a zombie, has
the recorded start time, or if a member carries the token or was present when the group was last certain. With the
leader gone and no such member, the number may belong to a stranger by now, and nothing is signalled. Each signal goes
through a pidfd, and the process is compared again after the pidfd is opened, so a reused pid is never hit.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection

from git_agent.domain.process_id import ProcessId
from git_agent.proc import processes
from git_agent.proc.processes import Process

_LOOK_S = 0.02
_KILLS = 20  # the next round finds what was started between search and signal
_VARIABLE = b"GIT_AGENT_TOKEN="


def end_orphans(group: ProcessId | None, token: str | None, *, grace_s: float = 1.0) -> bool:
    """End a process group and every process of this user with a token, but never ourselves or our ancestors.

    Without /proc (macOS), the group is ended only while its leader lives, and tokens are not found.

    group: the group's leader, dead or alive
    token: the hex SHA-256 of GIT_AGENT_TOKEN in the environment of the processes
    grace_s: seconds between SIGTERM and SIGKILL

    Returns whether there was anything to end.
    """
    if group is not None and not processes.is_here(group):
        return False
    if not processes.has_proc():
        return group is not None and _end_unseen(group, grace_s)
    found = _find(group, token)
    if not found:
        return False
    _signal(found, signal.SIGTERM, signal.SIGCONT)  # a stopped process does not act on SIGTERM until it continues
    left = _wait(group, token, found, grace_s)
    for _ in range(_KILLS):
        if not left:
            break
        _signal(left, signal.SIGKILL)
        left = _wait(group, token, left, _LOOK_S)
    return True


def _wait(group: ProcessId | None, token: str | None, known: Collection[Process], within_s: float) -> list[Process]:
    """Wait for the processes to end; return those that are left, including new ones."""
    until = time.monotonic() + within_s
    while (known := _find(group, token, known)) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return list(known)


def _find(group: ProcessId | None, token: str | None, known: Collection[Process] = ()) -> list[Process]:
    """Find the worker's running processes. known: its processes in the round before."""
    pids = processes.list_pids()
    carriers = [p for pid in pids if token and _carries(pid, token) and (p := processes.read_process(pid))]
    members: list[Process] = []
    if group is not None and _exists(group.pid):
        there = [p for pid in pids if (p := processes.read_process(pid)) and p.group == group.pid]
        members = there if _certain(group, there, {p.identity for p in (*carriers, *known)}) else []
    found = {p.pid: p for p in (*carriers, *members) if not p.is_zombie}
    if found:
        for pid in (os.getpid(), *processes.ancestors()):
            found.pop(pid, None)
    return list(found.values())


def _exists(group: int) -> bool:
    if group <= 1:
        return False  # for kill(2) these mean our own group and all processes
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _certain(group: ProcessId, members: Collection[Process], ours: Collection[tuple[int, int]]) -> bool:
    leader = processes.read_process(group.pid)
    return (leader is not None and leader.start == group.pid_start) or any(m.identity in ours for m in members)


def _carries(pid: int, digest: str) -> bool:
    try:
        fd = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False  # it is another user's, or gone
    with open(fd, "rb", buffering=0) as file, contextlib.suppress(OSError):
        if os.fstat(fd).st_uid == os.geteuid() and _VARIABLE in (text := file.readall()):
            import hashlib

            words = [word[len(_VARIABLE) :] for word in text.split(b"\0") if word.startswith(_VARIABLE)]
            return any(hashlib.sha256(word).hexdigest() == digest for word in words)
    return False


def _signal(found: Collection[Process], *numbers: int) -> None:
    for process in found:
        with contextlib.suppress(OSError):  # it ended in the meantime
            fd = os.pidfd_open(process.pid)
            try:
                now = processes.read_process(process.pid)
                for number in numbers if now is not None and now.identity == process.identity else ():
                    signal.pidfd_send_signal(fd, number)
            finally:
                os.close(fd)


def _end_unseen(group: ProcessId, grace_s: float) -> bool:
    leader = group.pid
    if not _exists(leader) or not processes.is_running(leader) or leader == os.getpgrp():
        return False
    with contextlib.suppress(ProcessLookupError):
        for number in (signal.SIGTERM, signal.SIGCONT):
            os.killpg(leader, number)
        until = time.monotonic() + grace_s
        while _exists(leader) and time.monotonic() < until:
            time.sleep(_LOOK_S)
        os.killpg(leader, signal.SIGKILL)
    return True
