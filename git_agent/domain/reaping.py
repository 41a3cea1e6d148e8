"""Reaping: which workers with an expired lease count as dead.

An expired lease alone proves nothing. A supervisor on this host is checked by its process: it is dead if the process
is gone, and alive however silent it is otherwise. Other workers have no process to check. They count as dead when
their lease was seen expired twice, at least one beat apart. If the host probably slept, because its clocks say so or
because many leases expired together, they get one more lease first, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from git_agent.domain.durations import spell
from git_agent.domain.lease import MAX_SKEW_MS, Lease
from git_agent.record import Record

REAPER = "reaper"
"""The actor in the events that reaping appends."""

CROWD = 3
CROWD_WITHIN_MS = 30_000
"""This many workers without a process to check, first seen expired within this time, mean that the host slept."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 30.0, 3600.0


class Presence(Enum):
    """The state of a worker's process: present, certainly gone, or unknown because there is none to check."""

    PRESENT = auto()
    GONE = auto()
    UNKNOWN = auto()


class LeaseDecision(Enum):
    """What to do about an expired lease: nothing, note that it was seen expired, or reap the task."""

    LEAVE = auto()
    NOTE = auto()
    REAP = auto()


class Judgement(Record):
    """A decision for each task.

    crowd: so many workers fell silent together that the host must have slept; the caller must remember this
    """

    verdicts: dict[int, LeaseDecision]
    crowd: bool


def judge_leases(
    expired: Sequence[tuple[Lease, Presence]], now: int, *, beat_s: float, lease_s: float, patient: bool, crowd_at: int
) -> Judgement:
    """Decide about each expired lease.

    expired: leases, each with the state of its worker's process
    now: ms since the epoch
    beat_s: the least time in seconds between two sightings
    lease_s: seconds to wait after a crowd
    patient: the host slept, or its clock was set, less than a lease ago
    crowd_at: ms since the epoch of the last crowd, 0 for none
    """
    silent = [lease for lease, found in expired if found is Presence.UNKNOWN]
    new = {lease.task for lease in silent if lease.missed_at is None or lease.missed_at > now}
    lately = [s for s in silent if s.task in new or now - (s.missed_at or 0) <= CROWD_WITHIN_MS]
    crowd = bool(new) and len(lately) >= CROWD
    patient = patient or crowd or -MAX_SKEW_MS <= now - crowd_at < lease_s * 1000

    def one(lease: Lease, found: Presence) -> LeaseDecision:
        if found is not Presence.UNKNOWN:
            return LeaseDecision.REAP if found is Presence.GONE else LeaseDecision.LEAVE
        if lease.task in new or lease.missed_at is None:
            return LeaseDecision.NOTE
        return LeaseDecision.LEAVE if patient or now - lease.missed_at < beat_s * 1000 else LeaseDecision.REAP

    return Judgement({lease.task: one(lease, found) for lease, found in expired}, crowd)


def back_off_s(attempt: int) -> float:
    """Return the seconds until a reaped task can be claimed again: 30 s after attempt 1, then doubled, at most 1 h."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt - 1, 10))


def death_reason(lease: Lease, found: Presence, now: int) -> str:
    """Return why a worker counts as dead: `process 1234 is gone`, `silent for 52m`."""
    if found is Presence.GONE and lease.owner is not None:
        return f"process {lease.owner.pid} is gone"
    return f"silent for {spell((now - lease.beat_at) / 1000)}"
