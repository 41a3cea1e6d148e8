"""Take one task back from a dead worker: OPEN after a while, or FAILED when its attempts are used up."""

from __future__ import annotations

from git_agent.actions.suspect import Suspects
from git_agent.app import App
from git_agent.domain.reaping import REAPER, back_off_s, why
from git_agent.domain.task import Step, Task, after
from git_agent.store import intents, leases, locks, silence, tasks


def bury(app: App, suspects: Suspects, task: int, fence: int) -> str | None:
    """Take a task back, if its worker was not heard of since it was judged; return a line that says so.

    fence: of the lock under which this is done. Branch and worktree stay; the next attempt starts from the last commit.
    """
    lease, limit = suspects.leases[task], app.config.number("agent.maxAttempts")
    reason = why(lease, suspects.found[task], suspects.now)
    with app.store.transaction():
        locks.require(locks.REAP, fence)
        now = tasks.get(task)
        step = Step.EXHAUST if now.attempt >= limit else Step.REAP
        made = after(now.state, now.hold, step)
        if made is None or not silence.unchanged(lease) or intents.of_task(task) is not None:
            return None
        data = {"attempt": now.attempt, "beat_at": lease.beat_at, "why": reason, "text": reason}
        if step is Step.EXHAUST:
            says = f"{_used_up(limit)}; the last worker: {reason}"
            tasks.move(now, made, REAPER, data=data, reason=says)
        else:
            tasks.move(now, made, REAPER, data=data, not_before=suspects.now + int(back_off_s(now.attempt) * 1000))
        leases.drop(task)
    return _line(now, reason, step, limit)


def _line(task: Task, reason: str, step: Step, limit: int) -> str:
    if step is Step.EXHAUST:
        helps = f"git agent retry {task.id}, with a greater agent.maxAttempts"
        return f"{task.label}: its worker is dead ({reason}); FAILED, {_used_up(limit)}; {helps}"
    return f"{task.label}: its worker is dead ({reason}); back in the queue, attempt {task.attempt + 1} of {limit}"


def _used_up(limit: int) -> str:
    return f"all {limit} attempts are used up" if limit != 1 else "its one attempt is used up"
