"""Compute the result of a merge without touching any checkout or branch."""

from __future__ import annotations

import os
from dataclasses import dataclass

from git_agent.actions.worktrees import find_committed_context
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import refused
from git_agent.git.merging import trailers
from git_agent.git.merging.merge import commit_merge, merge_message, try_merge
from git_agent.git.merging.rebase import Conflict, rebase


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit that the base may move to. oid: the commit; base_oid: where the base is; tip: where the branch is."""

    oid: str
    base_oid: str
    tip: str
    strategy: str


def candidate(app: App, task: Task, strategy: str, base_oid: str, tip: str) -> Candidate | Conflict:
    """Make the commit of a merge, squash, rebase or fast-forward of a task's branch.

    strategy: merge, squash, rebase or ff
    base_oid, tip: full oids of base and branch
    Returns the candidate, or the paths that conflict.
    Raises AgentError (exit 3) when a fast-forward is requested but the base has moved, when a hook refuses the message,
    or when the result contains the context file.
    """
    if strategy == "ff":
        if not app.repo.is_ancestor(base_oid, tip):
            raise refused(
                "not-fast-forward",
                f"cannot fast-forward '{task.base}' to {task.label}: the base has moved",
                f"git agent merge {task.id} --strategy rebase",
            )
        _refuse_context(app, task, tip)
        return Candidate(tip, base_oid, tip, strategy)
    if strategy == "rebase":
        rebased = rebase(app.repo, base_oid, tip)
        if isinstance(rebased, Conflict):
            return rebased
        _refuse_context(app, task, rebased)
        return Candidate(rebased, base_oid, tip, strategy)
    tried = try_merge(app.repo, base_oid, tip)
    if isinstance(tried, Conflict):
        return tried
    _refuse_context(app, task, tried.tree)
    parents = (base_oid, tip) if strategy == "merge" else (base_oid,)
    where = _checkout(app, task)
    says = _message(app, task, tip, where) if strategy == "merge" else _squashed(app, task, base_oid, tip)
    message = trailers.add_trailers(app.repo, says, _trailers(task))
    oid = commit_merge(app.repo, tried.tree, parents, message, cwd=where)
    return Candidate(oid, base_oid, tip, strategy)


def _refuse_context(app: App, task: Task, made: str) -> None:
    _, error = find_committed_context(app, task, made)
    if error is not None:
        raise error


def _message(app: App, task: Task, tip: str, where: str | None) -> str:
    title = task.title
    if trailers.is_trailer(title):  # in the last paragraph, git would read it as one
        title = f"{task.label.capitalize()}: {title}"
    return merge_message(app.repo, task.branch or "", task.base, tip, where) + f"\n\n{title}\n"


def _squashed(app: App, task: Task, base_oid: str, tip: str) -> str:
    subjects = [f"* {c.subject}" for c in reversed(app.repo.commits(base_oid, tip))]
    return "\n\n".join([task.title, "\n".join(subjects)]) + "\n"


def _trailers(task: Task) -> list[tuple[str, str]]:
    reviewed = [("Reviewed-by", task.reviewer)] if task.reviewer else []
    return [("Agent-Task", str(task.id)), *reviewed]


def _checkout(app: App, task: Task) -> str | None:
    head = app.repo.head(task.base)
    return head.worktree if head and head.worktree and os.path.isdir(head.worktree) else None
