"""The plan of an attempt: its branch, its worktree and the commit that it starts from."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.domain import names
from git_agent.domain.task import Task
from git_agent.record import Record


class AttemptPlan(Record):
    """A planned attempt.

    number: of the attempt, from 1
    branch: without `refs/heads/`
    worktree: absolute path
    start_oid: the commit to start from
    adopted: the branch existed before, so it is never deleted
    """

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
    """Plan a task's next attempt.

    The first attempt starts from the base. A later one starts from the last commit of the attempt before, if that
    branch exists and `fresh` is not set.

    prefix: agent.branchPrefix
    directory: of the worktrees
    heads: branches and their oids
    base_oid: tip of the task's base
    adopt: an existing branch to use
    fresh: start from the base again
    """
    number = task.attempt + 1
    worktree = f"{directory}/{names.directory_for(task.id, task.name, number)}"
    if adopt is not None:
        return AttemptPlan(number, adopt, worktree, heads[adopt], adopted=True)
    start = base_oid if fresh else heads.get(task.branch or "", base_oid)
    return AttemptPlan(number, names.branch_for(prefix, task.id, task.name, number), worktree, start)
