"""Leases: the rows that change most often. A beat is one small UPDATE. The domain computes liveness from ages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from git_agent.domain.lease import BEAT_S, SILENT_LEASES, Lease
from git_agent.domain.process_id import ProcessId
from git_agent.record import Record
from git_agent.store import statements
from git_agent.store.sql import NOW as _NOW

if TYPE_CHECKING:
    from git_agent.store.store import Store


class Pulse(Record):
    """What a beat returns to a supervisor.

    held: whether the lease now belongs to it
    epoch, state, hold: of the task
    unread: the number of messages that its worker has not seen
    stopped_by: who asked the session to end, None if nobody did
    """

    held: bool
    epoch: int
    state: str
    hold: str | None
    unread: int
    stopped_by: str | None


_RENEW = f"""
    INSERT INTO lease (task, kind, session, beat_at, progress_at, expires_at)
    SELECT id, 'run', ?, {_NOW}, {_NOW}, {_NOW} + ? FROM task
    WHERE id = ? AND epoch = ? AND hold IS NULL AND state IN ('ASSIGNED', 'WORKING')
    ON CONFLICT (task) DO UPDATE SET kind = 'run', session = excluded.session, beat_at = excluded.beat_at,
        expires_at = excluded.expires_at, missed_at = NULL,
        progress_at = MAX(lease.progress_at, MIN(?, excluded.beat_at))
    RETURNING task
"""
_STILL_THERE = f"UPDATE session SET expires_at = {_NOW} + ? WHERE id = ?"
_CONTROL = """
    SELECT epoch, state, hold,
        (SELECT COUNT(*) FROM delivery WHERE recipient = ? AND state = 'new'),
        (SELECT stopped_by FROM session WHERE id = ?)
    FROM task WHERE id = ?
"""


_PROGRESS = f"UPDATE lease SET progress_at = {_NOW} WHERE task = ? AND progress_at < {_NOW} - {int(BEAT_S * 1000)}"


class Leases:
    """The leases of workers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, task: int, kind: str, lease_s: float | None, session: int | None = None) -> None:
        """Give a task a fresh lease.

        kind: run, claim or hand
        lease_s: seconds until it expires, None for never
        session: the session of the supervisor that takes it
        """
        lease_ms = None if lease_s is None else int(lease_s * 1000)
        self._store.change(statements.TAKE_LEASE, task=task, kind=kind, session=session, lease_ms=lease_ms)

    def beat(self, task: int, lease_s: float, *, note: str | None = None, progress: bool = False) -> bool:
        """Record a sign of life from a worker.

        lease_s: seconds until the lease expires again, if it can expire
        note: a new note from the worker; None keeps the old one
        progress: whether the work also made progress
        Returns False when the task has no lease.
        """
        lease_ms = int(lease_s * 1000)
        return bool(self._store.change(statements.BEAT, task=task, lease_ms=lease_ms, note=note, progress=progress))

    def renew(self, task: int, epoch: int, session: int, lease_s: float, progress_at: int) -> Pulse | None:
        """Beat for a supervised worker, and return what its supervisor must know. Call it in a transaction.

        While the task is assigned or working in this epoch, the lease is renewed, or taken again after a hold. During
        a hold there is no lease, but the session shows that the supervisor is there.

        lease_s: seconds until the lease expires
        progress_at: the time of the last progress, ms since the epoch
        Returns None when there is no such task.
        """
        held = bool(self._store.sql(_RENEW, (session, int(lease_s * 1000), task, epoch, progress_at)))
        self._store.sql(_STILL_THERE, (int(SILENT_LEASES * lease_s * 1000), session))
        found = self._store.sql(_CONTROL, (str(task), session, task))
        return Pulse(held, *found[0]) if found else None

    def begin(self, task: int) -> None:
        """Record that a task's worker began: progress if it has a lease, else a lease taken by hand."""
        self._store.change(statements.BEGIN_LEASE, task=task)

    def progress(self, task: int) -> None:
        """Record progress that a worker made through a verb, such as a message; at most once every ten seconds."""
        self._store.sql(_PROGRESS, (task,))

    def heard(self, task: int, at: int, lease_s: float) -> None:
        """Record a sign of work.

        at: the time of the sign, ms since the epoch
        lease_s: seconds from then until a claim's lease expires
        Later recorded times stay, unless they lie in the future. For a supervised worker, a sign is progress but not a
        beat: its supervisor beats, and a child process may outlive the supervisor.
        """
        self._store.change(statements.HEAR, task=task, at=at, lease_ms=int(lease_s * 1000))

    def drop(self, task: int) -> None:
        """End a task's lease."""
        self._store.change(statements.DROP_LEASE, task=task)

    def of(self, tasks: Iterable[int]) -> dict[int, Lease]:
        """Map tasks to their leases."""
        wanted = list(tasks)
        if len(wanted) > 500:
            rows = self._store.rows(statements.ALL_LEASES)
        else:
            rows = self._store.rows(statements.LEASES, tasks=wanted)
        return {row[0]: _lease(row) for row in rows}


def _lease(row: tuple[Any, ...]) -> Lease:
    task, kind, beat_at, progress_at, expires_at, note, missed_at, session, *owner = row
    held_by = ProcessId(*owner) if owner[0] is not None else None
    return Lease(task, kind, beat_at, progress_at, expires_at, note, missed_at, session, held_by)
