"""Collect everything that is known about one task."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from git_agent.actions.attempts.startable import find_unstartable
from git_agent.actions.lookup import own_commits
from git_agent.actions.path_claims.overlaps import claim_conflicts
from git_agent.actions.reconcile.drift import find_drift
from git_agent.actions.tasks.shown import note_shown
from git_agent.actions.views.sessions import Running, ps
from git_agent.actions.views.task import TaskView, view
from git_agent.actions.worktrees import FilesLeft, files_left
from git_agent.app import App
from git_agent.domain.advice import base_gone
from git_agent.domain.event import Event
from git_agent.domain.gates import blocked
from git_agent.domain.message import Message
from git_agent.domain.task import State, Task
from git_agent.git.repo import Tips
from git_agent.git.worktree_state import end_of
from git_agent.record import Record
from git_agent.store import meta
from git_agent.store.attempts import Attempt

_COMMITS, _EVENTS, _MESSAGES = 10, 8, 5


class Shown(Record):
    """Everything about one task.

    view: the task.
    why: what it waits for; empty if nothing.
    attempts: its attempts that were not removed.
    commits: its latest commits, one line each.
    events: its latest events.
    observed: differences between git and the record, one line each.
    running: its sessions that have not ended.
    left: what earlier attempts left uncommitted.
    messages: its latest messages, also those that an attempt which is over has acknowledged.
    """

    view: TaskView
    why: str
    attempts: tuple[Attempt, ...]
    commits: tuple[str, ...]
    events: tuple[Event, ...]
    observed: tuple[str, ...]
    running: tuple[Running, ...]
    left: tuple[FilesLeft, ...] = ()
    messages: tuple[Message, ...] = ()


def show(app: App, task: Task) -> Shown:
    """Collect a task's record, commits, latest events and what it waits for; note that the person was shown it."""
    app.store.tasks.read_ahead([task], events=_EVENTS)
    viewed = view(app, [task], counts=True, heads=app.sighted_heads)[0]
    events = app.store.events.of_task(task.id, limit=_EVENTS)
    shown = Shown(
        view=viewed,
        why=_why(app, viewed),
        attempts=tuple(app.store.attempts.present(task.id)),
        commits=tuple(f"{c.oid[:12]} {c.subject}" for c in own_commits(app, task, _COMMITS)),
        events=tuple(events),
        observed=(*_observed(app, task), *_doubts(app, task, events)),
        running=tuple(ps(app, task)),
        left=tuple(files_left(app, task)),
        messages=_messages(app, task),
    )
    note_shown(app, task, app.sighted_heads.get(task.branch or ""))
    return shown


def _messages(app: App, task: Task) -> tuple[Message, ...]:
    """List the latest messages, each once; a message to several recipients as the one to this task."""
    copies = app.store.messages.of_task(task.id, limit=_MESSAGES * 10)
    latest = {said.id: said for said in sorted(copies, key=lambda said: (said.id, said.to == str(task.id)))}
    return tuple(latest.values())[-_MESSAGES:]


def _observed(app: App, task: Task) -> list[str]:
    """Describe what differs from the record, and what a person should know about it."""
    tips = app.sighted or app.repo.start_tips()()
    lines = [*_of_base(app, task, tips), *_of_merge(task, app.store.meta.get(f"{meta.LOST}{task.id}"))]
    for each in app.store.attempts.standing():
        if each.task == task.id and each.working and (found := find_drift(app, each, tips)):
            lines.append(found.line)
    here = task.worktree if task.live else None
    if here and (busy := app.repo.in_progress(here)):
        lines.append(
            f"worktree {here} is in a {busy}: git -C {shlex.quote(here)} {end_of(busy, go_on=True)}"
            + ("" if busy == "bisect" else ", or --abort")
        )
    return lines


def _of_base(app: App, task: Task, tips: Tips) -> list[str]:
    lines = []
    if task.live and task.base not in tips.heads:
        lines.append(": ".join(base_gone(task)))
    if task.live and task.likely_oid:
        told = app.store.events.latest("task.likely-merged", [task.id]).get(task.id)
        why = f" ({told.data['text']})" if told else ""
        says = f"was likely merged at {task.likely_oid[:12]}{why}"
        lines.append(f"{says}; if so: git agent merge {task.id} --already")
    return lines


def _of_merge(task: Task, lost: str | None) -> list[str]:
    lines = []
    if task.reverted_oid and lost:
        merged = (task.merged_oid or "")[:12]
        lines.append(f"'{task.base}' no longer contains its merge ({merged}): git agent reopen {task.id} continues it")
    elif task.reverted_oid:
        says = f"its merge was reverted in '{task.base}' by {task.reverted_oid[:12]}"
        lines.append(f"{says}; to continue it: git agent reopen {task.id}")
    return lines


def _doubts(app: App, task: Task, listed: Sequence[Event]) -> list[str]:
    """Describe the evidence of those events that are too old to be listed."""
    known = {event.seq for event in listed}
    return [
        f"{event.kind} by {event.actor}: {'; '.join(event.evidence)}"
        for event in app.store.events.with_evidence(task.id)
        if event.seq not in known
    ]


def _why(app: App, viewed: TaskView) -> str:
    task = viewed.task
    if task.state is State.OPEN:
        limit = app.config.number("agent.maxAttempts")
        why = blocked(task, viewed.blocked_by, app.store.now(), limit)
        why = why or find_unstartable(app, [task]).get(task.id)
        why = why or claim_conflicts(app, [task]).blocked.get(task.id)
        return why.line if why else "is ready to be claimed"
    return viewed.need.why if viewed.need else ""
