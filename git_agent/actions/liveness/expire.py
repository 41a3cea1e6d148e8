"""Reap tasks whose workers are dead: back to OPEN after a delay, or FAILED when no attempts are left.

A task whose supervisor went down with its machine is held instead (stopped).
"""

from __future__ import annotations

from git_agent.actions.beats import beats
from git_agent.actions.liveness.judge import Overdue, judge_overdue
from git_agent.actions.recovery.journal import under_lock
from git_agent.actions.transition import run_again
from git_agent.app import App
from git_agent.domain.lease import Lease
from git_agent.domain.reaping import REAPER, LeaseDecision, back_off_s, death_reason
from git_agent.domain.task import Step, Task, after
from git_agent.proc import processes
from git_agent.store import locks, stale


def reap_overdue(app: App) -> list[str]:
    """Judge overdue workers and act where necessary; return a line for each task that was reaped or stopped.

    Nothing is written when there is nothing to do, as for a worker that is stopped or still being waited for.
    """
    if not judge_overdue(app).calls_for_action:
        return []
    with under_lock(app, locks.REAP) as fence:
        if fence is None:
            return []
        suspects = judge_overdue(app)  # judge again under the lock: its previous holder may have acted already
        _note(app, suspects, fence)
        dead = [task for task, verdict in suspects.judged.verdicts.items() if verdict is LeaseDecision.REAP]
        lines = [line for task in dead if (line := reap_task(app, suspects, task, fence))]
    if lines:
        beats(app, app.store.attempts.standing())  # a superseded worker is notified at its next commit
    return lines


def _note(app: App, suspects: Overdue, fence: int) -> None:
    missed = [task for task, verdict in suspects.judged.verdicts.items() if verdict is LeaseDecision.NOTE]
    if not missed:
        return
    with app.store.transaction():
        app.store.locks.require(locks.REAP, fence)
        for task in missed:
            app.store.stale.note(suspects.leases[task])
        if suspects.judged.crowd:
            app.store.meta.put(stale.CROWD, str(suspects.now))


def reap_task(app: App, suspects: Overdue, task: int, fence: int) -> str | None:
    """Reap or stop a task if its worker gave no sign of life since it was judged; return a line that says so.

    fence: the fence of the lock under which this is done
    Branch and worktree stay. The next attempt starts from the last commit.
    """
    lease, limit = suspects.leases[task], app.config.number("agent.maxAttempts")
    if lease.owner is not None and app.is_gone(lease.owner) and processes.is_of_earlier_boot(lease.owner):
        return _stop_task(app, lease, fence)
    reason = death_reason(lease, suspects.found[task], suspects.now)
    with app.store.transaction():
        app.store.locks.require(locks.REAP, fence)
        now = app.store.tasks.get(task)
        step = Step.EXHAUST if now.attempt >= limit else Step.REAP
        made = after(now.state, now.hold, step)
        if made is None or not app.store.stale.unchanged(lease) or app.store.intents.of_task(task) is not None:
            return None
        data = {"attempt": now.attempt, "beat_at": lease.beat_at, "why": reason, "text": reason}
        if step is Step.EXHAUST:
            says = f"{_used_up(limit)}; the last worker: {reason}"
            app.store.tasks.move(now, made, REAPER, data=data, reason=says)
        else:
            later = suspects.now + int(back_off_s(now.attempt) * 1000)
            app.store.tasks.move(now, made, REAPER, data=data, not_before=later, reason=f"its worker died: {reason}")
        app.store.leases.drop(task)
    return _line(now, reason, step, limit)


def _stop_task(app: App, lease: Lease, fence: int) -> str | None:
    """Hold a task whose supervisor went down with its machine: nobody gave it up, and its files may be half done."""
    reason = "was stopped when its machine restarted"
    with app.store.transaction():
        app.store.locks.require(locks.REAP, fence)
        now = app.store.tasks.get(lease.task)
        made = after(now.state, now.hold, Step.STOP)
        if made is None or not app.store.stale.unchanged(lease) or app.store.intents.of_task(now.id) is not None:
            return None
        app.store.tasks.move(now, made, REAPER, data={"reason": reason, "beat_at": lease.beat_at}, reason=reason)
        app.store.leases.drop(now.id)
    again = run_again(app, now)
    return f"{now.label}: it {reason}; {again} continues in the same worktree"


def _line(task: Task, reason: str, step: Step, limit: int) -> str:
    if step is Step.EXHAUST:
        hint = f"git agent retry {task.id}, after raising agent.maxAttempts"
        return f"{task.label}: its worker is dead ({reason}); FAILED, {_used_up(limit)}; {hint}"
    return f"{task.label}: its worker is dead ({reason}); back in the queue, attempt {task.attempt + 1} of {limit}"


def _used_up(limit: int) -> str:
    return f"all {limit} attempts are used up" if limit != 1 else "its one attempt is used up"
