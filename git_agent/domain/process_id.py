"""The identity of a process, precise enough to tell whether a pid still means the same process."""

from __future__ import annotations

from git_agent.record import Record


class ProcessId(Record):
    """A process.

    boot_id: of the kernel it runs on; pid_start: its start time in clock ticks since boot (field 22 in proc(5))
    machine: of the machine, across reboots; None if an older program recorded it
    pid_namespace: in which the pid counts, "" where there are none
    """

    host: str
    boot_id: str
    pid: int
    pid_start: int
    machine: str | None = None
    pid_namespace: str | None = None
