"""A host's clocks: whether it slept, started anew, or had its wall clock set since they were last looked at."""

from __future__ import annotations

from typing import NamedTuple

_JUMP_MS = 5_000  # clocks that are adjusted smoothly keep their distance; reading them takes microseconds


class ClockReading(NamedTuple):
    """One look at a host's clocks, in ms. wall: since the epoch; boot: since boot; awake: since boot, without sleep."""

    host: str
    boot_id: str
    wall: int
    boot: int
    awake: int


class ClockState(NamedTuple):
    """What was last seen of a host's clocks, in ms. slept: since boot; set_at: the wall clock's time of boot;
    patient_until: until when, since boot, nobody is reaped who can't be asked for.
    """

    boot_id: str
    slept: int
    set_at: int
    patient_until: int = 0

    def patient(self, now: ClockReading) -> bool:
        """Tell whether to wait because the host slept or its clock was set lately."""
        return now.boot < self.patient_until


def update_clocks(before: ClockState | None, now: ClockReading, lease_s: float) -> ClockState:
    """Return what is to be remembered of the clocks; the same object where nothing happened to them.

    before: None on a host that never looked, so that nobody knows what happened before; lease_s: seconds to be patient
    then, and after the host slept or started anew, or its wall clock was set.
    """
    fresh = ClockState(now.boot_id, now.boot - now.awake, now.wall - now.boot, now.boot + int(lease_s * 1000))
    if before is None or before.boot_id != now.boot_id:
        return fresh
    moved = max(abs(fresh.slept - before.slept), abs(fresh.set_at - before.set_at))
    return before if moved <= _JUMP_MS else fresh
