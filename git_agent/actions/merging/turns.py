"""The locks that merges wait for, always in this order: a place for a check, then the lock under which bases move."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from git_agent.actions.recovery.journal import LIMIT_S, rollback_on_error
from git_agent.app import App
from git_agent.domain.process_id import ProcessId
from git_agent.errors import AgentError, Exit, refused
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.store import locks

_KEEP_S = 60.0  # between two renewals of a lock


class HeldLocks(Record):
    """The locks that one run of merges holds.

    stack: releases the place at the end of the run
    until: when to give up waiting, on the monotonic clock; None means never
    fences: the fences of the locks held, by name
    kept_at: when each lock was acquired or renewed last, by name
    """

    app: App
    stack: ExitStack
    until: float | None
    fences: dict[str, int]
    kept_at: dict[str, float]

    @contextmanager
    def merge_lock(self) -> Iterator[None]:
        """Hold the merge lock, unless it is held already, and roll back a failure before releasing it."""
        if locks.QUEUE in self.fences:
            yield
            return
        with _turn(self.app, [locks.QUEUE], "merge", self.until, self.keep) as held:
            self._add(held)
            try:
                with rollback_on_error(self.app):
                    yield
            finally:
                del self.fences[locks.QUEUE]

    def is_late(self) -> bool:
        """Tell whether the time to wait for other merges is over."""
        return self.until is not None and time.monotonic() >= self.until

    def take_place(self) -> bool:
        """Acquire a slot for checks and hooks (agent.checkJobs) for the rest of the run; return False if one is held.

        Slots exist because concurrent checks that share a port or a database would fail.
        """
        if self.fences:
            return False
        jobs = max(1, self.app.config.number("agent.checkJobs"))
        names = [f"{locks.CHECK}-{number}" for number in range(1, jobs + 1)]
        self._add(self.stack.enter_context(_turn(self.app, names, "check", self.until)))
        return True

    def _add(self, held: Mapping[str, int]) -> None:
        self.fences.update(held)
        self.kept_at.update(dict.fromkeys(held, time.monotonic()))

    def keep(self) -> None:
        """Renew the locks once a minute, so that no other command takes them over."""
        now = time.monotonic()
        if self.fences and now - min(self.kept_at[name] for name in self.fences) > _KEEP_S:
            try:
                with self.app.store.transaction():
                    for name, fence in self.fences.items():
                        self.app.store.locks.keep(name, fence)
            except AgentError as error:
                if error.exit is not Exit.BUSY or error.code == locks.LOST:
                    raise
                return  # the store is busy: minutes are left, and the next call tries again
            self.kept_at.update(dict.fromkeys(self.fences, now))


_SOON_S, _LATEST_S = 0.05, 0.5  # delay before asking again: initial and maximum


@contextmanager
def _turn(
    app: App, names: Sequence[str], what: str, until: float | None, tick: Callable[[], None] = lambda: None
) -> Iterator[Mapping[str, int]]:
    """Wait for one of several locks and hold it; yield its name and fence.

    names: the locks
    what: what the command waits for, in words
    until: when to give up, on the monotonic clock; None means never
    tick: called while waiting
    Raises AgentError: exit 6 on timeout; exit 3 when the lock's holder started this process, which would deadlock.
    """
    pause, said = _SOON_S, ""
    while (held := _taken(app, names)) is None:
        holders = [each for each in map(app.store.locks.holder, names) if each is not None]
        # Of several holders, one that is running will finish sooner than a stopped one.
        holder = min(holders, key=processes.is_stopped, default=None)
        says, hint = _busy(holder, what)
        if holder is not None and processes.is_here(holder) and holder.pid in processes.ancestors():
            raise refused("waits-for-itself", f"{says}, which started this one", "try again when that has ended")
        # A stopped process may never continue: report it at once instead of waiting.
        stopped = holder is not None and processes.is_stopped(holder)
        if stopped or (until is not None and time.monotonic() >= until):
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
            fence = app.store.locks.take(name, owner, app.is_gone, LIMIT_S)
            if fence is not None:
                return {name: fence}
    return None


def _busy(holder: ProcessId | None, what: str) -> tuple[str, str]:
    who = f": {processes.named(holder)}" if holder else ""
    says, hint = f"another {what} is running{who}", "try again when it has ended"
    if holder and processes.is_stopped(holder):
        return f"{says}, which is stopped", f"kill -CONT {holder.pid}"
    return says, hint
