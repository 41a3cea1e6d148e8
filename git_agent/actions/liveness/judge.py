"""Judge workers whose leases are overdue, looking for signs of work where they can't be probed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.app import App
from git_agent.domain.clocks import Clocks, Reading, compare
from git_agent.domain.lease import Lease
from git_agent.domain.reaping import Found, Judged, Verdict, judge
from git_agent.git.worktrees import activity
from git_agent.proc import processes
from git_agent.store import attempts, facts, leases, silence
from git_agent.store.silence import CLOCKS


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


_EACH, _ALL = 2000, 12_000  # files looked at: 25 ms at most for one command, however many workers are quiet
_MOST = 24


def hear(app: App, silent: Mapping[int, Lease]) -> set[int]:
    """Look at the worktrees of silent workers, of some dozens at most; return the tasks in which work was seen.

    silent: their leases, those first that are to be looked at first.
    """
    looked_at = list(silent)[:_MOST]
    places = attempts.places(looked_at)
    budget = min(_EACH, _ALL // max(1, len(places)))
    seen: dict[int, int] = {}
    for task in looked_at:
        if task in places:
            worktree, admin = places[task]
            at = activity.latest_activity(worktree, app.repo.admin_dir(admin), silent[task].progress_at, budget=budget)
            seen |= {} if at is None else {task: at}
    if seen:
        lease_s = app.config.seconds("agent.lease")
        with app.store.transaction():
            for task, at in seen.items():
                leases.heard(task, at, lease_s)
    return set(seen)


def keep_time(app: App, reading: Reading, fact: str | None) -> Clocks:
    """Compare the clocks with what was remembered of them, and remember anew where something happened to them.

    reading: the clocks now; fact: what the store remembers. That is written once per boot, sleep and setting.
    """
    before = _parsed(fact)
    if before is not None and compare(before, reading, 0.0) is before:
        return before
    clocks = compare(before, reading, app.config.seconds("agent.lease"))
    with app.store.transaction():
        facts.put(CLOCKS + reading.host, json.dumps(clocks))
    return clocks


def _parsed(fact: str | None) -> Clocks | None:
    return None if fact is None else Clocks(*json.loads(fact))
