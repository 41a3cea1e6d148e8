"""End what a worker's command left running: its process group, and whoever carries its token.

Whom a signal may reach: nobody but what surely is the worker's. The kernel gives a group's number to no new process
while the group has a member, so the group is the recorded one for certain where its leader has the recorded start time
(a zombie, too), and as long as a member carries the token or was there when the group last was certain. With the leader
gone and no such member the number may be a stranger's by now: then nobody is signalled. Each signal goes through a
pidfd, and the process is compared again after that is opened: a pid used again in between is not hit.
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
_KILLS = 20  # what was started between the look and the signal is seen by the next look
_VARIABLE = b"GIT_AGENT_TOKEN="


def end_orphans(group: ProcessId | None, token: str | None, *, grace_s: float = 1.0) -> bool:
    """End a process group and every process of this user with a token; never ourselves or who started us.

    group: its leader, dead or alive; token: the SHA-256, in hex, of GIT_AGENT_TOKEN in their environment; grace_s:
    seconds between SIGTERM and SIGKILL. Returns whether anything was there. Where there is no /proc (macOS) the group
    is ended while its leader lives, and tokens are not seen.
    """
    if group is not None and not _of_this_boot(group):
        return False
    if not os.path.isdir("/proc/self"):
        return group is not None and _end_unseen(group, grace_s)
    found = _find(group, token)
    if not found:
        return False
    _signal(found, signal.SIGTERM, signal.SIGCONT)  # a stopped one hears nothing before it goes on
    left = _wait(group, token, found, grace_s)
    for _ in range(_KILLS):
        if not left:
            break
        _signal(left, signal.SIGKILL)
        left = _wait(group, token, left, _LOOK_S)
    return True


def _of_this_boot(owner: ProcessId) -> bool:
    return owner.host == os.uname().nodename and owner.boot_id == processes.boot_id()


def _wait(group: ProcessId | None, token: str | None, known: Collection[Process], within_s: float) -> list[Process]:
    """Wait for them to end; list who is left, newcomers too."""
    until = time.monotonic() + within_s
    while (known := _find(group, token, known)) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return list(known)


def _find(group: ProcessId | None, token: str | None, known: Collection[Process] = ()) -> list[Process]:
    """List those of the worker that run. known: who was of it at the last look."""
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
        return False  # to kill(2) these are not groups: they are our own, and everybody
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
        return False  # another user's, or gone
    with open(fd, "rb", buffering=0) as file, contextlib.suppress(OSError):
        if os.fstat(fd).st_uid == os.geteuid() and _VARIABLE in (text := file.readall()):
            import hashlib

            words = [word[len(_VARIABLE) :] for word in text.split(b"\0") if word.startswith(_VARIABLE)]
            return any(hashlib.sha256(word).hexdigest() == digest for word in words)
    return False


def _signal(found: Collection[Process], *numbers: int) -> None:
    for process in found:
        with contextlib.suppress(OSError):  # it ended meanwhile
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
