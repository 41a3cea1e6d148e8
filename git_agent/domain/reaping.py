"""Who is dead: judged by observation, never by age alone, and not while the host slept or its clock was set.

An expired lease is only a reason to look. A supervisor on this host is asked for (its process): gone, or there however
silent. Nobody else can be asked for; they must be seen expired twice, a beat apart, and not when it is likelier that
the host slept: its clocks say so, or many leases expired together. Then one more lease is waited, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from git_agent.domain.durations import spell
from git_agent.domain.lease import AHEAD_MS, Lease

REAPER = "reaper"
"""The actor of what the reaper did."""

CROWD = 3
CROWD_WITHIN_MS = 30_000
"""So many workers that can't be asked for, first seen expired within so long, mean that the host slept."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 30.0, 3600.0


class Presence(Enum):
    """What asking for a worker's process found: there, gone for sure, or nobody who could be asked for."""

    PRESENT = auto()
    GONE = auto()
    UNKNOWN = auto()


class LeaseDecision(Enum):
    """What to do about an expired lease: nothing, remember that it was seen, or take the task back."""

    LEAVE = auto()
    NOTE = auto()
    REAP = auto()


class Judgement(NamedTuple):
    """A verdict for each task. crowd: so many fell silent together that the host slept; to be remembered."""

    verdicts: dict[int, LeaseDecision]
    crowd: bool


def judge_leases(
    expired: Sequence[tuple[Lease, Presence]], now: int, *, beat_s: float, lease_s: float, patient: bool, crowd_at: int
) -> Judgement:
    """Judge the leases that are overdue.

    now: ms since the epoch; beat_s: least time between two sightings; patient: the host slept, or its clock was set,
    less than a lease ago; crowd_at: when so many last fell silent together, ms since the epoch, and lease_s: how long
    that makes patient.
    """
    silent = [lease for lease, found in expired if found is Presence.UNKNOWN]
    new = {lease.task for lease in silent if lease.missed_at is None or lease.missed_at > now}
    lately = [s for s in silent if s.task in new or now - (s.missed_at or 0) <= CROWD_WITHIN_MS]
    crowd = bool(new) and len(lately) >= CROWD
    patient = patient or crowd or -AHEAD_MS <= now - crowd_at < lease_s * 1000

    def one(lease: Lease, found: Presence) -> LeaseDecision:
        if found is not Presence.UNKNOWN:
            return LeaseDecision.REAP if found is Presence.GONE else LeaseDecision.LEAVE
        if lease.task in new or lease.missed_at is None:
            return LeaseDecision.NOTE
        return LeaseDecision.LEAVE if patient or now - lease.missed_at < beat_s * 1000 else LeaseDecision.REAP

    return Judgement({lease.task: one(lease, found) for lease, found in expired}, crowd)


def back_off_s(attempt: int) -> float:
    """Say how many seconds a task waits after an attempt (the first is 1) was reaped: 30 s, doubled, at most 1 h."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt - 1, 10))


def death_reason(lease: Lease, found: Presence, now: int) -> str:
    """Say why a worker counts as dead: `process 1234 is gone`, `silent for 52m`."""
    if found is Presence.GONE and lease.owner is not None:
        return f"process {lease.owner.pid} is gone"
    return f"silent for {spell((now - lease.beat_at) / 1000)}"
