"""Find the changes of a task and the path of its worktree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.actions.tasks.shown import note_shown
from git_agent.actions.worktrees import note_submodules
from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError
from git_agent.git.merging.fork import find_start
from git_agent.git.run import REAL_OBJECTS


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two commits that a task's diff compares, and git's words for it.

    base: the commit where the branch left its base.
    tip: the branch's last commit.
    words: a command line that shows the diff in git's own pager.
    env: the whole environment of that command.
    """

    base: str
    tip: str
    words: tuple[str, ...]
    env: Mapping[str, str]


_PLAIN = ("diff", "--no-ext-diff", "--no-textconv", "--no-color")  # runs no program of the user's


def diff_text(app: App, compared: Comparison, *, stat: bool) -> str:
    """Return a task's diff as text, for programs.

    compared: the commits to compare.
    stat: return only the names of changed files and the numbers of changed lines.
    """
    return app.repo.git(*_PLAIN, *_compared(compared.base, compared.tip, stat)).text


def _compared(base: str, tip: str, stat: bool) -> list[str]:
    return [*(["--stat"] if stat else []), "--end-of-options", base, tip, "--"]


def diff(app: App, task: Task, *, stat: bool = False) -> Comparison:
    """Find the two commits to compare, and note that the person was shown the task unless only names are shown.

    task: the task.
    stat: make the command show only the names of changed files and the numbers of changed lines.
    Raises AgentError (exit 1) when the task has no branch and no recorded commit.
    """
    base, tip = _commits(app, task)
    if base == app.forks.get(task.id):
        app.notice(f"'{task.base}' does not contain {base[:12]}, where {task.label} begins; this is what came after it")
    note_submodules(app, task, base, tip)
    if not stat:
        note_shown(app, task, tip)
    words = ("git", f"--git-dir={app.repo.common_dir}", "diff", *_compared(base, tip, stat))
    return Comparison(base, tip, words, {**app.env, **REAL_OBJECTS})


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
