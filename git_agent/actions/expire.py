"""Act on overdue leases: note who is missed, and take tasks back from who is dead."""

from __future__ import annotations

from git_agent.actions.beats import beats
from git_agent.actions.bury import bury
from git_agent.actions.suspect import Suspects, suspect
from git_agent.actions.under_lock import under_lock
from git_agent.app import App
from git_agent.domain.reaping import Verdict
from git_agent.store import attempts, facts, locks, silence


def expire(app: App) -> list[str]:
    """Judge the overdue, and act where that is called for; return a line for each task that was taken back.

    Nothing is written while nothing is to be done: a worker that is there but stopped, or one that is waited for.
    """
    if not suspect(app).calls_for_action:
        return []
    with under_lock(app, locks.REAP) as fence:
        if fence is None:
            return []
        suspects = suspect(app)  # what it was before the lock may have been done by who held it
        _note(app, suspects, fence)
        dead = [task for task, verdict in suspects.judged.verdicts.items() if verdict is Verdict.REAP]
        lines = [line for task in dead if (line := bury(app, suspects, task, fence))]
    if lines:
        beats(app, attempts.standing())  # a worker that was superseded is told at its next commit
    return lines


def _note(app: App, suspects: Suspects, fence: int) -> None:
    missed = [task for task, verdict in suspects.judged.verdicts.items() if verdict is Verdict.NOTE]
    if not missed:
        return
    with app.store.transaction():
        locks.require(locks.REAP, fence)
        for task in missed:
            silence.note(suspects.leases[task])
        if suspects.judged.crowd:
            facts.put(silence.CROWD, str(suspects.now))
