"""A host's clocks: detect that the host slept, rebooted or had its wall clock set since the last reading."""

from __future__ import annotations

from git_agent.record import Record

_JUMP_MS = 5_000  # a slewed clock never jumps this far, and reading all three takes microseconds


class ClockReading(Record):
    """One reading of a host's clocks, in milliseconds.

    machine: its id; wall: since the epoch; boot: since boot; awake: since boot, not counting sleep.
    """

    machine: str
    boot_id: str
    wall: int
    boot: int
    awake: int


class ClockState(Record):
    """What the store remembers about a host's clocks, in milliseconds.

    slept: time asleep since boot
    set_at: the time of boot by the wall clock
    patient_until: until this time since boot, workers whose process cannot be checked are not reaped
    """

    boot_id: str
    slept: int
    set_at: int
    patient_until: int = 0

    def patient(self, now: ClockReading) -> bool:
        """Return whether the host slept, or its clock was set, so recently that reaping must wait."""
        return now.boot < self.patient_until


def update_clocks(before: ClockState | None, now: ClockReading, lease_s: float) -> ClockState:
    """Return the state to remember; it is `before` itself if the clocks ran normally.

    before: the last known state, or None for a host seen for the first time
    now: the current reading
    lease_s: seconds to wait before reaping after a sleep, a reboot, a clock change or a first reading
    """
    fresh = ClockState(now.boot_id, now.boot - now.awake, now.wall - now.boot, now.boot + int(lease_s * 1000))
    if before is None or before.boot_id != now.boot_id:
        return fresh
    moved = max(abs(fresh.slept - before.slept), abs(fresh.set_at - before.set_at))
    return before if moved <= _JUMP_MS else fresh
