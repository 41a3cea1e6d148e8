"""Record that what was done to a task is undone."""

from __future__ import annotations

from typing import Any

from git_agent.actions.beats import beats
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.message import Draft
from git_agent.domain.task import Hold, State, Step, Task, after
from git_agent.domain.undo import CANCELLED, MERGED, UNDONE, Removed
from git_agent.git.worktrees import registry
from git_agent.store import meta, tasks


def record_undo(app: App, task: int, done: list[Event], intent: int) -> Task:
    """Record the result of an undo and end its intent; return the task.

    done: the events that are undone, the oldest first; what they removed is already restored
    Raises AgentError when the task has changed in the meantime.
    """
    speaker = app.speaker
    gone = [g for e in done for g in map(Removed.of_data, e.data.get("gone", ()))]
    admins = {g.number: _admin(app, g) for g in gone}
    with app.store.transaction():
        now = app.store.tasks.get(task)
        if len(app.store.events.numbered([e.seq for e in done])) != len(done):
            raise tasks.stale(now)
        for each in gone:
            app.store.attempts.bring_back(task, each.number, each.worktree, admins[each.number])
            if each.number == now.attempt:
                app.store.tasks.put(task, worktree=each.worktree)
        for event in reversed(done):
            _record(app, event)
        app.store.messages.send(_told(now, done, speaker.actor), speaker.address, verified=speaker.verified)
        app.store.intents.end(intent)
    beats(app, app.store.attempts.standing())
    return app.store.tasks.get(task)


def _admin(app: App, gone: Removed) -> str | None:
    found = registry.registration_at(app.repo, gone.worktree) if gone.worktree else None
    return found.admin if found is not None else None


def _record(app: App, event: Event) -> None:
    task = app.store.tasks.get(event.task or 0)
    data = {"undoes": event.seq, "text": f"{event.kind.removeprefix('task.')} (event {event.seq})"}
    if event.kind not in (MERGED, CANCELLED):
        app.store.events.append(UNDONE, app.speaker.actor, task=task.id, epoch=task.epoch, data=data)
        return
    target = State.APPROVED if event.kind == MERGED else event.source
    move = after(task.state, task.hold, Step.UNDO, target)
    if move is None:
        raise tasks.stale(task)
    hold = Hold(event.data["hold"]) if event.data.get("hold") else None
    columns = _unmerged(app, task, event) if event.kind == MERGED else {"reason": event.data.get("reason_before")}
    moved = app.store.tasks.move(task, move._replace(hold=hold), app.speaker.actor, data=data, **columns)
    app.store.attempts.go_on(task.id, task.attempt, moved.epoch)


def _unmerged(app: App, task: Task, event: Event) -> dict[str, Any]:
    """Record the base's tip as seen, so that moving it back does not count as a revert, nor the branch as merged."""
    old = event.data["old"]
    app.store.meta.put(meta.SCANNED + task.base, old)
    reviewed = task.reviewed_oid or event.data["tip"]
    none = dict.fromkeys(("merged_oid", "merged_by", "reverted_oid", "likely_oid"))
    return {**none, "reviewed_oid": reviewed, "base_seen": old, "head_oid": event.data["tip"], "worked": 1}


def _told(task: Task, done: list[Event], actor: str) -> list[Draft]:
    source = next((e.source for e in done if e.kind == CANCELLED), None)
    if source in (None, State.OPEN, State.FAILED):
        return []
    return [Draft(str(task.id), f"{task.label} continues: {actor} has undone its cancellation", task.id, urgent=True)]
