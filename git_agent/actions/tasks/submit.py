"""Hand a task in for review."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable

from git_agent.actions.messages.inbox import acknowledge_answered
from git_agent.actions.path_claims.outside import check_outside
from git_agent.actions.reconcile.reconcile import sync
from git_agent.actions.transition import Transition, require_current, transition
from git_agent.actions.worktrees import find_committed_context, may_have_submodules, note_submodules
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.gates import base_gone_error, no_branch_error, no_worktree_error
from git_agent.domain.message import Draft
from git_agent.domain.speaker import HUMAN
from git_agent.domain.task import Hold, State, Step, Task
from git_agent.errors import AgentError, Exit, refused
from git_agent.git import refs, rescues
from git_agent.git.merging import fork
from git_agent.git.merging.landed import landed
from git_agent.git.merging.merge import Clean
from git_agent.git.merging.unland import put_back
from git_agent.git.pathspecs import changed_paths
from git_agent.git.run import GitError
from git_agent.git.signing import signer_error
from git_agent.git.submodules import stale_checkouts
from git_agent.git.worktree_state import UNREADABLE, StatusEntry, end_of
from git_agent.git.worktrees import registry


def done(
    app: App,
    task: Task,
    note: str | None = None,
    *,
    rebase: bool = False,
    allow_empty: bool = False,
    check: Callable[[Task], None] = lambda task: None,
) -> Transition:
    """Hand a task in for review, which makes it IN_REVIEW.

    note: a message to the reviewer.
    rebase: rebase the branch onto the base first.
    allow_empty: accept a branch that has no commit over the base.
    check: called with a task that has something to hand in; raises AgentError to refuse that.
    Raises AgentError: exit 3 for a dirty worktree, no commits, a committed context file, an open question, or changes
    to paths that are claimed by others (agent.pathClaims=refuse); exit 4 when the rebase conflicts.
    """
    require_current(app, task)
    text = None if note is None else names.check_message(note, app.config.number("agent.maxMessage"))
    if task.state in (State.ASSIGNED, State.WORKING):
        _check_worktree(app, task)
        if rebase:
            _rebase(app, task)
            sync(app)
        task = app.store.tasks.get(task.id)
        _check_work(app, task, allow_empty)
        check(task)
        check_outside(app, task)
        _warn_of_submodules(app, task)
    if task.state is State.ASSIGNED:
        task = transition(app, task, Step.START).task
    tip = app.repo.branch_oid(task.branch or "") or task.head_oid
    if tip is not None:
        rescues.keep_handed_in(app.repo, task.id, tip)
    told = _note(task, text) if text else ()
    handed = transition(
        app,
        task,
        Step.DONE,
        seen=task,
        drafts=told,
        data={"note": text, "tip": tip},
        head_oid=tip,
        reason=None,
    )
    acknowledge_answered(app, handed.task)
    return handed


def _note(task: Task, text: str) -> tuple[Draft, ...]:
    """Draft the worker's note to the reviewer. Without one nothing is sent: status shows what waits for review."""
    return (Draft(HUMAN, f"{task.label} is ready for review: {task.title}\n\n{text}", task.id, until=State.IN_REVIEW),)


def _check_worktree(app: App, task: Task) -> None:
    if task.hold is Hold.NEEDS_INPUT:
        raise refused(
            "needs-input",
            f"{task.label} waits for an answer",
            f"git agent answer {task.id} TEXT; to continue without it: git agent start {task.id}",
        )
    if task.worktree is None:
        raise no_worktree_error(task)
    _check_branch(app, task, task.worktree)
    changes = app.repo.status(task.worktree)
    if closed := [c.path for c in changes if c.code == UNREADABLE]:
        says = f"git can't read {', '.join(closed[:5])} in the worktree of {task.label}"
        raise refused("unreadable", says, f"chmod u+rwx {shlex.quote(closed[0])}, or name it in .gitignore")
    if changes:
        raise refused(
            "dirty",
            f"the worktree of {task.label} has uncommitted or untracked files ({len(changes)})",
            f"{_clean_up(app, task.worktree, changes)}, then git agent done",
            details=tuple(f"{c.code} {c.path}" for c in changes[:20]),
        )


def _clean_up(app: App, path: str, changes: list[StatusEntry]) -> str:
    """Return what to do about changes. Committing a stale checkout of a submodule would revert somebody's update."""
    stale = stale_checkouts(app.repo, path) if may_have_submodules([path]) else []
    if not stale:
        return "commit or ignore them"
    names = " ".join(map(shlex.quote, stale))
    others = ", commit or ignore the other files" if {c.path for c in changes} - set(stale) else ""
    return f"git -C {shlex.quote(path)} submodule update -- {names}{others}"


