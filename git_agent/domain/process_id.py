"""One incarnation of a process: enough to tell whether it is still the same one."""

from __future__ import annotations

from typing import NamedTuple


class ProcessId(NamedTuple):
    """A process. boot_id: of the running kernel; pid_start: when it started, in the system's ticks since boot."""

    host: str
    boot_id: str
    pid: int
    pid_start: int
