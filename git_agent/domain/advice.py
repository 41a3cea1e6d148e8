"""Advice: which command to type next. Status, show, prime, notifications and errors all ask here. Pure.

Every function returns commands as a person can paste them; several are joined by `; ` or by words.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from git_agent.domain.task import MOVES, State, Step, Task

_FORWARD: dict[State, str] = {
    State.OPEN: "spawn",
    State.ASSIGNED: "start",
    State.WORKING: "done",
    State.IN_REVIEW: "approve",
    State.APPROVED: "merge",
}
"""The verb that moves a task forward from each state, in the order of the states."""

_REVIVING = {State.FAILED: "retry", State.CANCELLED: "reopen", State.COMPLETED: "reopen"}
_MOST_STEPS = 2  # a hint that names more is not read


def steps_towards(task: Task, goal: State) -> str:
    """Return the commands that bring a task from its state to another one, at most the first two of them.

    goal: the state to reach: OPEN, or one of the states that lead to a merge
    """
    if task.state in _REVIVING:
        return f"git agent {_REVIVING[task.state]} {task.id}"
    path = list(_FORWARD)
    verbs = [_FORWARD[state] for state in path[path.index(task.state) : path.index(goal)]]
    if verbs:
        return ", then ".join(f"git agent {verb} {task.id}" for verb in verbs[:_MOST_STEPS])
    if goal is State.OPEN and task.live:
        return f"git agent reassign {task.id}"
    if task.state in (State.IN_REVIEW, State.APPROVED):
        back = "" if task.state is State.APPROVED else f"; to withdraw it from review: git agent start {task.id}"
        return f"git agent request-changes {task.id} -m TEXT{back}"
    return f"git agent show {task.id}"


def instead_of(step: Step, task: Task) -> str:
    """Return what to type when a step is impossible in the task's state.

    step: the step that was refused
    """
    if step is Step.ANSWER:
        return f"git agent send {task.id} TEXT"
    goals = [state for state in _FORWARD if any(m.step is step and state in m.sources for m in MOVES)]
    if step in (Step.RETRY, Step.REOPEN) or not goals:
        return f"git agent show {task.id}"
    return steps_towards(task, goals[0])


def revival(task: int, state: State) -> str | None:
    """Return the command that revives a task on which others wait in vain; None if it may still be completed."""
    return f"git agent {_REVIVING[state]} {task}" if state in (State.FAILED, State.CANCELLED) else None


def without_worktree(task: int, state: State) -> tuple[str, str]:
    """Return the command for a task whose worktree is gone, and what the command does, to follow it in a sentence.

    Work that was handed in needs no worktree.
    """
    if state is State.APPROVED:
        return f"git agent merge {task}", " merges it without one"
    if state is State.IN_REVIEW:
        return f"git agent approve {task}", f", then git agent merge {task}"
    return f"git agent reassign {task}", " creates a new one"


def approval(task: Task) -> str:
    """Return the command that approves a task at the commit at which it was handed in or last seen."""
    at = f" --at {task.head_oid[:12]}" if task.head_oid else ""
    return f"git agent approve {task.id}{at}"


def command_to_run(task: int, *, has_agent: bool) -> str:
    """Return the command that runs a task's agent again.

    has_agent: its agent, or the default one, has a command; otherwise a command must be typed
    """
    return f"git agent run {task}{'' if has_agent else ' -- COMMAND'}"


def another_worktree(task: Task) -> str:
    """Return the command that creates a worktree for a task that has none."""
    return f"git agent reassign {task.id}" if task.live else steps_towards(task, State.ASSIGNED)


def bring_back(worktree: str | None, oid: str) -> str:
    """Return the command that brings a commit back to the branch of a worktree."""
    return f"git -C {shlex.quote(worktree or '')} merge {oid[:12]}"


def rebase_words(task: Task, fork: str | None) -> str:
    """Return git's words that rebase a branch onto its base: `rebase main`.

    fork: the fork point, a full oid, if the base does not contain it; then only what comes after it is rebased
    """
    onto = "" if fork is None else "--onto "
    return f"rebase {onto}{shlex.quote(task.base)}{'' if fork is None else f' {fork[:12]}'}"


def after_conflict(task: Task, fork: str | None) -> str:
    """Return what the worker must do when its branch conflicts with the base. fork: as for rebase_words."""
    merge = " (or merge it)" if fork is None else ""
    return f"in {task.worktree}: git {rebase_words(task, fork)}{merge}, then git agent done"


def after_check(task: Task) -> str:
    """Return what the worker must do when the check fails on the merged result."""
    return f"fix it in {task.worktree}, then git agent done"


def base_gone(task: Task) -> tuple[str, str]:
    """Return what to say of a task whose base branch does not exist, and the command that helps."""
    return f"its base '{task.base}' is gone", f"git agent edit {task.id} --base BRANCH"


def waiting_for(parents: Mapping[int, State]) -> str:
    """Say which tasks a task waits for, and the command without which it waits for ever.

    parents: the tasks that it waits for and that are not COMPLETED, with their states
    """
    return "waits for " + ", ".join(f"task {parent} ({_prospect(parent, state)})" for parent, state in parents.items())


def _prospect(task: int, state: State) -> str:
    if state is State.COMPLETED:
        return f"its merge was reverted or lost; git agent reopen {task}"
    command = revival(task, state)
    return str(state) if command is None else f"{state}: never completes unless {command}"
