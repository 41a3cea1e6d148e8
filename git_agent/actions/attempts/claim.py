"""Claim the next task of the queue, or acquire the task that a supervisor will work on."""

from __future__ import annotations

import os
import time

from git_agent.actions.attempts.prepare import PlaceWish, prepare
from git_agent.actions.attempts.reassign import reassign
from git_agent.actions.attempts.reserve import record_spawn, reserve, reserve_open
from git_agent.actions.liveness.judge import record_clocks
from git_agent.actions.liveness.reap import reap
from git_agent.actions.path_claims.overlaps import claim_conflicts
from git_agent.actions.recovery.journal import rollback_on_error
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.advice import steps_towards
from git_agent.domain.gates import no_worktree_error
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError, Exit, refused
from git_agent.proc import processes

_LOOK_AGAIN_S = 5.0  # a task whose not_before passes changes nothing in the store, so poll as well
_TRIES = 3  # attempts to find a task whose paths were not claimed in the meantime


def claim(
    app: App,
    task: Task | None = None,
    *,
    wait: bool = False,
    timeout_s: float | None = None,
    agent: str | None = None,
    fresh: bool = False,
) -> Task:
    """Claim a task, or the first one that is ready; return it.

    task: the task to claim; None for the first ready one.
    wait: wait until a task is ready.
    timeout_s: the longest wait in seconds; None waits forever.
    agent: the agent that will work on the task.
    fresh: start from the base instead of from where the previous attempt ended.
    With agent.pathClaims=refuse, a task is not ready while a live task claims some of its paths.
    Raises AgentError: exit 6 when there is nothing to claim, exit 3 for a task that is not ready.
    """
    with rollback_on_error(app):
        task, intent = reserve_open(app, task) if task else _reserve_next(app, wait, timeout_s)
        place = reserve(app, task, intent, fresh=fresh)
        agent, lease_s = (
            agent or task.agent or app.config.text("agent.defaultAgent") or None,
            app.config.seconds("agent.lease"),
        )
        taken = prepare(app, PlaceWish(task, place, Step.CLAIM, intent, lease_s=lease_s, agent=agent))
    reading = app.clock()
    record_clocks(
        app, reading, app.store.stale.glance(reading.machine).clocks
    )  # from now on, suspension of the host can be detected
    return taken


def _reserve_next(app: App, wait: bool, timeout_s: float | None) -> tuple[Task, int]:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    seen: int | None = app.store.wait_for_change(0)
    while (got := _try_next(app)) is None:
        left = _LOOK_AGAIN_S if deadline is None else min(_LOOK_AGAIN_S, deadline - time.monotonic())
        if not wait or left <= 0:
            raise AgentError("nothing-ready", "there is nothing to claim", "git agent ready --why", exit=Exit.BUSY)
        seen = app.store.wait_for_change(left, seen)
        for line in reap(app):
            app.notice(line)
    return got


def _try_next(app: App) -> tuple[Task, int] | None:
    limit, owner = app.config.number("agent.maxAttempts"), processes.myself()
    for _ in range(_TRIES):
        queue = [t for t in app.store.tasks.ready() if t.attempt < limit]
        claims = claim_conflicts(app, queue)
        if not any(t.id not in claims.blocked for t in queue):
            return None
        with app.store.transaction():
            free = [t for t in app.store.tasks.ready() if t.attempt < limit and t.id not in claims.blocked]
            if free and claims.allows(app, free[0]):
                intent = record_spawn(app, free[0].id, owner)
                app.notices.extend(claims.notes.get(free[0].id, ()))
                return free[0], intent
    return None


def acquire(app: App, task: Task | None, *, agent: str | None = None, fresh: bool = False) -> Task:
    """Return a task that can be worked on, after claiming it if it is OPEN.

    task: a task that is OPEN or live; None claims the next task of the queue.
    agent: the name of the agent that will work on it.
    fresh: make a new attempt that starts from the base.
    Raises AgentError: exit 6 for an empty queue, exit 3 for a task whose state allows no work or whose worktree is
    gone, exit 5 for a superseded speaker.
    """
    if task is not None:
        require_current(app, task)
        _refuse(task)
    if task is None or task.state is State.OPEN:
        return claim(app, task, agent=agent, fresh=fresh)
    if fresh:
        return reassign(app, task, agent=agent, fresh=True)
    if task.worktree is None or not os.path.isdir(task.worktree):
        raise no_worktree_error(task)
    return task


def _refuse(task: Task) -> None:
    if task.state not in (State.OPEN, State.ASSIGNED, State.WORKING):
        hint = steps_towards(task, State.WORKING)
        if task.state is State.FAILED:
            hint += f", then git agent run {task.id}"
        raise refused("wrong-state", f"cannot run {task.label}: it is {task.state}", hint)
