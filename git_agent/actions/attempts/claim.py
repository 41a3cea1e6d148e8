"""Claim the next task of the queue, or acquire the task that a supervisor will work on."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import islice

from git_agent.actions.attempts.prepare import PlaceWish, prepare
from git_agent.actions.attempts.reassign import reassign
from git_agent.actions.attempts.reserve import reserve, reserve_open, reserve_ready
from git_agent.actions.attempts.startable import find_unstartable, note_failure
from git_agent.actions.liveness.judge import record_clocks
from git_agent.actions.liveness.reap import reap
from git_agent.actions.path_claims.overlaps import ClaimConflicts, claim_conflicts
from git_agent.actions.recovery.journal import rollback_on_error
from git_agent.actions.transition import require_current, run_again
from git_agent.app import App
from git_agent.domain.advice import steps_towards
from git_agent.domain.gates import no_worktree_error
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError, Exit, refused
from git_agent.proc import processes

_LOOK_AGAIN_S = 5.0  # a task whose not_before passes changes nothing in the store, so poll as well
_STARTS = 5  # tasks that may fail to start, one after the other, before it is likely that every task fails
_NOTHING = "nothing-ready"
_PASSING = frozenset({"blocked", "paths-claimed", "claimed-meanwhile", "under-way"})  # errors that time may end
_TRIES = 3  # passes through the queue while others claim what is found
_FEW = 8  # tasks that are judged together; other workers may claim some of them first


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

    task: the task to claim; None for the first one that is ready and can be started.
    wait: wait until the task, or any one, is ready.
    timeout_s: the longest wait in seconds; None waits forever.
    agent: the agent that will work on the task.
    fresh: start from the base instead of from where the previous attempt ended.
    With agent.pathClaims=refuse, a task is not ready while a live task claims some of its paths.
    Raises AgentError: exit 6 when there is nothing to claim or the wait is over, exit 3 for a task that is not ready.
    """
    waits = _Wait(app, timeout_s if wait else 0.0)
    if task is None:
        taken = _claim_next(app, waits, agent, fresh)
    else:
        with rollback_on_error(app):
            taken = _start(app, *_reserve_given(app, task, waits, wait), agent, fresh)
    reading = app.clock()
    record_clocks(
        app, reading, app.store.stale.glance(reading.machine).clocks
    )  # from now on, suspension of the host can be detected
    return taken


def _start(app: App, task: Task, intent: int, agent: str | None, fresh: bool) -> Task:
    place = reserve(app, task, intent, fresh=fresh)
    agent = agent or task.agent or app.config.text("agent.defaultAgent") or None
    lease_s = app.config.seconds("agent.lease")
    return prepare(app, PlaceWish(task, place, Step.CLAIM, intent, lease_s=lease_s, agent=agent))


class _Wait:
    """Waits for changes of the queue. timeout_s: the longest time in seconds; None for no limit."""

    def __init__(self, app: App, timeout_s: float | None) -> None:
        self._app = app
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._seen: int | None = app.store.wait_for_change(0)
        self._said: str | None = None

    def is_over(self, reason: AgentError | None = None) -> bool:
        """Wait until something may have changed; return True when the time is up. reason: why it waits."""
        left = _LOOK_AGAIN_S if self._deadline is None else min(_LOOK_AGAIN_S, self._deadline - time.monotonic())
        if left <= 0:
            return True
        if reason is not None and reason.code != self._said:
            self._said = reason.code
            self._app.progress(f"waiting: {reason.message}")
        self._seen = self._app.store.wait_for_change(left, self._seen)
        self._app.sighted = None  # branches may have moved meanwhile
        for line in reap(self._app):
            self._app.notice(line)
        return False


def _reserve_given(app: App, task: Task, waits: _Wait, wait: bool) -> tuple[Task, int]:
    while True:
        try:
            return reserve_open(app, app.store.tasks.get(task.id))
        except AgentError as error:
            if not wait or error.code not in _PASSING:
                raise
            if waits.is_over(error):
                error.exit = Exit.BUSY  # the time is up; without a limit it would have waited on
                raise


def _claim_next(app: App, waits: _Wait, agent: str | None, fresh: bool) -> Task:
    """Claim the first task that can be started. Those that can't are recorded, and a person is notified."""
    failed, says = list[AgentError](), list[str]()
    while len(failed) < _STARTS:
        task: Task | None = None
        try:
            with rollback_on_error(app):
                task, intent = _reserve_next(app, waits)
                taken = _start(app, task, intent, agent, fresh)
            app.notices.extend(says)
            return taken
        except AgentError as error:
            if task is None:
                raise failed[0] if failed and error.code == _NOTHING else error from None
            if not note_failure(app, task, error):
                raise
            failed.append(error)
            says.append(f"{task.label} could not be started: {error.message}; git agent spawn {task.id} tries again")
    raise failed[0]


def _reserve_next(app: App, waits: _Wait) -> tuple[Task, int]:
    while (got := _try_next(app)) is None:
        if waits.is_over():
            raise AgentError(_NOTHING, "there is nothing to claim", "git agent ready --why", exit=Exit.BUSY)
    return got


def _try_next(app: App) -> tuple[Task, int] | None:
    limit, owner = app.config.number("agent.maxAttempts"), processes.myself()
    for _ in range(_TRIES):
        queue, lost = app.store.queue.ready(limit), False
        while few := list(islice(queue, _FEW)):
            claims = claim_conflicts(app, few)
            stuck = find_unstartable(app, few).keys() | claims.blocked.keys()
            free = [task for task in few if task.id not in stuck]
            if (got := _reserve_first(app, free, claims, owner, limit)) is not None:
                return got
            lost = lost or bool(free)
        if not lost:
            return None
    return None


def _reserve_first(
    app: App, free: Sequence[Task], claims: ClaimConflicts, owner: ProcessId, limit: int
) -> tuple[Task, int] | None:
    """Reserve the first of these tasks that nobody else has claimed since they were read, or return None."""
    if not free:
        return None
    with app.store.transaction():
        got = reserve_ready(app, claims.allowed(app, free), owner, limit)
    if got is not None:
        app.notices.extend(claims.notes.get(got[0].id, ()))
    return got


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
        _refuse(app, task)
    if task is None or task.state is State.OPEN:
        return claim(app, task, agent=agent, fresh=fresh)
    if fresh:
        return reassign(app, task, agent=agent, fresh=True)
    if task.worktree is None or not os.path.isdir(task.worktree):
        raise no_worktree_error(task)
    return task


def _refuse(app: App, task: Task) -> None:
    if task.state not in (State.OPEN, State.ASSIGNED, State.WORKING):
        hint = steps_towards(task, State.WORKING)
        if task.state is State.FAILED:
            hint += f", then {run_again(app, task)}"
        raise refused("wrong-state", f"cannot run {task.label}: it is {task.state}", hint)
