"""How git and the record of a task differ now, one line each, with the command that helps."""

from __future__ import annotations

import shlex

from git_agent.actions.amiss import amiss
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.git.state import end_of
from git_agent.store import attempts


def observe(app: App, task: Task) -> list[str]:
    """Say what is not as it was recorded, and what a person should know of it; nothing is made again."""
    tips = app.repo.start_tips()()
    lines = _of_base(task, task.base in tips.heads)
    for each in attempts.standing():
        if each.task == task.id and each.working and (found := amiss(app, each, tips)):
            lines.append(found.line)
    here = task.worktree if task.live else None
    if here and (busy := app.repo.in_progress(here)):
        lines.append(
            f"worktree {here} is in a {busy}: git -C {shlex.quote(here)} {end_of(busy, go_on=True)}"
            + ("" if busy == "bisect" else ", or --abort")
        )
    return lines


def _of_base(task: Task, there: bool) -> list[str]:
    lines = []
    if task.live and not there:
        lines.append(f"the base '{task.base}' is gone: git agent edit {task.id} --base BRANCH")
    if task.live and task.likely_oid:
        says = f"was likely merged at {task.likely_oid[:12]}: its remote branch is gone and '{task.base}' moved on"
        lines.append(f"{says}; if so: git agent merge {task.id} --already")
    if task.reverted_oid:
        says = f"its merge was reverted in '{task.base}' by {task.reverted_oid[:12]}"
        lines.append(f"{says}; to go on with it: git agent reopen {task.id}")
    return lines
