"""Silent workers: leases that are overdue or without progress. The summary is cheap enough for every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_agent.domain.lease import Lease
from git_agent.record import Record
from git_agent.store import statements

if TYPE_CHECKING:
    from git_agent.store.store import Store

CLOCKS = "clocks:"
"""Prefix of the meta keys that hold the last recorded clocks of each machine."""

CROWD = "crowd"
"""Meta key of the time, ms since the epoch, when so many workers fell silent at once that the host must have slept."""


class LeaseSummary(Record):
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
        return LeaseSummary(*self._store.rows(statements.LEASE_SUMMARY, clocks=CLOCKS + machine)[0])

    def overdue(self) -> dict[int, Lease]:
        """Map the tasks that are worked on and whose leases are overdue to these leases."""
        return self._leases(statements.OVERDUE_LEASES)

    def quiet(self, before: int, limit: int) -> dict[int, Lease]:
        """Map tasks whose workers made no progress since a time to their leases.

        before: the time, ms since the epoch
        limit: the maximum number of tasks; those with the latest progress are kept
        """
        return self._leases(statements.QUIET_LEASES, before=before, limit=limit)

    def _leases(self, statement: str, **params: int) -> dict[int, Lease]:
        return self._store.leases.of(row[0] for row in self._store.rows(statement, **params))

    def note(self, lease: Lease) -> None:
        """Record that a lease was seen overdue, if it is still as it was read."""
        self._store.change(statements.NOTE_MISSED_LEASE, **_as_read(lease))

    def unchanged(self, lease: Lease) -> bool:
        """Return whether there was no beat since a lease was read."""
        return bool(self._store.rows(statements.UNCHANGED_LEASE, **_as_read(lease)))


def _as_read(lease: Lease) -> dict[str, Any]:
    return {"task": lease.task, "kind": lease.kind, "beat_at": lease.beat_at, "expires_at": lease.expires_at}
