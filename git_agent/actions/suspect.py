"""Judge the workers whose leases are overdue; those that can't be asked for are looked for in their worktrees first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.actions.hear import hear
from git_agent.actions.keep_time import keep_time
from git_agent.app import App
from git_agent.domain.lease import Lease
from git_agent.domain.reaping import Found, Judged, Verdict, judge
from git_agent.proc import processes
from git_agent.store import silence


@dataclass(frozen=True, slots=True)
class Suspects:
    """The overdue leases, what asking for their processes found, and what is to be done. now: ms since the epoch."""

    now: int
    leases: Mapping[int, Lease]
    found: Mapping[int, Found]
    judged: Judged

    @property
    def calls_for_action(self) -> bool:
        """Tell whether anything is to be done."""
        return any(verdict is not Verdict.LEAVE for verdict in self.judged.verdicts.values())


def suspect(app: App) -> Suspects:
    """Judge everybody who is overdue now; writes nothing but the progress that it finds."""
    suspects = _judged(app)
    unheard = {
        task: suspects.leases[task]
        for task, verdict in suspects.judged.verdicts.items()
        if verdict is not Verdict.LEAVE and suspects.found[task] is Found.UNKNOWN
    }
    return _judged(app) if unheard and hear(app, unheard) else suspects


def _judged(app: App) -> Suspects:
    reading = app.clock()
    seen, late = silence.glance(reading.host), silence.overdue()
    found = {task: _asked_for(lease, reading.host) for task, lease in late.items()}
    lease_s = app.config.seconds("agent.lease")
    judged = judge(
        [(lease, found[task]) for task, lease in late.items()],
        seen.now,
        beat_s=app.config.seconds("agent.beat"),
        lease_s=lease_s,
        patient=keep_time(app, reading, seen.clocks).patient(reading),
        crowd_at=int(seen.crowd or 0),
    )
    return Suspects(seen.now, late, found, judged)


def _asked_for(lease: Lease, host: str) -> Found:
    if lease.kind != "run" or lease.owner is None or lease.owner.host != host:
        return Found.UNKNOWN
    return Found.GONE if processes.is_gone(lease.owner) else Found.THERE
