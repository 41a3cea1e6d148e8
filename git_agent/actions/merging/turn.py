"""What merges wait for, always in this order: a place to run a check in, then the merge lock."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from git_agent.actions.recovery.journal import LIMIT_S
from git_agent.app import App
from git_agent.domain.process_id import ProcessId
from git_agent.errors import AgentError, Exit, refused
from git_agent.proc import processes
from git_agent.store import locks

_SOON_S, _LATEST_S = 0.05, 0.5  # how long to wait before asking again: first, and at most


@contextmanager
def check_place(app: App, until: float | None) -> Iterator[Mapping[str, int]]:
    """Hold one of the places in which a check may run (agent.checkJobs); yield its name and fence.

    until: as for _turn. Checks that use a port or a database of their own would fail beside each other.
    """
    jobs = max(1, app.config.number("agent.checkJobs"))
    with _turn(app, [f"{locks.CHECK}-{number}" for number in range(1, jobs + 1)], "check", until) as held:
        yield held


@contextmanager
def merge_lock(app: App, until: float | None, tick: Callable[[], None]) -> Iterator[Mapping[str, int]]:
    """Hold the lock under which bases move, to land and to record; never while a check runs.

    until, tick: as for _turn.
    """
    with _turn(app, [locks.QUEUE], "merge", until, tick) as held:
        yield held


@contextmanager
def _turn(
    app: App, names: Sequence[str], what: str, until: float | None, tick: Callable[[], None] = lambda: None
) -> Iterator[Mapping[str, int]]:
    """Wait for one of several locks and hold it; yield its name and fence.

    until: when to give up, on the monotonic clock, None for never; tick: called while it waits. Raises AgentError: exit
    6 when the time is up, exit 3 when this process was started by the one that holds it, and would wait for ever.
    """
    pause, said = _SOON_S, ""
    while (held := _taken(app, names)) is None:
        holder = next(filter(None, map(app.store.locks.holder, names)), None)
        says, hint = _busy(holder, what)
        if holder is not None and holder.host == os.uname().nodename and holder.pid in processes.ancestors():
            raise refused("waits-for-itself", f"{says}, which started this one", "do it when that has ended")
        if until is not None and time.monotonic() >= until:
            raise AgentError("queue-busy", says, hint, exit=Exit.BUSY)
        if says != said:
            app.progress(f"waiting: {says}")
            said = says
        tick()
        time.sleep(pause if until is None else max(0.0, min(pause, until - time.monotonic())))
        pause = min(pause * 1.5, _LATEST_S)
    try:
        yield held
    finally:
        with contextlib.suppress(AgentError), app.store.transaction():
            for name, fence in held.items():
                app.store.locks.release(name, fence)


def _taken(app: App, names: Sequence[str]) -> dict[str, int] | None:
    owner = processes.myself()
    with app.store.transaction():
        for name in names:
            fence = app.store.locks.take(name, owner, processes.is_gone, LIMIT_S)
            if fence is not None:
                return {name: fence}
    return None


def _busy(holder: ProcessId | None, what: str) -> tuple[str, str]:
    who = f": process {holder.pid} on {holder.host}" if holder else ""
    says, hint = f"another {what} is at work{who}", "try again when it has ended"
    if holder and processes.is_stopped(holder):
        return f"{says}, which is stopped", f"kill -CONT {holder.pid}"
    return says, hint
