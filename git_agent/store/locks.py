"""Named locks: one process at a time does a piece of work. The fence number tells whether it still holds the lock.

The row stays when a lock is free, so that the fence only grows. Every change under a lock calls `require` in its own
transaction. A process that was stopped for so long that another one took over therefore changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from git_agent.domain.process_id import ProcessId
from git_agent.errors import AgentError, Exit
from git_agent.store.orm import NOW_MS
from git_agent.store.schema import LockRow

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

_OWNER = tuple(getattr(LockRow, name) for name in ProcessId._fields)


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
        too_long = (LockRow.taken_at <= NOW_MS - int(limit_s * 1000)) | (LockRow.taken_at > NOW_MS)
        held = self._store.tuples(LockRow.select(LockRow.fence, too_long, *_OWNER).where(LockRow.name == name))
        fence = 1
        if held:
            before, over, *holder = held[0]
            if holder[0] is not None and not over and not is_gone(ProcessId(*holder)):
                return None
            fence = before + 1
        columns = {"fence": fence, "taken_at": NOW_MS, **owner._asdict()}
        self._store.run(
            LockRow.insert(name=name, **columns).on_conflict(conflict_target=[LockRow.name], update=columns)
        )
        return fence

    def require(self, name: str, fence: int) -> None:
        """Require that this process still holds the lock. Call it inside the transaction of the change.

        Raises AgentError (exit 6) when another process took over the lock.
        """
        current = (LockRow.name == name) & (LockRow.fence == fence) & LockRow.host.is_null(False)
        if not self._store.exists(LockRow.select().where(current)):
            says = f"another command took over the lock '{name}' from this one"
            raise AgentError(LOST, says, "run it again", exit=Exit.BUSY)

    def keep(self, name: str, fence: int) -> None:
        """Restart the holder's time limit. Call it inside a transaction.

        Raises AgentError (exit 6) when another process took over the lock.
        """
        self.require(name, fence)
        self._store.run(LockRow.update(taken_at=NOW_MS).where(LockRow.name == name))

    def holder(self, name: str) -> ProcessId | None:
        """Return the process that holds a lock, or None when the lock is free."""
        held = self._store.tuples(LockRow.select(*_OWNER).where((LockRow.name == name) & LockRow.host.is_null(False)))
        return ProcessId(*held[0]) if held else None

    def release(self, name: str, fence: int) -> bool:
        """Release a lock. Returns False when another process holds it by now."""
        free = dict.fromkeys((*ProcessId._fields, "taken_at"))
        return bool(self._store.run(LockRow.update(**free).where((LockRow.name == name) & (LockRow.fence == fence))))
