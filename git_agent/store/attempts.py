"""Attempts: which branch and worktree each try at a task has, and so which worktree names which worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from git_agent.store.engine import NOW_MS
from git_agent.store.schema import AttemptRow, dicts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. admin: the worktree's name under `worktrees/`; start_oid: where the branch began;
    adopted: the branch was there before and is never deleted; removed: worktree and branch were taken away.
    """

    task: int
    number: int
    epoch: int
    branch: str
    worktree: str | None
    admin: str | None
    start_oid: str
    adopted: int
    removed: int
    started_at: int


def add(task: int, number: int, epoch: int, branch: str, start_oid: str, *, adopted: bool) -> None:
    """Record a new attempt, before its worktree is made; one taken back before is replaced."""
    delete(task, number)
    AttemptRow.insert(
        task=task,
        number=number,
        epoch=epoch,
        branch=branch,
        start_oid=start_oid,
        adopted=int(adopted),
        removed=0,
        started_at=NOW_MS,
    ).execute()


def place(task: int, number: int, worktree: str, admin: str) -> None:
    """Record where the attempt's worktree is."""
    where = (AttemptRow.task == task) & (AttemptRow.number == number)
    AttemptRow.update(worktree=worktree, admin=admin).where(where).execute()


def remove(task: int, number: int) -> None:
    """Record that the attempt's worktree and branch were taken away."""
    where = (AttemptRow.task == task) & (AttemptRow.number == number)
    AttemptRow.update(worktree=None, admin=None, removed=1).where(where).execute()


def delete(task: int, number: int) -> None:
    """Take back an attempt."""
    AttemptRow.delete().where((AttemptRow.task == task) & (AttemptRow.number == number)).execute()


def find(task: int, number: int) -> Attempt | None:
    """Find an attempt by its number."""
    return _first((AttemptRow.task == task) & (AttemptRow.number == number))


def by_admin(admin: str) -> Attempt | None:
    """Find the attempt whose worktree has this name under `worktrees/`."""
    return _first(AttemptRow.admin == admin)


def by_branch(branch: str) -> Attempt | None:
    """Find the newest attempt with this branch."""
    return _first(AttemptRow.branch == branch)


def present(task: int) -> list[Attempt]:
    """List a task's attempts that were not removed, the first one first."""
    where = (AttemptRow.task == task) & (AttemptRow.removed == 0)
    rows = dicts(AttemptRow.select().where(where).order_by(AttemptRow.number))
    return [Attempt(**row) for row in rows]


def _first(where: Any) -> Attempt | None:
    rows = dicts(AttemptRow.select().where(where).order_by(AttemptRow.started_at.desc()).limit(1))
    return next((Attempt(**row) for row in rows), None)
