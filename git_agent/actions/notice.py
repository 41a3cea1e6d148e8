"""Notice what somebody did by hand to branches and worktrees: an event when it is first seen, and a line that helps."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Sequence

from git_agent.actions.amiss import amiss
from git_agent.app import App
from git_agent.domain.speaker import GIT
from git_agent.errors import AgentError
from git_agent.git import places
from git_agent.git.repo import Tips
from git_agent.store import attempts, events, intents, tasks
from git_agent.store.attempts import Standing


def notice(app: App, standing: Sequence[Standing], tips: Tips) -> list[str]:
    """Compare each attempt's branch and worktree with the record; return a line for each thing that is new.

    standing: the attempts with worktrees; tips: where branches are.
    """
    return [line for each in standing for line in (_of_current if each.working else _of_former)(app, each, tips)]


def _of_current(app: App, each: Standing, tips: Tips) -> list[str]:
    each, lines = _followed(app, each)
    found = amiss(app, each, tips)
    if (found.key if found else None) == each.amiss:
        return lines
    with app.store.transaction():
        task = tasks.get(each.task)
        changed = task.attempt != each.number or task.amiss != each.amiss or task.epoch != each.task_epoch
        if changed or not task.live or intents.of_task(task.id) is not None:
            return lines  # another command was quicker, or is at work on it
        tasks.put(task.id, amiss=found.key if found else None)
        kind, text = (found.kind, found.line) if found else ("task.mended", f"no longer: {each.amiss}")
        events.append(kind, GIT, task=task.id, epoch=task.epoch, data={"text": _readable(text)})
    return [*lines, f"task {each.task}: {found.line}"] if found else lines


def _followed(app: App, each: Standing) -> tuple[Standing, list[str]]:
    """`git worktree move` is no loss: the record follows, and so does the worker's context file."""
    spot = places.spot(app.repo.common_dir, each.admin)
    path = spot.path if spot else None
    if path in (None, each.worktree) or not os.path.isdir(path) or os.path.realpath(each.worktree) == path:
        return each, []
    with app.store.transaction():
        if not attempts.relocate(each.task, each.number, path):
            return each._replace(worktree=path), []  # another look has seen it, and says so
        tasks.put(each.task, worktree=path)
        data = {"text": _readable(f"from {each.worktree} to {path}")}
        events.append("task.worktree-moved", GIT, task=each.task, epoch=each.task_epoch, data=data)
    from git_agent import context

    with contextlib.suppress(AgentError):
        context.write(dataclasses.replace(context.read(path), worktree=path))
    return each._replace(worktree=path), [f"task {each.task}: its worktree was moved to {path}"]


def _of_former(app: App, each: Standing, tips: Tips) -> list[str]:
    """A worker that goes on after its task was given to somebody else, or was finished, is reported."""
    tip = tips.heads.get(each.branch)
    before = each.seen or (each.head_oid if each.number == each.attempt else None)
    if tip is None or tip == before:
        return []
    with app.store.transaction():
        if not attempts.see(each.task, each.number, tip) or before is None:
            return []  # another look has seen it, and says so
        kind = "task.superseded-commit" if each.superseded else "task.late-commit"
        text = f"{before[:12]}..{tip[:12]} on '{each.branch}'"
        data = {"branch": each.branch, "old": before, "tip": tip, "text": text}
        events.append(kind, GIT, task=each.task, epoch=each.task_epoch, data=data)
    if each.superseded:
        span = f"git log {before[:12]}..{tip[:12]}"
        return [f"task {each.task}: new commits on '{each.branch}', whose worker was superseded; {span}"]
    return [f"task {each.task} is {each.state}, but '{each.branch}' has new commits; git agent reopen {each.task}"]


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
