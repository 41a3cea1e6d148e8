"""This host's clocks: wall clock, time since boot, and time awake since boot."""

from __future__ import annotations

import time

from git_agent.domain.host_clocks import ClockReading
from git_agent.proc import processes

# Linux counts sleep in CLOCK_BOOTTIME and not in CLOCK_MONOTONIC; macOS in CLOCK_MONOTONIC and not in CLOCK_UPTIME_RAW.
# A system with neither has only one clock: sleep goes undetected, and the other rules still hold.
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_AWAKE = getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC)


def read_clocks() -> ClockReading:
    """Read all clocks of this host."""
    # The one that may be behind is read first, so that it never seems to be ahead.
    wall, awake, boot = time.time_ns(), time.clock_gettime_ns(_AWAKE), time.clock_gettime_ns(_BOOT)
    return ClockReading(processes.machine_id(), processes.boot_id(), wall // 10**6, boot // 10**6, awake // 10**6)
