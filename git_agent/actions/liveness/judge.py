"""Judge workers whose leases are overdue; search for signs of work where a worker's process can't be probed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from git_agent.app import App
from git_agent.domain.host_clocks import ClockReading, ClockState, update_clocks
from git_agent.domain.lease import Lease
from git_agent.domain.reaping import Judgement, LeaseDecision, Presence, judge_leases
from git_agent.git.worktrees import activity
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.store.stale import CLOCKS


class Overdue(Record):
    """The overdue leases, what probing their processes found, and the decisions. now: ms since the epoch."""

    now: int
    leases: Mapping[int, Lease]
    found: Mapping[int, Presence]
    judged: Judgement

    @property
    def calls_for_action(self) -> bool:
        """Tell whether there is anything to do."""
        return any(verdict is not LeaseDecision.LEAVE for verdict in self.judged.verdicts.values())


def judge_overdue(app: App) -> Overdue:
    """Judge every overdue worker now; writes only the progress that it finds."""
    suspects = _judged(app)
    unheard = {
        task: suspects.leases[task]
        for task, verdict in suspects.judged.verdicts.items()
        if verdict is not LeaseDecision.LEAVE and suspects.found[task] is Presence.UNKNOWN
    }
    return _judged(app) if unheard and detect_activity(app, unheard)[0] else suspects


def _judged(app: App) -> Overdue:
    reading = app.clock()
    seen, late = app.store.stale.glance(reading.machine), app.store.stale.overdue()
    found = {task: _probe(app, lease) for task, lease in late.items()}
    lease_s = app.config.seconds("agent.lease")
    judged = judge_leases(
        [(lease, found[task]) for task, lease in late.items()],
        seen.now,
        beat_s=app.config.seconds("agent.beat"),
        lease_s=lease_s,
        patient=record_clocks(app, reading, seen.clocks).patient(reading),
        crowd_at=int(seen.crowd or 0),
    )
    return Overdue(seen.now, late, found, judged)


def _probe(app: App, lease: Lease) -> Presence:
    if lease.kind != "run" or lease.owner is None:
        return Presence.UNKNOWN
    if app.is_gone(lease.owner):
        return Presence.GONE
    return Presence.PRESENT if processes.is_here(lease.owner) else Presence.UNKNOWN


_EACH = 2000  # files examined per worker
MOST_EXAMINED = 12_000
"""How many files are examined in all, whatever the number of workers: 50 ms."""
_MOST = 24


def detect_activity(app: App, silent: Mapping[int, Lease]) -> tuple[set[int], int]:
    """Search the worktrees of silent workers for signs of work, a few dozen at most.

    silent: their leases, in the order in which to search
    Returns the tasks that have such signs, and how many files and directories were examined.
    """
    looked_at = list(silent)[:_MOST]
    places = app.store.attempts.places(looked_at)
    budget = min(_EACH, MOST_EXAMINED // max(1, len(places)))
    seen, examined = dict[int, int](), 0
    for task in looked_at:
        if task in places:
            worktree, admin = places[task]
            since, git_dir = silent[task].progress_at, app.repo.admin_dir(admin)
            at, number = activity.latest_activity(worktree, git_dir, since, budget=budget)
            seen |= {} if at is None else {task: at}
            examined += number
    if seen:
        lease_s = app.config.seconds("agent.lease")
        with app.store.transaction():
            for task, at in seen.items():
                app.store.leases.heard(task, at, lease_s)
    return set(seen), examined


def record_clocks(app: App, reading: ClockReading, fact: str | None) -> ClockState:
    """Compare the clocks with the stored state, and store a new state if a clock was changed or the host slept.

    reading: the clocks now
    fact: the stored state, which is written once per boot, sleep and clock change
    """
    before = _parsed(fact)
    if before is not None and update_clocks(before, reading, 0.0) is before:
        return before
    clocks = update_clocks(before, reading, app.config.seconds("agent.lease"))
    with app.store.transaction():
        app.store.meta.put(CLOCKS + reading.machine, json.dumps(clocks))
    return clocks


def _parsed(fact: str | None) -> ClockState | None:
    return None if fact is None else ClockState(*json.loads(fact))
