"""Finish or take back what a dead process left half done; says so in one line each."""

from __future__ import annotations

from typing import Any

from git_agent.actions.take import take
from git_agent.actions.take_back import take_back
from git_agent.app import App
from git_agent.domain.place import Place
from git_agent.domain.repair import Observed, Repair, repair
from git_agent.domain.task import Step
from git_agent.errors import AgentError
from git_agent.git import refs, worktrees
from git_agent.proc import processes
from git_agent.store import attempts, events, intents, tasks
from git_agent.store.intents import Intent


def recover(app: App) -> list[str]:
    """Look for intents of dead processes; one query where there are none. Returns a line for each repair."""
    lines: list[str] = []
    for intent in intents.pending():
        if not processes.is_gone(intent.owner):
            continue
        try:
            lines.extend(_recover(app, intent))
        except AgentError as error:
            if error.code == "store-not-writable":
                raise
            lines.append(f"task {intent.task}: an interrupted {intent.kind} can't be mended yet: {error.message}")
    return lines


def _recover(app: App, intent: Intent) -> list[str]:
    owner = processes.myself()
    with app.store.transaction():
        if not intents.adopt(intent, owner):
            return []
    what = f"{intent.kind} of task {intent.task} (process {intent.owner.pid} died)"
    if repair(intent.kind, _observe(app, intent)) is Repair.FINISH:
        _finish(app, intent)
        return [f"finished an interrupted {what}"]
    _take_back(app, intent)
    return [f"took back an interrupted {what}; run it again"]


def _observe(app: App, intent: Intent) -> Observed:
    data = intent.data
    if intent.kind == "merge":
        tip = app.repo.branch_oid(data["base"])
        return Observed(landed=tip is not None and app.repo.is_ancestor(data["new"], tip))
    if intent.kind == "remove":
        return Observed(removed=any(_is_gone(app, intent.task, n) for n in data["attempts"]))
    return Observed()


def _is_gone(app: App, task: int, number: int) -> bool:
    attempt = attempts.find(task, number)
    return attempt is not None and attempt.worktree is not None and not _stands(app, attempt.worktree)


def _stands(app: App, path: str) -> bool:
    return worktrees.observe(app.repo, path).exists


def _finish(app: App, intent: Intent) -> None:
    data = intent.data
    if intent.kind == "remove":
        return _finish_removal(app, intent)
    task = tasks.get(intent.task)
    told = {"by": data["by"], "oid": data["new"], "tip": data["tip"], "base": data["base"]}
    take(
        app,
        task,
        Step.MERGE,
        by="repair",
        intent=intent.id,
        data=told,
        merged_oid=data["new"],
        merged_by=data["by"],
        head_oid=data["tip"],
    )
    return None


def _finish_removal(app: App, intent: Intent) -> None:
    """Only what is gone is recorded as gone, with its branch; the rest waits for the next rm or clean."""
    gone = [n for n in intent.data["attempts"] if _is_gone(app, intent.task, n)]
    for number in gone:
        attempt = attempts.find(intent.task, number)
        if attempt is None:
            continue
        if attempt.worktree is not None:
            worktrees.remove(app.repo, attempt.worktree, task=intent.task)
        tip = app.repo.branch_oid(attempt.branch)
        if tip is not None and not attempt.adopted:
            refs.keep(app.repo, intent.task, tip)
            refs.delete(app.repo, f"refs/heads/{attempt.branch}", tip)
    actor = app.speaker.actor
    with app.store.transaction():
        for number in gone:
            attempts.remove(intent.task, number)
            if tasks.get(intent.task).attempt == number:
                tasks.put(intent.task, worktree=None)
        events.append("task.removed", actor, task=intent.task, data={"attempts": gone})
        intents.end(intent.id)


def _take_back(app: App, intent: Intent) -> None:
    if intent.kind != "spawn":
        with app.store.transaction():
            intents.end(intent.id)
        return
    data: dict[str, Any] = dict(intent.data)
    place = Place(**data["place"]) if data.get("place") else None
    take_back(app, intent.id, intent.task, place, new=bool(data.get("new")))