def _check_branch(app: App, task: Task, path: str) -> None:
    seen = registry.registration_at(app.repo, path) if os.path.lexists(path) else None
    if seen is None:
        raise no_worktree_error(task)
    busy = app.repo.in_progress(path)
    if busy is not None:
        raise refused("in-progress", f"a {busy} is in progress in {path}", f"finish it: git {end_of(busy, go_on=True)}")
    tip, carried = find_committed_context(app, task, f"refs/heads/{task.branch}")
    if tip is None:
        raise no_branch_error(task)
    if seen.branch != task.branch:
        says = f"{path} is on {seen.branch or 'a detached HEAD'}, not on '{task.branch}'"
        raise refused(
            "wrong-branch",
            says,
            f"git -C {shlex.quote(path)} switch {shlex.quote(task.branch or '')}, and move the work there",
        )
    if carried is not None:
        raise carried


def _check_work(app: App, task: Task, allow_empty: bool) -> None:
    base, tip = app.repo.branch_oid(task.base), f"refs/heads/{task.branch}"
    if base is None:
        raise base_gone_error(task)
    if not allow_empty and not fork.own_work(app.repo, base, tip, task.base_oid, limit=1):
        raise refused(
            "no-commits-over-base",
            f"{task.label} has no commit over '{task.base}'",
            "commit your work first, or git agent done --allow-empty",
        )


def _warn_of_submodules(app: App, task: Task) -> None:
    if task.worktree is None or not may_have_submodules([task.worktree]):
        return
    base, tip = app.repo.branch_oid(task.base), app.repo.branch_oid(task.branch or "")
    if base and tip and (start := fork.find_start(app.repo, base, tip, task.base_oid).oid):
        note_submodules(app, task, start, tip)


def _rebase(app: App, task: Task) -> None:
    """Rebase the branch onto its base. The result must have the tree that merging would give."""
    assert task.worktree is not None
    base, tip = app.repo.branch_oid(task.base), app.repo.branch_oid(task.branch or "")
    if base is None:
        raise base_gone_error(task)
    if tip is None:
        raise no_branch_error(task)
    kept = None if app.repo.is_ancestor(base, tip) else refs.keep_rescue(app.repo, task.id, tip, refs.REWRITTEN)
    upstream = fork.find_start(app.repo, base, tip, task.base_oid).lost or base
    try:
        app.repo.git_in(task.worktree, "rebase", "--quiet", "--no-update-refs", "--onto", base, upstream)
    except GitError as error:
        raise _given_up(app, task, base, tip, error) from error
    made = app.repo.branch_oid(task.branch or "") or tip
    if made != tip:
        _require_same(app, task, base, tip, made, kept)


def _require_same(app: App, task: Task, base: str, tip: str, made: str, kept: str | None) -> None:
    """Take a rebase back that dropped something, such as what a merge commit changed.

    tip, made: where the branch was, and where the rebase put it, full oids
    kept: the ref that keeps tip; None for none
    """
    merged = landed(app.repo, base, tip, task.base_oid)
    dropped = changed_paths(app.repo, made, merged.tree) if isinstance(merged, Clean) else ()
    if not dropped:
        if kept is None:
            refs.keep_rescue(app.repo, task.id, tip, refs.REWRITTEN)
        return
    app.repo.git_in(task.worktree or "", "reset", "--quiet", "--keep", tip)
    says = f"a rebase of {task.label} onto '{task.base}' would drop some of its changes; it was rolled back"
    hint = f"git -C {shlex.quote(task.worktree or '')} merge {shlex.quote(task.base)}, then git agent done"
    raise refused("rebase-differs", says, hint, tuple(sorted(dropped)))


def _given_up(app: App, task: Task, base: str, tip: str, error: GitError) -> AgentError:
    assert task.worktree is not None
    clashing = tuple(c.path for c in app.repo.status(task.worktree) if "U" in c.code or c.code in ("AA", "DD"))
    if app.repo.in_progress(task.worktree) == "rebase":
        app.repo.git_in(task.worktree, "rebase", "--abort")
    if not clashing:  # perhaps the base was checked out only in part, which --abort does not notice (measured)
        unsigned, left = signer_error(app.repo.git, error), put_back(app.repo, task.worktree, tip, base, error)
        return unsigned if unsigned and left is error else left
    return AgentError(
        "conflict",
        f"{task.label} conflicts with '{task.base}'; the rebase was rolled back",
        f"git -C {shlex.quote(task.worktree)} rebase {shlex.quote(task.base)}, resolve, then git agent done",
        exit=Exit.CONFLICT,
        details=clashing,
    )
