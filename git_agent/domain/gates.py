"""The gates: decide whether a task may be merged, claimed, or handed in by a push. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.domain.advice import another_worktree, base_gone, bring_back, steps_towards, waiting_for
from git_agent.domain.task import Hold, State, Task
from git_agent.errors import AgentError, refused
from git_agent.record import Record

BASE_GONE = "unknown-base"


def landing_error(task: Task, tip: str | None, lapsed: str | None) -> AgentError | None:
    """Return the error that keeps a task from being merged, or None if it may be merged.

    tip: the branch's current oid, None if the branch is gone
    lapsed: the oid of an approval that ended because the branch moved
    """
    approved = task.state is State.APPROVED
    # Moving the branch back to the lapsed approval does not approve it again: the state says who must act.
    if not approved and (tip is None or lapsed in (None, tip)):
        says = f"cannot merge {task.label}: it is {task.state}"
        return refused("not-approved", says, steps_towards(task, State.APPROVED))
    if tip is None:
        return refused(
            "no-branch", f"cannot merge {task.label}: branch '{task.branch}' is gone", f"git agent show {task.id}"
        )
    reviewed = (task.reviewed_oid if approved else lapsed) or ""
    if tip != reviewed:
        return refused(
            "approval-stale",
            f"cannot merge {task.label}: the approval is for {reviewed[:12]}, but the branch is at {tip[:12]}",
            f"git agent diff {task.id}, then git agent approve {task.id}",
        )
    return None


def base_gone_error(task: Task) -> AgentError:
    """Return the error for a task whose base branch does not exist."""
    why, command = base_gone(task)
    return AgentError(BASE_GONE, f"{task.label} can't go on: {why}", hint=command)


def handed_in_gone_error(task: Task, handed: str | None) -> AgentError:
    """Return the error for a branch that has lost what was handed in. handed: that commit, None if it is not known."""
    verb = "merge" if task.state is State.APPROVED else "approve"
    lost = f"the commits that were handed in ({handed[:12]})" if handed else "work of its own"
    hint = bring_back(task.worktree, handed) if handed else f"git agent request-changes {task.id} TEXT"
    return refused("handed-in-gone", f"cannot {verb} {task.label}: its branch no longer has {lost}", hint)


def no_worktree_error(task: Task) -> AgentError:
    """Return the error for a task whose worktree is gone, or that has none."""
    gone = f"the worktree of {task.label} is gone: {task.worktree}"
    says = f"{task.label} has no worktree" if task.worktree is None else gone
    return refused("no-worktree", says, another_worktree(task))


def no_branch_error(task: Task) -> AgentError:
    """Return the error for a task whose branch is gone."""
    return refused("no-branch", f"branch '{task.branch}' of {task.label} is gone", f"git agent show {task.id}")


class Blocked(Record):
    """Why an OPEN task can't be claimed.

    by: the tasks that it waits for; used_up: whether all its attempts are used up
    command: what unblocks it, if a person must act
    """

    task: int
    why: str
    by: tuple[int, ...] = ()
    used_up: bool = False
    command: str = ""

    @property
    def line(self) -> str:
        """Return why, and the command."""
        return f"{self.why}: {self.command}" if self.command else self.why


def blocked(task: Task, parents: Mapping[int, State], now: int, max_attempts: int) -> Blocked | None:
    """Return what keeps an OPEN task from being claimed, or None if it can be claimed.

    parents: the tasks that it waits for and that are not COMPLETED, with their states
    now: ms since the epoch
    max_attempts: agent.maxAttempts
    """
    if parents:
        return Blocked(task.id, waiting_for(parents), tuple(parents))
    if task.not_before is not None and task.not_before > now:
        return Blocked(task.id, f"waits {(task.not_before - now) // 1000 + 1} s before its next attempt")
    if task.attempt >= max_attempts:
        return Blocked(task.id, f"all {max_attempts} attempts are used up (agent.maxAttempts)", used_up=True)
    return None


def hands_in(task: Task, tip: str) -> bool:
    """Return whether a push of this tip hands the task in.

    As with `done`, a task that waits for an answer is not handed in. Neither is the tip at which the last review or
    hold ended.

    tip: full oid of a commit with work of the task's own
    """
    waits = task.hold is Hold.NEEDS_INPUT
    return task.state in (State.ASSIGNED, State.WORKING) and not waits and tip != task.settled_oid
