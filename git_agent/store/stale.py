"""Silent workers: leases that are overdue or without progress. The summary is cheap enough for every command."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from git_agent.domain.lease import MAX_SKEW_MS, Lease
from git_agent.domain.task import State
from git_agent.store.orm import NOW_MS
from git_agent.store.schema import LeaseRow, TaskRow

if TYPE_CHECKING:
    from git_agent.store.store import Store

CLOCKS = "clocks:"
"""Prefix of the meta keys that hold the last recorded clocks of each machine."""

CROWD = "crowd"
"""Meta key of the time, ms since the epoch, when so many workers fell silent at once that the host must have slept."""


class LeaseSummary(NamedTuple):
    """A summary of all leases.

    now: ms since the epoch
    expirable, overdue: the number of leases that can expire, and of those that have
    quiet_since: the oldest progress, ms since the epoch
    clocks, crowd: the meta values of CLOCKS and CROWD
    supervised: the number of sessions that have not ended
    """

    now: int
    expirable: int
    overdue: int
    quiet_since: int | None
    clocks: str | None
    crowd: str | None
    supervised: int


class Stale:
    """Leases that are overdue or without progress."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def glance(self, machine: str) -> LeaseSummary:
        """Summarize all leases in one query.

        machine: the machine whose clocks to report
        """
        return LeaseSummary(*self._store.execute_sql(_glance(), (CLOCKS + machine, CROWD)).fetchone())

    def overdue(self) -> dict[int, Lease]:
        """Map the tasks that are worked on and whose leases are overdue to these leases."""
        late = (LeaseRow.expires_at <= NOW_MS) | (LeaseRow.beat_at > NOW_MS + MAX_SKEW_MS)
        return self._leases(LeaseRow.expires_at.is_null(False) & late, None)

    def quiet(self, before: int, limit: int) -> dict[int, Lease]:
        """Map tasks whose workers made no progress since a time to their leases.

        before: the time, ms since the epoch
        limit: the maximum number of tasks; those with the latest progress are kept
        """
        return self._leases(LeaseRow.progress_at <= before, limit)

    def _leases(self, where: object, limit: int | None) -> dict[int, Lease]:
        at_work = TaskRow.state.in_([str(State.ASSIGNED), str(State.WORKING)]) & TaskRow.hold.is_null()
        found = LeaseRow.select(LeaseRow.task).join(TaskRow, on=(TaskRow.id == LeaseRow.task)).where(at_work & where)
        found = found.order_by(LeaseRow.progress_at.desc(), LeaseRow.task).limit(limit)
        return self._store.leases.of(row[0] for row in self._store.tuples(found))

    def note(self, lease: Lease) -> None:
        """Record that a lease was seen overdue, if it is still as it was read."""
        self._store.run(LeaseRow.update(missed_at=NOW_MS).where(_same(lease)))

    def unchanged(self, lease: Lease) -> bool:
        """Return whether there was no beat since a lease was read."""
        return bool(self._store.exists(LeaseRow.select().where(_same(lease))))


@cache
def _glance() -> str:
    # As text: the query runs with every command, and peewee takes longer to build it than SQLite to answer it.
    now = NOW_MS.sql
    return f"""SELECT {now}, COUNT(expires_at),
        COUNT(*) FILTER (WHERE expires_at <= {now} OR (expires_at IS NOT NULL AND beat_at > {now} + {MAX_SKEW_MS})),
        MIN(progress_at), (SELECT value FROM meta WHERE key = ?), (SELECT value FROM meta WHERE key = ?),
        (SELECT COUNT(*) FROM session WHERE ended_at IS NULL) FROM lease"""


def _same(lease: Lease) -> object:
    same = (LeaseRow.task == lease.task) & (LeaseRow.beat_at == lease.beat_at)
    return same & (LeaseRow.expires_at == lease.expires_at) & (LeaseRow.kind == lease.kind)
