"""Find the changes of a task and the path of its worktree."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from git_agent.actions.tasks.shown import note_shown
from git_agent.actions.worktrees import note_submodules
from git_agent.app import App
from git_agent.domain.task import State, Step, Task, event_kind
from git_agent.errors import AgentError, usage
from git_agent.git.merging.fork import find_start
from git_agent.git.merging.landed import landed
from git_agent.git.merging.merge import Clean
from git_agent.git.run import GitError
from git_agent.record import Record


class Comparison(Record):
    """The two commits that a task's diff compares, and git's words for it.

    base: the commit where the branch left its base; with since_review, the commit that was reviewed.
    tip: the branch's last commit.
    compared: the options, revisions and paths for `git diff`.
    words: a command line that shows the diff in git's own pager.
    env: the whole environment of that command.
    """

    base: str
    tip: str
    compared: tuple[str, ...]
    words: tuple[str, ...]
    env: Mapping[str, str]


_PLAIN = ("diff", "--no-ext-diff", "--no-textconv", "--no-color")  # runs no program of the user's
# Options that leave out most of a diff: who saw only that was not shown the task.
_BRIEF = (
    *("--stat", "--name-", "--shortstat", "--numstat", "--dirstat", "--summary", "--compact-summary", "--raw"),
    *("--no-patch", "-s", "-S", "-G", "--quiet", "--diff-filter", "--check", "--exit-code"),
)


def diff_text(app: App, compared: Comparison) -> str:
    """Return a task's diff as text, for programs. compared: the commits to compare."""
    return app.repo.git(*_PLAIN, *compared.compared).text


def diff(
    app: App, task: Task, options: Sequence[str] = (), paths: Sequence[str] = (), *, since_review: bool = False
) -> Comparison:
    """Find the two commits to compare, and note that the person was shown the task unless much of it is left out.

    task: the task.
    options: options for `git diff`.
    paths: show only these paths.
    since_review: compare with what was last reviewed instead of with the base.
    Raises AgentError: exit 1 when the task has no branch and no recorded commit, or was never reviewed; exit 2 for an
    option that git does not know.
    """
    base, tip = _commits(app, task)
    _check_options(app, options, tip)
    ends = (base, tip)
    if since_review:
        base = _reviewed(app, task)
        ends = _merged(app, task, base, tip)
    elif base == app.forks.get(task.id):
        app.notice(f"'{task.base}' does not contain {base[:12]}, where {task.label} begins; this is what came after it")
    note_submodules(app, task, base, tip)
    if not paths and not any(option.startswith(_BRIEF) for option in options):
        note_shown(app, task, tip)
    compared = (*options, "--end-of-options", *ends, "--", *paths)
    words = ("git", f"--git-dir={app.repo.common_dir}", "diff", *compared)
    return Comparison(base, tip, compared, words, {**app.env, **app.repo.real_objects})


def _check_options(app: App, options: Sequence[str], oid: str) -> None:
    """Let git judge the options on an empty diff: git itself would exit with 129, and the task would count as shown."""
    if not options or tuple(options) == ("--stat",):
        return
    try:
        app.repo.git("diff", *options, "--end-of-options", oid, oid, "--", ok=(0, 1))
    except GitError as error:
        raise usage("bad-diff-option", f"git diff: {error.message}", "git help diff") from error


def _reviewed(app: App, task: Task) -> str:
    """Return the commit that the last approval or request for changes was about."""
    found = [
        app.store.events.latest(event_kind(step), [task.id]).get(task.id)
        for step in (Step.APPROVE, Step.REQUEST_CHANGES)
    ]
    last = max((event for event in found if event is not None), key=lambda event: event.seq, default=None)
    oid = last and (last.data.get("reviewed_oid") or last.data.get("tip"))
    if not oid or app.repo.resolve(str(oid)) is None:
        says = "was not reviewed yet" if last is None else "was reviewed at a commit that is not known any more"
        raise AgentError("not-reviewed", f"{task.label} {says}", f"git agent diff {task.id}")
    return str(oid)


def _merged(app: App, task: Task, reviewed: str, tip: str) -> tuple[str, str]:
    """Return the trees that two commits of a branch give when they are merged; the commits if one can't be merged.

    Compared directly, a branch that was rebased would show what its base changed.
    """
    base = app.repo.branch_oid(task.base)
    if base is None:
        return reviewed, tip
    try:
        before, now = (landed(app.repo, base, oid, task.base_oid) for oid in (reviewed, tip))
    except AgentError:  # unrelated histories
        return reviewed, tip
    return (before.tree, now.tree) if isinstance(before, Clean) and isinstance(now, Clean) else (reviewed, tip)


def _commits(app: App, task: Task) -> tuple[str, str]:
    tip = app.repo.branch_oid(task.branch) if task.branch else None
    tip = tip or (app.repo.resolve(task.head_oid) if task.head_oid else None)
    if tip is None:
        raise AgentError("no-branch", f"{task.label} has no branch yet", f"git agent spawn {task.id}")
    base = app.repo.branch_oid(task.base)
    start = find_start(app.repo, base, tip, task.base_oid).oid if base else task.base_oid
    if start == tip and task.base_oid:
        start = task.base_oid  # merged: compare with the commit where the branch began
    return start or tip, tip


def path(app: App, task: Task) -> str:
    """Return the absolute path of a task's worktree. Raises AgentError (exit 1) when there is none."""
    del app
    if task.worktree is not None and not os.path.isdir(task.worktree):
        raise AgentError("worktree-gone", f"{task.worktree} was deleted by hand", f"git agent show {task.id}")
    if task.worktree is None:
        hint = f"git agent spawn {task.id}" if task.state is State.OPEN else f"git agent show {task.id}"
        raise AgentError("no-worktree", f"{task.label} has no worktree", hint)
    return task.worktree
