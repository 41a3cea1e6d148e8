"""Who is dead: judged by observation, never by age alone, and not while the host slept or its clock was set.

An expired lease is only a reason to look. A supervisor on this host is asked for (its process): gone, or there however
silent. Nobody else can be asked for; they must be seen expired twice, a beat apart, and not when it is likelier that
the host slept: its clocks say so, or many leases expired together. Then one more lease is waited, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import NamedTuple

from git_agent.domain.durations import spell
from git_agent.domain.lease import Lease

REAPER = "reaper"
"""The actor of what the reaper did."""

CROWD = 3
CROWD_WITHIN_MS = 30_000
"""So many workers that can't be asked for, first seen expired within so long, mean that the host slept."""

AHEAD_MS = 60_000
"""A beat that lies further in the future than this was written before the wall clock was set back."""

_JUMP_MS = 5_000  # clocks that are adjusted smoothly keep their distance; reading them takes microseconds
_FIRST_WAIT_S, _LONGEST_WAIT_S = 30.0, 3600.0


class Reading(NamedTuple):
    """One look at a host's clocks, in ms. wall: since the epoch; boot: since boot; awake: since boot, without sleep."""

    host: str
    boot_id: str
    wall: int
    boot: int
    awake: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """What was last seen of a host's clocks, in ms. slept: since boot; set_at: the wall clock's time of boot;

    patient_until: until when, since boot, nobody is reaped who can't be asked for.
    """

    boot_id: str
    slept: int
    set_at: int
    patient_until: int = 0

    def patient(self, now: Reading) -> bool:
        """Tell whether to wait because the host slept or its clock was set lately."""
        return now.boot < self.patient_until


def compare(before: Clocks | None, now: Reading, lease_s: float) -> Clocks:
    """Return what is to be remembered of the clocks; the same object where nothing happened to them.

    lease_s: seconds to be patient after the host slept or started anew, or its wall clock was set.
    """
    fresh = Clocks(now.boot_id, now.boot - now.awake, now.wall - now.boot, now.boot + int(lease_s * 1000))
    if before is None:
        return fresh if fresh.slept > _JUMP_MS else replace(fresh, patient_until=0)
    moved = max(abs(fresh.slept - before.slept), abs(fresh.set_at - before.set_at))
    return before if before.boot_id == now.boot_id and moved <= _JUMP_MS else fresh


class Found(Enum):
    """What asking for a worker's process found: there, gone for sure, or nobody who could be asked for."""

    THERE = auto()
    GONE = auto()
    UNKNOWN = auto()


class Verdict(Enum):
    """What to do about an expired lease: nothing, remember that it was seen, or take the task back."""

    LEAVE = auto()
    NOTE = auto()
    REAP = auto()


class Judged(NamedTuple):
    """A verdict for each task. crowd: so many fell silent together that the host slept; to be remembered."""

    verdicts: dict[int, Verdict]
    crowd: bool


def overdue(lease: Lease, now: int) -> bool:
    """Tell whether a lease ended, or was written by a clock that was set back since. now: ms since the epoch."""
    return lease.expires_at is not None and (now >= lease.expires_at or lease.beat_at > now + AHEAD_MS)


def judge(
    expired: Sequence[tuple[Lease, Found]], now: int, *, beat_s: float, lease_s: float, patient: bool, crowd_at: int
) -> Judged:
    """Judge the leases that are overdue.

    now: ms since the epoch; beat_s: least time between two sightings; patient: the host slept, or its clock was set,
    less than a lease ago; crowd_at: when so many last fell silent together, ms since the epoch, and lease_s: how long
    that makes patient.
    """
    silent = [lease for lease, found in expired if found is Found.UNKNOWN]
    new = {lease.task for lease in silent if lease.missed_at is None or lease.missed_at > now}
    lately = [s for s in silent if s.task in new or now - (s.missed_at or 0) <= CROWD_WITHIN_MS]
    crowd = bool(new) and len(lately) >= CROWD
    patient = patient or crowd or -AHEAD_MS <= now - crowd_at < lease_s * 1000

    def one(lease: Lease, found: Found) -> Verdict:
        if found is not Found.UNKNOWN:
            return Verdict.REAP if found is Found.GONE else Verdict.LEAVE
        if lease.task in new or lease.missed_at is None:
            return Verdict.NOTE
        return Verdict.LEAVE if patient or now - lease.missed_at < beat_s * 1000 else Verdict.REAP

    return Judged({lease.task: one(lease, found) for lease, found in expired}, crowd)


def back_off_s(attempt: int) -> float:
    """Say how many seconds a task waits after an attempt (the first is 1) was reaped: 30 s, doubled, at most 1 h."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt - 1, 10))


def why(lease: Lease, found: Found, now: int) -> str:
    """Say why a worker counts as dead: `process 1234 is gone`, `silent for 52m`."""
    if found is Found.GONE and lease.owner is not None:
        return f"process {lease.owner.pid} is gone"
    return f"silent for {spell((now - lease.beat_at) / 1000)}"
