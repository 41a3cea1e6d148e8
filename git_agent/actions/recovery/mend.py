"""Finish or take back what a dead process left half done."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from git_agent.actions.attempts.discard import discard_attempt, roll_back_attempt
from git_agent.actions.merging.land import complete
from git_agent.actions.removal.keep import back_up_attempt
from git_agent.actions.removal.retire import retire
from git_agent.actions.undo.record import record_undo
from git_agent.app import App
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.domain.recovery import Recovery, StepProgress, choose_recovery
from git_agent.errors import AgentError
from git_agent.git.merging.unland import unland
from git_agent.git.worktrees import registry
from git_agent.proc import processes
from git_agent.store.intents import Intent


def mend(app: App, intent: Intent) -> list[str]:
    """Finish or take back an intent of a dead process; nothing when somebody else was quicker.

    Merges that were to land together are one chain: whoever takes one over takes all, and finishes them in its order,
    so that `undo` finds the newest last. Returns a line for each; what can't be mended yet is said in one, too.
    """
    owner = processes.myself()
    with app.store.transaction():
        found = [each for each in app.store.intents.pending() if _belongs(each, intent)]
        taken = [each for each in found if app.store.intents.adopt(each, owner)]
    lines = list[str]()
    for each in taken:
        try:
            lines.append(_mended(app, each))
        except AgentError as error:
            if error.code == "store-not-writable":
                raise
            lines.append(f"task {each.task}: an interrupted {each.kind} can't be mended yet: {error.message}")
    return lines


def _belongs(one: Intent, to: Intent) -> bool:
    landing = to.data.get("landing") if to.kind == "merge" else None
    together = landing is not None and one.kind == to.kind and one.data.get("landing") == landing
    return one.owner == to.owner and (one.id == to.id or together)


def _mended(app: App, intent: Intent) -> str:
    what = f"{intent.kind} of task {intent.task} (process {intent.owner.pid} died)"
    if choose_recovery(intent.kind, _observe(app, intent)) is Recovery.FINISH:
        _finish(app, intent)
        return f"finished an interrupted {what}"
    _take_back(app, intent)
    return f"took back an interrupted {what}; run it again"


def _observe(app: App, intent: Intent) -> StepProgress:
    data = intent.data
    if intent.kind == "merge":
        tip = app.repo.branch_oid(data["base"])
        return StepProgress(landed=tip is not None and app.repo.is_ancestor(data["new"], tip))
    if intent.kind == "remove":
        return StepProgress(removed=data["rest"] or any(_is_gone(app, intent.task, n) for n in data["attempts"]))
    if intent.kind == "undo" and (landed := data["landed"]) is not None:
        tip = app.repo.branch_oid(landed["base"])
        return StepProgress(withdrawn=tip is not None and not app.repo.is_ancestor(landed["oid"], tip))
    return StepProgress()


def _is_gone(app: App, task: int, number: int) -> bool:
    attempt = app.store.attempts.find(task, number)
    if attempt is None:
        return False
    if attempt.worktree is None:
        return not attempt.adopted and app.repo.branch_oid(attempt.branch) is None
    return not os.path.lexists(attempt.worktree)


def _finish(app: App, intent: Intent) -> None:
    task, data = app.store.tasks.get(intent.task), intent.data
    if intent.kind == "merge":
        complete(app, task, intent.id, data, by="repair")
    elif intent.kind == "undo":
        landed = data["landed"]
        unland(app.repo, task=task.id, base=landed["base"], new=landed["oid"], old=landed["old"])
        record_undo(app, task.id, app.store.events.numbered(data["events"]), intent.id)
    else:
        retire(app, task, strict=False, force=data["force"], unmerged=data["unmerged"], intent=intent.id, begun=data)


def _take_back(app: App, intent: Intent) -> None:
    data: dict[str, Any] = dict(intent.data)
    if intent.kind != "spawn":
        if intent.kind == "undo":
            _take_back_undo(app, intent.task, data)
        if intent.kind == "merge":
            # Of several that were to land together each intent says the same; what was mended is not touched again.
            new, old = data.get("landing", data["new"]), data.get("base_old", data["old"])
            unland(app.repo, task=intent.task, base=data["base"], new=new, old=old)
        with app.store.transaction():
            app.store.intents.end(intent.id)
        return
    place = AttemptPlan(**data["place"]) if data.get("place") else None
    roll_back_attempt(app, intent.id, intent.task, place, new=bool(data.get("new")))


def _take_back_undo(app: App, task: int, data: dict[str, Any]) -> None:
    """What it brought back is still kept, but not what somebody did there since: the path was known before.

    What it locked was unlocked.
    """
    for place in (AttemptPlan(**each) for each in data["places"]):
        seen = registry.registration_at(app.repo, place.worktree) if os.path.lexists(place.worktree) else None
        attempt = app.store.attempts.find(task, place.number)
        if seen is not None and attempt is not None and not seen.half_made:
            back_up_attempt(app, app.store.tasks.get(task), replace(attempt, worktree=place.worktree), force=True)
        discard_attempt(app, task, place)
    for path in data["locks"]:
        there = registry.registration_at(app.repo, path)
        if there is not None and there.locked == registry.LOCK_REASON.format(task=task):
            registry.unlock_worktree(app.repo, path)
