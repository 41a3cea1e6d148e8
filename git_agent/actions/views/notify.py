"""Run `agent.notify` once for each event that needs a person."""

from __future__ import annotations

import os
from collections.abc import Callable

from git_agent.actions.views.task import view
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.notification import REASONS, outstanding
from git_agent.domain.task import Task
from git_agent.record import Record
from git_agent.store import meta

OUTPUT = "notify.log"
_NEWS_MS = 3_600_000  # older events, from a time without agent.notify, are not reported


class Notification(Record):
    """An event that needs a person.

    event: the event.
    why: the reason, in a word or two.
    task: the task of the event.
    command: the command to run next.
    """

    event: Event
    why: str
    task: Task
    command: str


def notify(app: App, first: int, document: Callable[[Notification], str]) -> int:
    """Start agent.notify for each event that needs a person and was not reported yet; return the number of events.

    first: the number of the first event that the caller knows to be new.
    document: makes the command's standard input.
    Events are marked before the command starts: if this process is killed, a notification may be lost, but none is sent
    twice.
    Raises AgentError when the configuration can't be read, OSError when the command can't be started.
    """
    command = app.config.text("agent.notify")
    if not command:
        return 0
    from git_agent.proc import notifier  # only here: its imports take longer than the rest of a notification

    called = _claimed(app, first)
    for event in called:
        notifier.start_notifier(
            command,
            cwd=_place(app),
            document=document(_notification(app, event)),
            output=os.path.join(app.store_dir, OUTPUT),
        )
    return len(called)


def _claimed(app: App, first: int) -> list[Event]:
    if (covered := _covered(app)) is not None and covered[0] <= first <= covered[1]:
        return []  # another process was faster; finding that out needs no transaction
    with app.store.transaction():
        covered = _covered(app)
        newest, since = app.store.events.newest(), app.store.now() - _NEWS_MS
        found = [
            e for each in outstanding(covered, first, newest) for e in app.store.events.of_kinds(REASONS, each, since)
        ]
        app.store.meta.put(meta.NOTIFIED, f"{min(first, covered[0] if covered else first)}-{newest}")
    return found


def _covered(app: App) -> tuple[int, int] | None:
    held = app.store.meta.get(meta.NOTIFIED)
    if held is None:
        return None
    low, _, high = held.partition("-")
    return int(low), int(high)


def _place(app: App) -> str:
    main = app.repo.main_worktree
    return main if main is not None and os.path.isdir(main) else app.repo.common_dir


def _notification(app: App, event: Event) -> Notification:
    assert event.task is not None
    task = app.store.tasks.get(event.task)
    wanted = view(app, [task], counts=False)[0].need
    return Notification(event, REASONS[event.kind], task, wanted.command if wanted else f"git agent show {task.id}")
