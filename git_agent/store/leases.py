"""Leases: the hot rows. A beat is one small UPDATE; liveness is computed from ages by the domain."""

from __future__ import annotations

from collections.abc import Iterable

from git_agent.domain.lease import BEAT_S, Lease
from git_agent.domain.owner import Owner
from git_agent.store.engine import NOW_MS, peewee
from git_agent.store.schema import LeaseRow, SessionRow, database, tuples

_COLUMNS = (
    *(getattr(LeaseRow, name) for name in ("task", "kind", "beat_at", "progress_at", "expires_at", "note")),
    *(SessionRow.id.cast("TEXT"), SessionRow.host, SessionRow.pid),
)


def take(task: int, kind: str, lease_s: float | None) -> None:
    """Give a task a fresh lease. kind: run, claim or hand; lease_s: seconds until it expires, None for never."""
    expires = None if lease_s is None else NOW_MS + int(lease_s * 1000)
    columns = {"task": task, "kind": kind, "beat_at": NOW_MS, "progress_at": NOW_MS, "expires_at": expires}
    LeaseRow.insert(**columns).on_conflict_replace().execute()


def beat(task: int, lease_s: float, *, note: str | None = None, progress: bool = False) -> bool:
    """Record that a worker is there; renews a lease that can expire by lease_s seconds.

    Returns False when the task has no lease.
    """
    renewed = peewee.Case(None, [(LeaseRow.expires_at.is_null(), None)], NOW_MS + int(lease_s * 1000))
    columns: dict[str, object] = {"beat_at": NOW_MS, "expires_at": renewed}
    if note is not None:
        columns["note"] = note
    if progress:
        columns["progress_at"] = NOW_MS
    return bool(LeaseRow.update(**columns).where(LeaseRow.task == task).execute())


def heard(task: int, at: int, lease_s: float) -> None:
    """Record that a worker was there at a time (ms since the epoch), and made progress; what is later stays."""
    seen = peewee.fn.MIN(at, NOW_MS)
    renewed = peewee.fn.MAX(LeaseRow.expires_at, seen + int(lease_s * 1000))
    LeaseRow.update(
        beat_at=peewee.fn.MAX(LeaseRow.beat_at, seen),
        progress_at=peewee.fn.MAX(LeaseRow.progress_at, seen),
        expires_at=peewee.Case(None, [(LeaseRow.expires_at.is_null(), None)], renewed),
    ).where(LeaseRow.task == task).execute()


def owner(task: int) -> Owner | None:
    """Find the process that holds a task's lease; None for a worker that nobody supervises."""
    columns = (SessionRow.host, SessionRow.boot_id, SessionRow.pid, SessionRow.pid_start)
    held = SessionRow.select(*columns).join(LeaseRow, on=(LeaseRow.session == SessionRow.id))
    return next((Owner(*row) for row in tuples(held.where(LeaseRow.task == task))), None)


def drop(task: int) -> None:
    """End a task's lease."""
    LeaseRow.delete().where(LeaseRow.task == task).execute()


def of(tasks: Iterable[int]) -> dict[int, Lease]:
    """Map tasks to their leases."""
    wanted = list(tasks)
    query = LeaseRow.select(*_COLUMNS).join(SessionRow, peewee.JOIN.LEFT_OUTER, on=(SessionRow.id == LeaseRow.session))
    if len(wanted) <= 500:
        query = query.where(LeaseRow.task.in_(wanted))
    return {row[0]: Lease(*row) for row in tuples(query)}


def progressed(task: int) -> None:
    """Record that a worker's work moved, every ten seconds at most."""
    query = f"UPDATE lease SET beat_at = {NOW_MS.sql}, progress_at = {NOW_MS.sql} WHERE task = ? AND progress_at < "
    database.rows(f"{query} {NOW_MS.sql} - {int(BEAT_S * 1000)}", (task,))
