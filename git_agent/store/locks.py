"""Named locks: one process at a time does a piece of work, and its fence tells whether it still is the one.

The row stays when a lock is free, so that the fence only grows. Every change under a lock calls `require` in its own
transaction: who was stopped for so long that somebody else took over changes nothing.
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
"""The lock under which tasks are taken back from dead workers, and the processes of these ended."""

QUEUE = "merge-queue"
"""The lock under which merges land and are recorded."""

CHECK = "merge-check"
"""What the locks of the places begin with in which the checks of merges run."""

LOST = "lock-lost"
"""The code of the error that another process took over a lock."""

_OWNER = tuple(getattr(LockRow, name) for name in ProcessId._fields)


class Locks:
    """The named locks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, name: str, owner: ProcessId, is_gone: Callable[[ProcessId], bool], limit_s: float) -> int | None:
        """Take a lock; call it inside a transaction. Returns its fence, None when somebody else has it.

        is_gone: tells that a process has surely ended; limit_s: seconds after which a holder that can't be asked for,
        or does not come to an end, has it no more.
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
        """Make sure, inside the transaction of a change, that the lock still is ours. Raises AgentError (exit 6)."""
        current = (LockRow.name == name) & (LockRow.fence == fence) & LockRow.host.is_null(False)
        if not self._store.exists(LockRow.select().where(current)):
            says = f"another command took over '{name}' from this one"
            raise AgentError(LOST, says, "run it again", exit=Exit.BUSY)

    def keep(self, name: str, fence: int) -> None:
        """Restart the holder's time, inside a transaction. Raises AgentError (exit 6) when it is not ours any more."""
        self.require(name, fence)
        self._store.run(LockRow.update(taken_at=NOW_MS).where(LockRow.name == name))

    def holder(self, name: str) -> ProcessId | None:
        """Tell who has a lock; None when it is free."""
        held = self._store.tuples(LockRow.select(*_OWNER).where((LockRow.name == name) & LockRow.host.is_null(False)))
        return ProcessId(*held[0]) if held else None

    def release(self, name: str, fence: int) -> bool:
        """Free a lock; False when it is somebody else's by now."""
        free = dict.fromkeys((*ProcessId._fields, "taken_at"))
        return bool(self._store.run(LockRow.update(**free).where((LockRow.name == name) & (LockRow.fence == fence))))
