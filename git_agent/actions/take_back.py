"""Take back a worktree that was being made: nobody was told of it yet, so nobody's work is in it."""

from __future__ import annotations

from git_agent.actions.discard_place import discard_place
from git_agent.app import App
from git_agent.domain.place import Place
from git_agent.store import events, intents, tasks


def take_back(app: App, intent: int, task: int, place: Place | None, *, new: bool) -> None:
    """Remove a half-made attempt and its intent.

    place: where it was being made, None when that was not decided yet; the branch goes only if it is not adopted and
    holds no commit; new: the task itself was added by the same command and goes, too.
    """
    if place is not None:
        discard_place(app, task, place)
    actor = app.speaker.actor
    with app.store.transaction():
        intents.end(intent)
        found = tasks.find(task)
        if new and found is not None and found.version == 0 and tasks.delete(found):
            events.append("task.taken-back", actor, task=task, data={"title": found.title})
