"""Collect the status: what needs a person, the unfinished tasks, and the health of the tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from git_agent.actions.merging.forecast import foresee
from git_agent.actions.views.task import TaskView, view
from git_agent.actions.worktrees import FilesLeft, files_left
from git_agent.app import App
from git_agent.domain.message import Message
from git_agent.domain.needs import Need, still_running
from git_agent.domain.task import FINISHED, State, Task
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.store import meta

_QUICK = 32
"""The most pairs of branches to merge in memory (measured: 1 ms each). `git agent conflicts` handles more."""

_LOOKED_AT = 8  # tasks


class Status(Record):
    """The state of the work in the repository.

    needs_you: what needs a person: questions first, then what is stuck, then reviews; each the oldest first.
    tasks: the unfinished tasks.
    counts: the number of tasks in each state.
    health: facts about the tool itself.
    unacked: messages whose required acknowledgement is missing.
    finished: the finished tasks of needs_you.
    left: what earlier attempts left uncommitted, each with the number of its task.
    """

    needs_you: tuple[Need, ...]
    tasks: tuple[TaskView, ...]
    counts: Mapping[State, int]
    health: Mapping[str, Any]
    unacked: tuple[Message, ...] = ()
    finished: tuple[Task, ...] = ()
    left: tuple[tuple[int, FilesLeft], ...] = ()


def _left(app: App, tasks: Sequence[Task]) -> tuple[tuple[int, FilesLeft], ...]:
    """Look into the worktrees of earlier attempts. A look runs git, so only the newest tasks are looked at."""
    began = [t for t in tasks if t.attempt > (1 if t.live else 0)]
    newest = sorted(began, key=lambda task: task.state_at)[-_LOOKED_AT:]
    return tuple((task.id, left) for task in newest for left in files_left(app, task))


def _lost(app: App) -> list[Task]:
    known = [app.store.tasks.find(int(number)) for number in app.store.meta.under(meta.LOST)]
    return [t for t in known if t is not None and t.state is State.COMPLETED and t.reverted_oid is not None]


def _reopening(task: Task) -> Need:
    why = f"is COMPLETED, but '{task.base}' no longer contains its merge"
    return Need(task.id, why, task.state_at, f"git agent reopen {task.id}")


def _still_running(app: App) -> list[tuple[Task, Need]]:
    """Find the commands that run although their attempt is over: cancelled, failed, or given to somebody else."""
    open_ = [(app.store.tasks.get(session.task), session) for session in app.store.sessions.unended()]
    current = {task.id for task, session in open_ if task.live and session.epoch == task.epoch}
    return [
        (task, still_running(task, processes.named(session.owner), again=task.id in current))
        for task, session in open_
        if not (task.live and session.epoch == task.epoch) and not app.is_gone(session.owner, over=session.over)
    ]


def status(app: App, *, counts: bool = True) -> Status:
    """Collect what needs a person and what is in progress.

    counts: also count the commits ahead of and behind the base.
    """
    unfinished = app.store.tasks.unfinished()
    app.store.tasks.read_ahead(unfinished, summary=True)
    viewed = view(app, unfinished, counts=counts, heads=app.sighted_heads)
    lost, running = _lost(app), _still_running(app)
    found = [*(v.need for v in viewed if v.need is not None), *map(_reopening, lost), *(need for _, need in running)]
    needs = sorted(found, key=lambda need: (need.urgency, need.since))
    finished = [*lost, *(task for task, _ in running if task.state in FINISHED)]
    new, urgent, waiting = app.store.deliveries.for_people()
    unacked = tuple(app.store.deliveries.unacknowledged())
    counted, under_way = app.store.tasks.count_by_state(), len(app.store.intents.pending())
    foreseen = foresee(app, [v.task for v in viewed if v.task.live], most=_QUICK)
    health = {
        "store": app.store.path,
        "unread": waiting,
        "mail": new,
        "urgent_mail": urgent,
        "under_way": under_way,
        "clashes": len(foreseen.pairs),
        "unforeseen": foreseen.unknown,
        "untrusted": list(app.config.untrusted),
    }
    left = _left(app, [v.task for v in viewed])
    return Status(tuple(needs), tuple(viewed), counted, health, unacked, tuple(finished), left)
