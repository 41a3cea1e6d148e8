"""Collect what an agent must know to work on its task or in the repository."""

from __future__ import annotations

from git_agent.actions.views.status import Status, status
from git_agent.actions.views.task import TaskView, view
from git_agent.actions.worktrees import uncommitted
from git_agent.app import App
from git_agent.domain.message import Message
from git_agent.domain.speaker import COORDINATOR, HUMAN
from git_agent.domain.task import Task
from git_agent.record import Record

_MAIL = 3


class LeftBehind(Record):
    """What an earlier attempt left behind.

    number: the number of the attempt.
    branch, worktree: where its work is.
    commits: the number of its own commits, at most 100; 0 if the branch is gone.
    files: the uncommitted files in its worktree.
    """

    number: int
    branch: str
    worktree: str
    commits: int
    files: tuple[str, ...]


class Primer(Record):
    """What an agent must know.

    view: its task; None if it has none.
    left: what earlier attempts of the task left behind.
    mail: the first open messages.
    unread: the number of messages that are not acknowledged.
    here: the speaker works on the task.
    superseded: the speaker's attempt is not the current one.
    overview: the status of all tasks, for an agent without a task.
    """

    view: TaskView | None
    left: tuple[LeftBehind, ...]
    mail: tuple[Message, ...]
    unread: int
    here: bool
    superseded: bool
    overview: Status | None


def prime(app: App, task: Task | None) -> Primer:
    """Collect what an agent must know. No message is marked as seen.

    task: the agent's task; None for an overview of all tasks.
    """
    addresses = [HUMAN, COORDINATOR] if task is None else [str(task.id)]
    mail, unread = (
        tuple(app.store.deliveries.waiting(addresses, _MAIL)),
        sum(app.store.deliveries.unread(addresses).values()),
    )
    if task is None:
        return Primer(None, (), mail, unread, False, False, status(app, counts=False))
    viewed = view(app, [task], counts=True, heads=app.sighted_heads)[0]
    here = app.speaker.works_on(task)
    return Primer(viewed, _left(app, task), mail, unread, here, app.speaker.superseded(task), None)


def _left(app: App, task: Task) -> tuple[LeftBehind, ...]:
    former = [a for a in app.store.attempts.present(task.id) if a.number != task.attempt and a.worktree]
    return tuple(
        LeftBehind(
            a.number, a.branch, a.worktree or "", _commits(app, task, a.branch), uncommitted(app, a.worktree or "")
        )
        for a in former
    )


def _commits(app: App, task: Task, branch: str) -> int:
    from git_agent.git.merging.fork import own_work

    base, tip = app.repo.branch_oid(task.base) or task.base_oid, app.repo.branch_oid(branch)
    return len(own_work(app.repo, base, tip, task.base_oid)) if base and tip else 0
