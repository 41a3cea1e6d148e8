"""The worktrees of all tasks: where they go, their locks, and their context files, which never land."""

from __future__ import annotations

import contextlib
import os

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git.worktrees import registry


def worktree_root(app: App) -> str:
    """Return the absolute path of the directory that holds the tasks' worktrees; it may not exist yet."""
    repo = app.repo
    where = repo.main_worktree or _home_of_bare(repo.common_dir)
    given = app.config.text("agent.worktreeDir")
    chosen = os.path.expanduser(given) if given else f"../{os.path.basename(where).removesuffix('.git')}.worktrees"
    return os.path.normpath(os.path.join(where, chosen))


def _home_of_bare(common_dir: str) -> str:
    """Return the directory that contains a hidden bare repository (`project/.bare`), which stands for the project."""
    hidden = os.path.basename(common_dir).startswith(".")
    return os.path.dirname(common_dir) if hidden else common_dir


def unlock_worktrees(app: App, task: Task) -> None:
    """Unlock the worktrees of a finished task; leave one that is missing or that somebody else has locked."""
    ours = registry.LOCK_REASON.format(task=task.id)
    for attempt in app.store.attempts.present(task.id):
        there = registry.registration_at(app.repo, attempt.worktree) if attempt.worktree is not None else None
        if attempt.worktree is not None and there is not None and there.locked == ours:
            with contextlib.suppress(OSError):
                registry.unlock_worktree(app.repo, attempt.worktree)


def find_committed_context(app: App, task: Task, rev: str) -> tuple[str | None, AgentError | None]:
    """Look for the context file in the work that a task hands in or would land.

    rev: a branch's full ref, or the oid of a commit or tree
    Returns the oid of rev, None if there is no such object, and the error (exit 3) if it contains the file.
    Costs one git process, and one more when the file is there.
    """
    # Loaded only here: few commands need it, but every command needs the rest of this module.
    from git_agent import context
    from git_agent.git.worktrees import ignored

    oid, there = ignored.holds(app.repo, rev, context.FILE)
    if not there:
        return oid, None
    says = f"{task.label} would bring {context.FILE}, its worktree's own file, into '{task.base}'"
    takes_out = f"git rm --cached {context.FILE}, then git commit --message 'Remove it'"
    if ignored.holds(app.repo, f"refs/heads/{task.branch}", context.FILE)[1]:
        hint = f"in {task.worktree}: {takes_out} (or --amend), then git agent done"
    else:
        hint = f"'{task.base}' has it; there: {takes_out}, then try again"
    return oid, refused("context-tracked", says, hint)
