"""Compute the result of a merge without touching any checkout or branch."""

from __future__ import annotations

import shlex

from git_agent.actions.lookup import require_work
from git_agent.actions.merging.conditions import Conditions
from git_agent.actions.worktrees import find_committed_context
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git import history
from git_agent.git.merging import trailers
from git_agent.git.merging.fork import own_work
from git_agent.git.merging.landed import sides
from git_agent.git.merging.merge import Clean, commit_merge, merge_message, try_merge
from git_agent.git.merging.rebase import Conflict, rebase
from git_agent.git.pathspecs import changed_paths
from git_agent.record import Record

_PARENTS = 100  # merged tasks that are searched, and commits that are counted


class Candidate(Record):
    """A commit that the base may move to. oid: the commit; base_oid: where the base is; tip: where the branch is."""

    oid: str
    base_oid: str
    tip: str
    strategy: str


def candidate(app: App, task: Task, strategy: str, base_oid: str, tip: str, asks: Conditions) -> Candidate | Conflict:
    """Make the commit of a merge, squash, rebase or fast-forward of a task's branch.

    strategy: merge, squash, rebase or ff
    base_oid, tip: full oids of base and branch
    asks: what the user's hooks and configuration ask of it
    Returns the candidate, or the paths that conflict.
    Raises AgentError (exit 3) when a fast-forward is requested but the base has moved, when a rebase would not give the
    tree that was approved, when commits would come back that the base dropped, when the branch is not signed, when a
    hook refuses, or when the result contains the context file.
    """
    asks.require_signed(task, tip)
    ends = sides(app.repo, base_oid, tip, task.base_oid)
    if ends.empty:
        require_work(app, task, base_oid, tip)
    if strategy in ("merge", "ff") and ends.fork is not None:
        _refuse_dropped(app, task, base_oid, ends.fork)
    if strategy == "ff":
        if not app.repo.is_ancestor(base_oid, tip):
            raise refused(
                "not-fast-forward",
                f"cannot fast-forward '{task.base}' to {task.label}: the base has moved",
                f"git agent merge {task.id} --strategy rebase",
            )
        _refuse_context(app, task, tip)
        return Candidate(tip, base_oid, tip, strategy)
    tried = _tried(app, task, ends.base, ends.tip)
    if isinstance(tried, Conflict):
        return tried
    _refuse_context(app, task, tried.tree)
    if strategy == "rebase":
        return Candidate(_rebased(app, task, base_oid, tip, ends.fork, tried.tree), base_oid, tip, strategy)
    asks.run_hook(task, base_oid, tried.tree)
    parents = (base_oid, tip) if strategy == "merge" else (base_oid,)
    where = asks.settings.checkout
    says = _message(app, task, tip, where) if strategy == "merge" else _squashed(app, task, base_oid, tip)
    message = trailers.add_trailers(app.repo, says, _trailers(task))
    oid = commit_merge(app.repo, tried.tree, parents, message, asks.settings, source=strategy)
    return Candidate(oid, base_oid, tip, strategy)


def _tried(app: App, task: Task, base_oid: str, tip: str) -> Clean | Conflict:
    try:
        return try_merge(app.repo, base_oid, tip)
    except AgentError as error:
        if error.code == "unrelated-histories" and task.worktree:
            place, base = shlex.quote(task.worktree), shlex.quote(task.base)
            error.hint = f"git -C {place} rebase --root --onto {base}, then git agent done {task.id}"
        raise


def _rebased(app: App, task: Task, base_oid: str, tip: str, fork: str | None, tree: str) -> str:
    """Rebase the branch; the result must have the tree that merging gives, which is what was approved.

    A rebase leaves out what a merge commit changed, and commits whose change the base once had.
    """
    made = rebase(app.repo, base_oid, tip, fork)
    if isinstance(made, Conflict):
        says, paths = "its commits conflict one by one, although the whole merges cleanly", made.paths
    elif found := changed_paths(app.repo, made, tree):
        says, paths = "a rebase would drop some of its changes", tuple(sorted(found))
    else:
        return made
    hint = f"git agent merge {task.id} --strategy squash, or --strategy merge"
    raise refused("rebase-differs", f"cannot merge {task.label}: {says}", hint, paths)


def _refuse_dropped(app: App, task: Task, base_oid: str, fork: str) -> None:
    """Refuse to bring back commits that the base dropped when it was rewritten.

    The commits of a parent that was squashed may come: the base has their changes.
    """
    heads = [t.head_oid for t in app.store.tasks.merged_lately(task.base, _PARENTS) if t.head_oid]
    parents = history.present(app.repo.git, heads)
    dropped = history.commits(app.repo.git, base_oid, fork, _PARENTS, sorted(parents))
    if dropped:
        number = "a commit" if len(dropped) == 1 else f"{len(dropped)} commits"
        says = f"cannot merge {task.label}: its branch builds on {number} that '{task.base}' no longer has"
        hint = f"git agent merge {task.id} --strategy squash, or --strategy rebase"
        raise refused("base-rewritten", says, hint, tuple(f"{c.oid[:12]} {c.subject}" for c in dropped[:20]))


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
    subjects = [f"* {c.subject}" for c in reversed(own_work(app.repo, base_oid, tip, task.base_oid))]
    return "\n\n".join([task.title, "\n".join(subjects)]) + "\n"


def _trailers(task: Task) -> list[tuple[str, str]]:
    reviewed = [("Reviewed-by", task.reviewer)] if task.reviewer else []
    return [("Agent-Task", str(task.id)), *reviewed]
