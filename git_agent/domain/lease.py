"""Liveness, computed from ages and never stored: who is alive, late, stale or dead, and who makes no progress."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

BEAT_S = 10.0
LEASE_S = 120.0
CLAIM_LEASE_S = 45 * 60.0
STALLED_S = 15 * 60.0


class Liveness(StrEnum):
    """What can be said of a worker."""

    ALIVE = "alive"
    LATE = "late"
    STALE = "stale"
    DEAD = "dead"
    NONE = "none"


class Lease(NamedTuple):
    """The hot row of a task. kind: `run` (supervised), `claim` (a worker of the queue) or `hand`.

    beat_at, progress_at, expires_at: ms since the epoch; expires_at is None for a lease that can't expire.
    """

    task: int
    kind: str
    beat_at: int
    progress_at: int
    expires_at: int | None
    note: str | None
    worker: str | None
    host: str | None
    pid: int | None


def liveness(lease: Lease | None, now: int, *, beat_s: float = BEAT_S, lease_s: float = CLAIM_LEASE_S) -> Liveness:
    """Judge a worker by the age of its last beat.

    now: ms since the epoch; beat_s: seconds between beats of a supervised worker (late after 3, stale after 10);
    lease_s: seconds an unsupervised worker's beat counts (late at half of it, stale at its end).
    """
    if lease is None:
        return Liveness.NONE
    late, stale = (3 * beat_s, 10 * beat_s) if lease.kind == "run" else (lease_s / 2, lease_s)
    age = (now - lease.beat_at) / 1000
    if age >= stale:
        return Liveness.STALE
    return Liveness.LATE if age >= late else Liveness.ALIVE


def stalled(lease: Lease | None, now: int, limit_s: float = STALLED_S) -> bool:
    """Tell whether a worker made no progress for limit_s seconds."""
    return lease is not None and (now - lease.progress_at) / 1000 >= limit_s
