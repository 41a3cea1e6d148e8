"""Liveness, computed from ages and never stored: who is alive, late, stale or dead, and who makes no progress."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from git_agent.domain.process_id import ProcessId

BEAT_S = 10.0
LEASE_S = 120.0
CLAIM_LEASE_S = 45 * 60.0
STALLED_S = 15 * 60.0
RUN_BEATS = 12
"""How many beats a supervised worker may miss before its lease ends: 120 s, with beats of 10 s."""

AHEAD_MS = 60_000
"""A beat that lies further in the future than this was written before the wall clock was set back."""


class Liveness(StrEnum):
    """What can be said of a worker."""

    ALIVE = "alive"
    LATE = "late"
    STALE = "stale"
    DEAD = "dead"
    NONE = "none"


class Lease(NamedTuple):
    """The hot row of a task. kind: `run` (supervised), `claim` (a worker of the queue) or `hand`.

    beat_at, progress_at, expires_at: ms since the epoch; expires_at is None for a lease that can't expire; missed_at:
    when it was first seen expired, until the next beat; session, owner: of a supervised worker, and its supervisor.
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
        """Name the supervisor's host."""
        return self.owner.host if self.owner else None

    @property
    def pid(self) -> int | None:
        """Name the supervisor's pid."""
        return self.owner.pid if self.owner else None


def duration_s(kind: str, *, beat_s: float = BEAT_S, lease_s: float = CLAIM_LEASE_S) -> float | None:
    """Say for how many seconds a beat renews a lease of a kind; None for one that never expires.

    beat_s: between beats of a supervised worker; lease_s: of a worker of the queue.
    """
    return {"run": RUN_BEATS * beat_s, "claim": lease_s}.get(kind)


def liveness(
    lease: Lease | None, now: int, *, gone: bool = False, beat_s: float = BEAT_S, lease_s: float = CLAIM_LEASE_S
) -> Liveness:
    """Judge a worker by its process, and by the age of its last beat.

    now: ms since the epoch; gone: its process is proved to have ended; beat_s: seconds between beats of a supervised
    worker (late after 3, stale after 10); lease_s: seconds an unsupervised worker's beat counts (late at half of it,
    stale at its end).
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


def is_stalled(lease: Lease | None, now: int, limit_s: float = STALLED_S) -> bool:
    """Tell whether a worker made no progress for limit_s seconds."""
    return lease is not None and (now - lease.progress_at) / 1000 >= limit_s


def is_overdue(lease: Lease, now: int) -> bool:
    """Tell whether a lease ended, or was written by a clock that was set back since. now: ms since the epoch."""
    return lease.expires_at is not None and (now >= lease.expires_at or lease.beat_at > now + AHEAD_MS)
