"""Named locks: one process at a time does a piece of work. The fence number tells whether it still holds the lock.

The row stays when a lock is free, so that the fence only grows. Every change under a lock calls `require` in its own
transaction. A process that was stopped for so long that another one took over therefore changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from git_agent.domain.process_id import ProcessId
from git_agent.errors import AgentError, Exit
from git_agent.store import statements

if TYPE_CHECKING:
    from git_agent.store.store import Store

REAP = "reap"
"""The lock under which the tasks of dead workers are reaped and the processes of these workers are ended."""

QUEUE = "merge-queue"
"""The lock under which merges land and are recorded."""

CHECK = "merge-check"
"""The prefix of the locks on the worktrees in which merge checks run."""

LOST = "lock-lost"
"""The error code for a lock that another process took over."""


class Locks:
    """The named locks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, name: str, owner: ProcessId, is_gone: Callable[[ProcessId], bool], limit_s: float) -> int | None:
        """Take a lock. Call it inside a transaction.

        is_gone: returns True for a process that has certainly ended
        limit_s: seconds after which a holder loses the lock, because it can't be checked or does not finish
        Returns the fence, or None when another process holds the lock.
        """
        held = self._store.rows(statements.LOCK, name=name, limit_ms=int(limit_s * 1000))
        fence = 1
        if held:
            before, over, *holder = held[0]
            if holder[0] is not None and not over and not is_gone(ProcessId(*holder)):
                return None
            fence = before + 1
        self._store.change(statements.TAKE_LOCK, name=name, fence=fence, **owner._asdict())
        return fence

    def require(self, name: str, fence: int) -> None:
        """Require that this process still holds the lock. Call it inside the transaction of the change.

        Raises AgentError (exit 6) when another process took over the lock.
        """
        if not self._store.rows(statements.IS_LOCK_HELD, name=name, fence=fence):
            says = f"another command took over the lock '{name}' from this one"
            raise AgentError(LOST, says, "run it again", exit=Exit.BUSY)

    def keep(self, name: str, fence: int) -> None:
        """Restart the holder's time limit. Call it inside a transaction.

        Raises AgentError (exit 6) when another process took over the lock.
        """
        self.require(name, fence)
        self._store.change(statements.KEEP_LOCK, name=name)

    def holder(self, name: str) -> ProcessId | None:
        """Return the process that holds a lock, or None when the lock is free."""
        held = self._store.rows(statements.LOCK_HOLDER, name=name)
        return ProcessId(*held[0]) if held else None

    def release(self, name: str, fence: int) -> bool:
        """Release a lock. Returns False when another process holds it by now."""
        return bool(self._store.change(statements.RELEASE_LOCK, name=name, fence=fence))
