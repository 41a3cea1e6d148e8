"""What is wrong with worktrees that are registered, and belong to no task: half made, or whole."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence

from git_agent.actions.home import home
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.git.registered import Registered
from git_agent.store import attempts, intents, tasks

_OLD_S = 600.0  # who was killed while git made it died long before
_MADE_S = 60.0  # while a worktree is made its registration changes all the time


def examine_strays(app: App, there: Sequence[Registered]) -> Iterator[Finding]:
    """Examine some registrations; nothing is changed. there: as they were before the record is read."""
    busy = {intent.data["place"]["worktree"] for intent in intents.pending() if intent.data.get("place")}
    owned, recorded = attempts.admins(), {task.worktree for task in tasks.unfinished()}
    for each in there:
        if (
            (each.half and each.age_s < _MADE_S)
            or each.admin in owned
            or each.path in recorded
            or each.path is None
            or each.path in busy
            or each.path.startswith(app.repo.common_dir + os.sep)
        ):
            continue
        quoted = shlex.quote(each.path)
        data = {"path": each.path, "admin": each.admin, "task": each.task}
        made_here = each.task is not None or os.path.dirname(each.path) == home(app)
        if each.half and (each.task is not None or (each.initializing and made_here and each.age_s > _OLD_S)):
            yield Finding("worktree-half", f"worktree {each.path} was left half made", None, each.path, data=data)
        elif each.task is not None and os.path.isdir(each.path):
            says, helps = (
                f"worktree {each.path} is of no task",
                f"git worktree unlock {quoted}, then git worktree remove",
            )
            yield Finding("worktree-orphan", says, None, each.path, f"{helps} {quoted}")
