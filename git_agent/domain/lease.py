"""Liveness: alive, late, stale and dead workers, and those without progress. It is computed and never stored."""

from __future__ import annotations

from enum import StrEnum

from git_agent.domain.process_id import ProcessId
from git_agent.record import Record

BEAT_S = 10.0
LEASE_S = 120.0
CLAIM_LEASE_S = 45 * 60.0
STALLED_AFTER_S = 15 * 60.0
RUN_BEATS = 12
"""Beats that a supervised worker may miss before its lease expires: 120 s with the default beat of 10 s."""

SILENT_LEASES = 2
"""Leases after which a silent supervisor counts as gone if its process can't be checked from here."""

MAX_SKEW_MS = 60_000
"""A beat further in the future than this was written before the wall clock was set back."""


class Liveness(StrEnum):
    """The liveness of a worker."""

    ALIVE = "alive"
    LATE = "late"
    STALE = "stale"
    DEAD = "dead"
    NONE = "none"


class Lease(Record):
    """A task's lease: the one row that every beat updates.

    kind: `run` (supervised), `claim` (taken from the queue) or `hand` (by hand)
    beat_at, progress_at: ms since the epoch of the last beat and the last progress
    expires_at: ms since the epoch, None for a lease that never expires
    missed_at: ms since the epoch when it was first seen expired; the next beat clears it
    session, owner: a supervised worker's session, and its supervisor's process
    """

    task: int
    kind: str
    beat_at: int
    progress_at: int
    expires_at: int | None = None
    note: str | None = None
    missed_at: int | None = None
    session: int | None = None
    owner: ProcessId | None = None

    @property
    def host(self) -> str | None:
        """Return the supervisor's host."""
        return self.owner.host if self.owner else None

    @property
    def pid(self) -> int | None:
        """Return the supervisor's pid."""
        return self.owner.pid if self.owner else None


def duration_s(kind: str, *, beat_s: float = BEAT_S, lease_s: float = CLAIM_LEASE_S) -> float | None:
    """Return the seconds by which a beat renews a lease; None for a lease that never expires.

    kind: as in Lease
    beat_s: seconds between the beats of a supervised worker (agent.beat)
    lease_s: seconds that the lease of a claimed task lasts (agent.lease)
    """
    return {"run": RUN_BEATS * beat_s, "claim": lease_s}.get(kind)


def liveness(
    lease: Lease | None, now: int, *, gone: bool = False, beat_s: float = BEAT_S, lease_s: float = CLAIM_LEASE_S
) -> Liveness:
    """Return a worker's liveness, from its process and the age of its last beat.

    now: ms since the epoch
    gone: its process is proved to have ended
    beat_s: seconds between the beats of a supervised worker, which is late after 3 beats and stale after 10
    lease_s: seconds that an unsupervised worker's lease lasts; it is late at half of that and stale at the end
    """
    if lease is None:
        return Liveness.NONE
    if gone:
        return Liveness.DEAD
    late, stale = (3 * beat_s, 10 * beat_s) if lease.kind == "run" else (lease_s / 2, lease_s)
    age = (now - lease.beat_at) / 1000
    if age >= stale:
        return Liveness.STALE
    return Liveness.LATE if age >= late else Liveness.ALIVE


def is_stalled(lease: Lease | None, now: int, limit_s: float = STALLED_AFTER_S) -> bool:
    """Return whether a worker made no progress for limit_s seconds. now: ms since the epoch."""
    return lease is not None and (now - lease.progress_at) / 1000 >= limit_s


def is_overdue(lease: Lease, now: int) -> bool:
    """Return whether a lease expired, or was written before the clock was set back. now: ms since the epoch."""
    return lease.expires_at is not None and (now >= lease.expires_at or lease.beat_at > now + MAX_SKEW_MS)
