"""Where an attempt at a task goes: its branch, its worktree, the commit it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.domain import names
from git_agent.domain.task import Task


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """An attempt's place. adopted: the branch was there before and is not ours to delete."""

    number: int
    branch: str
    worktree: str
    start_oid: str
    adopted: bool = False


def plan_attempt(
    task: Task,
    *,
    prefix: str,
    directory: str,
    heads: Mapping[str, str],
    base_oid: str,
    adopt: str | None = None,
    fresh: bool = False,
) -> AttemptPlan:
    """Choose the place of a task's next attempt.

    prefix: of branches; directory: of worktrees; heads: branches and their oids; adopt: an existing branch to take.
    The first attempt starts from the base, a later one from the last commit of the one before, if that is there and it
    is not to start afresh.
    """
    number = task.attempt + 1
    worktree = f"{directory}/{names.directory_for(task.id, task.name, number)}"
    if adopt is not None:
        return AttemptPlan(number, adopt, worktree, heads[adopt], adopted=True)
    start = base_oid if fresh else heads.get(task.branch or "", base_oid)
    return AttemptPlan(number, names.branch_for(prefix, task.id, task.name, number), worktree, start)
