"""Check for expired leases, dead supervisors and stalled workers; usually a single query."""

from __future__ import annotations

from git_agent.app import App
from git_agent.errors import UNWRITABLE, AgentError
from git_agent.proc import processes
from git_agent.store import stale

_UNASKED_S = 60.0  # the configuration costs a git process: it is read after a quiet minute, or if already loaded


def reap(app: App, *, stalls: bool = True) -> list[str]:
    """Check for expired leases, dead supervisors and workers without progress, and act on them.

    Every command that syncs with git calls this after recording the beat of the worker that runs it. One process at a
    time acts, under a fenced lock. If the store can't be written, nothing is done.
    stalls: also look for workers without progress, which examines files: 12 ms with 40 quiet workers
    Returns a line for each action.
    """
    try:
        return _reap(app, stalls)
    except AgentError as error:
        return [] if error.code in UNWRITABLE else [f"could not check for dead workers: {error.message}"]


def _reap(app: App, stalls: bool) -> list[str]:
    seen, lines, patient = app.store.stale.glance(processes.machine_id()), list[str](), False
    if seen.expirable or seen.supervised:
        from git_agent.actions.liveness.judge import record_clocks

        reading = app.clock()
        patient = record_clocks(app, reading, seen.clocks).patient(reading)
    if seen.overdue:
        from git_agent.actions.liveness.expire import reap_overdue

        lines += reap_overdue(app)
    if seen.supervised:
        from git_agent.actions.liveness.sweep import end_orphaned_sessions

        lines += end_orphaned_sessions(app, patient=patient)
    if stalls and _may_stall(app, seen):
        from git_agent.actions.liveness.sweep import report_stalled

        report_stalled(app)
    return lines


def _may_stall(app: App, seen: stale.LeaseSummary) -> bool:
    if seen.quiet_since is None:
        return False
    quiet_s = (seen.now - seen.quiet_since) / 1000
    return (app.has_settings or quiet_s >= _UNASKED_S) and quiet_s >= app.config.seconds("agent.stalled")
