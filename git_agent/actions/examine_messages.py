"""What is wrong with messages: to nobody, or urgent and unread."""

from __future__ import annotations

from collections.abc import Iterator

from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.domain.task import FINISHED
from git_agent.store import deliveries, tasks

_LATE_MS = 3_600_000


def examine_messages(app: App) -> list[Finding]:
    """Examine what was never seen; nothing is changed."""
    return [*_to_nobody(), *_unread()]


def _to_nobody() -> Iterator[Finding]:
    """A finished task's mail matters where its sender waits for something; of a task that is gone, all of it."""
    for to, number, first, wanting in deliveries.waiting_places():
        task = tasks.find(int(to)) if to.isdecimal() else None
        if not to.isdecimal() or (task is not None and (task.state not in FINISHED or not wanting)):
            continue
        many = f"{number} messages wait" if number > 1 else f"message {first} waits"
        if task is None:
            says, helps = f"{many} for task {to}, which is not there", "git agent send @human TEXT"
        else:
            many = f"{wanting} messages wait" if wanting > 1 else "a message waits"
            says = f"{many} to be acknowledged by task {to}, which is {task.state}"
            helps = f"git agent inbox --as {to}, or git agent reopen {to}"
        yield Finding("message-nobody", says, task.id if task else None, f"to {to}", helps)


def _unread() -> Iterator[Finding]:
    for message in deliveries.unread_urgent(_LATE_MS):
        task = tasks.find(int(message.to)) if message.to.isdecimal() else None
        if message.to.startswith("#") or (message.to.isdecimal() and (task is None or not task.live)):
            continue
        says = f"urgent message {message.id} to {message.to} was not read yet"
        helps = "git agent inbox" if task is None else f"git agent show {message.to}"
        yield Finding("message-unread", says, task.id if task else None, f"message {message.id}", helps)
