"""Leases: the rows that change most often. A beat is one small UPDATE. The domain computes liveness from ages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.domain.lease import BEAT_S, MAX_SKEW_MS, SILENT_LEASES, Lease
from git_agent.domain.process_id import ProcessId
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import LeaseRow, SessionRow

if TYPE_CHECKING:
    from git_agent.store.store import Store

_COLUMNS = (
    *(getattr(LeaseRow, name) for name in Lease._fields if name != "owner"),
    *(getattr(SessionRow, name) for name in ProcessId._fields),
)


class Pulse(NamedTuple):
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


# As text: a beat must cost less than a millisecond, and peewee takes that long to build one statement.
_NOW = NOW_MS.sql
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
        expires = None if lease_s is None else NOW_MS + int(lease_s * 1000)
        columns = {"kind": kind, "session": session, "beat_at": NOW_MS, "progress_at": NOW_MS, "expires_at": expires}
        fresh = {**columns, "note": None, "missed_at": None}
        self._store.run(LeaseRow.insert(task=task, **fresh).on_conflict(conflict_target=[LeaseRow.task], update=fresh))

    def beat(self, task: int, lease_s: float, *, note: str | None = None, progress: bool = False) -> bool:
        """Record a sign of life from a worker.

        lease_s: seconds until the lease expires again, if it can expire
        note: a new note from the worker; None keeps the old one
        progress: whether the work also made progress
        Returns False when the task has no lease.
        """
        renewed = peewee.Case(None, [(LeaseRow.expires_at.is_null(), None)], NOW_MS + int(lease_s * 1000))
        columns: dict[str, object] = {"beat_at": NOW_MS, "expires_at": renewed, "missed_at": None}
        if note is not None:
            columns["note"] = note
        if progress:
            columns["progress_at"] = NOW_MS
        return bool(self._store.run(LeaseRow.update(**columns).where(LeaseRow.task == task)))

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
        seen, length, alone = peewee.fn.MIN(at, NOW_MS), int(lease_s * 1000), LeaseRow.kind != "run"
        beat_at = peewee.fn.MAX(_not_after(LeaseRow.beat_at, MAX_SKEW_MS), seen)
        renewed = peewee.fn.MAX(_not_after(LeaseRow.expires_at, length + MAX_SKEW_MS), seen + length)
        missed_at = peewee.Case(None, [(seen > LeaseRow.missed_at, None)], LeaseRow.missed_at)
        self._store.run(
            LeaseRow.update(
                beat_at=peewee.Case(None, [(alone, beat_at)], LeaseRow.beat_at),
                progress_at=peewee.fn.MAX(_not_after(LeaseRow.progress_at, MAX_SKEW_MS), seen),
                expires_at=peewee.Case(None, [(LeaseRow.kind == "claim", renewed)], LeaseRow.expires_at),
                missed_at=peewee.Case(None, [(alone, missed_at)], LeaseRow.missed_at),
            ).where(LeaseRow.task == task)
        )

    def drop(self, task: int) -> None:
        """End a task's lease."""
        self._store.run(LeaseRow.delete().where(LeaseRow.task == task))

    def of(self, tasks: Iterable[int]) -> dict[int, Lease]:
        """Map tasks to their leases."""
        wanted = list(tasks)
        query = LeaseRow.select(*_COLUMNS).join(
            SessionRow, peewee.JOIN.LEFT_OUTER, on=(SessionRow.id == LeaseRow.session)
        )
        if len(wanted) <= 500:
            query = query.where(LeaseRow.task.in_(wanted))
        return {row[0]: _lease(row) for row in self._store.tuples(query)}


def _not_after(column: Any, ms: int) -> Any:
    """Treat a time more than ms ahead as 0: it was written before the wall clock was set back."""
    return peewee.Case(None, [(column > NOW_MS + ms, 0)], column)


def _lease(row: tuple[Any, ...]) -> Lease:
    task, kind, beat_at, progress_at, expires_at, note, missed_at, session, *owner = row
    held_by = ProcessId(*owner) if owner[0] is not None else None
    return Lease(task, kind, beat_at, progress_at, expires_at, note, missed_at, session, held_by)
