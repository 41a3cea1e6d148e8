"""Detect a context file that was committed: once merged, it would stand in every new worktree."""

from __future__ import annotations

from git_agent import context
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git.worktrees import ignored


def find_committed_context(app: App, task: Task, rev: str) -> tuple[str | None, AgentError | None]:
    """Look for the context file in what a task hands in or would land.

    rev: a branch's full ref, or the oid of a commit or tree. Returns its oid, None where there is no such thing, and
    the error (exit 3) of one that has the file. Costs one git process, one more when the file is there.
    """
    oid, there = ignored.holds(app.repo, rev, context.FILE)
    if not there:
        return oid, None
    says = f"{task.label} would carry {context.FILE}, its worktree's own file, into '{task.base}'"
    takes_out = f"git rm --cached {context.FILE}, then git commit --message 'Take it out'"
    if ignored.holds(app.repo, f"refs/heads/{task.branch}", context.FILE)[1]:
        hint = f"in {task.worktree}: {takes_out} (or --amend), then git agent done"
    else:
        hint = f"'{task.base}' has it; there: {takes_out}, and try again"
    return oid, refused("context-tracked", says, hint)
