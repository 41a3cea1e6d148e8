"""Do work that one process at a time may do, under a named lock with a fence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.app import App
from git_agent.errors import AgentError
from git_agent.proc import processes
from git_agent.store import locks

_LIMIT_S = 300.0  # a holder on another host, or one that was stopped, is not waited for any longer


@contextmanager
def under_lock(app: App, name: str, *, limit_s: float = _LIMIT_S) -> Iterator[int | None]:
    """Hold a lock while the block runs; it gets the lock's fence, None when somebody else is at work.

    Each change in the block calls `locks.require` with the fence, in its transaction. limit_s: seconds after which a
    holder that did not come to an end has it no more.
    """
    me = processes.myself()
    with app.store.transaction():
        fence = locks.take(name, me, processes.is_gone, limit_s)
    try:
        yield fence
    finally:
        if fence is not None:
            with contextlib.suppress(AgentError), app.store.transaction():
                locks.release(name, fence)
