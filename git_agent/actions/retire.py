"""Remove the worktrees and branches of a task that needs them no more; tips are kept under the rescue refs first."""

from __future__ import annotations

import os
from dataclasses import dataclass

from git_agent.actions.obstacles import obstacles
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git import refs, worktrees
from git_agent.git.run import git
from git_agent.git.snapshot import snapshot
from git_agent.proc import processes
from git_agent.store import attempts, events, intents, tasks
from git_agent.store.attempts import Attempt


@dataclass(frozen=True, slots=True)
class Retired:
    """What went, what stayed and why, and the refs under which the commits are kept."""

    worktrees: tuple[str, ...]
    branches: tuple[str, ...]
    kept: tuple[str, ...]
    rescued: tuple[str, ...]


def retire(
    app: App,
    task: Task,
    *,
    strict: bool = True,
    force: bool = False,
    unmerged: bool = False,
    dry_run: bool = False,
) -> Retired:
    """Remove every attempt's worktree and branch.

    strict: refuse as a whole when something stands in the way, else leave that attempt and say so; force: also with
    uncommitted or untracked files (kept as a commit); unmerged: also branches whose work is not in the base; dry_run:
    only look. Raises AgentError (exit 3) with the list.
    """
    present = attempts.present(task.id)
    found = {a.number: obstacles(app, task, a, force=force, unmerged=unmerged) for a in present}
    lines = tuple(line for number in found for line in found[number])
    if strict and lines:
        raise _refusal(task, lines)
    going = [a for a in present if not found[a.number]]
    if not going or dry_run:
        return _plan(app, going, lines)
    owner = processes.myself()
    with app.store.transaction():
        intent = intents.write("remove", task.id, owner, {"attempts": [a.number for a in going]})
    rescued: list[str] = []
    try:
        for attempt in going:
            _remove(app, task, attempt, force, rescued)
    finally:
        _record(app, task, going, rescued, intent)
    done = _plan(app, going, lines)
    return Retired(done.worktrees, done.branches, lines, tuple(rescued))


def _plan(app: App, going: list[Attempt], kept: tuple[str, ...]) -> Retired:
    return Retired(
        tuple(a.worktree for a in going if a.worktree),
        tuple(a.branch for a in going if not a.adopted),
        kept,
        (),
    )


def _remove(app: App, task: Task, attempt: Attempt, force: bool, rescued: list[str]) -> None:
    branch = app.repo.branch_oid(attempt.branch)
    if branch is not None and branch != attempt.start_oid:
        rescued.append(refs.keep(app.repo, task.id, branch))
    if attempt.worktree is not None:
        _keep_worktree(app, task, attempt.worktree, branch, force, rescued)
        worktrees.remove(app.repo, attempt.worktree, task=task.id, force=force)
    if branch is not None and not attempt.adopted:
        _delete_branch(app, attempt.branch, branch)


def _keep_worktree(app: App, task: Task, path: str, branch: str | None, force: bool, rescued: list[str]) -> None:
    """A worktree may be on a detached HEAD or another branch; its commit is kept, too."""
    if not os.path.isdir(path):
        return
    head = git("rev-parse", "--verify", "--quiet", "HEAD", cwd=path, ok=(0, 1)).text
    if head and head != branch:
        rescued.append(refs.keep(app.repo, task.id, head))
    kept = snapshot(app.repo, path, f"Uncommitted work of task {task.id}\n") if force else None
    if kept is not None:
        rescued.append(refs.keep(app.repo, task.id, kept))


def _delete_branch(app: App, name: str, oid: str) -> None:
    """A branch that a person checked out meanwhile stays: deleting it would leave that worktree unborn."""
    head = app.repo.heads().get(name)
    if head is not None and head.worktree is None:
        refs.delete(app.repo, f"refs/heads/{name}", oid)


def _is_gone(app: App, attempt: Attempt) -> bool:
    if attempt.worktree is not None and worktrees.observe(app.repo, attempt.worktree).registered:
        return False
    return bool(attempt.adopted) or app.repo.branch_oid(attempt.branch) is None


def _record(app: App, task: Task, going: list[Attempt], rescued: list[str], intent: int) -> None:
    gone = [a for a in going if _is_gone(app, a)]
    actor = app.speaker.actor
    with app.store.transaction():
        for attempt in gone:
            attempts.remove(task.id, attempt.number)
            if attempt.number == task.attempt:
                tasks.put(task.id, worktree=None)
        if gone:
            data = {"attempts": [a.number for a in gone], "rescued": rescued}
            events.append("task.removed", actor, task=task.id, epoch=task.epoch, data=data)
        intents.end(intent)


def _refusal(task: Task, lines: tuple[str, ...]) -> AgentError:
    unmerged = any(line.startswith("unmerged") for line in lines)
    other = any(not line.startswith("unmerged") for line in lines)
    flags = " ".join(flag for flag, wanted in (("--force", other), ("--unmerged", unmerged)) if wanted)
    return refused(
        "would-lose-work",
        f"cannot remove {task.label}: work would be lost",
        f"git agent rm {task.id} {flags} (commits and files are kept under refs/git-agent/rescue/{task.id}/)",
        lines,
    )
