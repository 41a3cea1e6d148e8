"""Examine and fix messages: those without a recipient, and urgent ones that nobody read."""

from __future__ import annotations

from collections.abc import Iterator

from git_agent.actions.doctor.fix import record_fix
from git_agent.app import App
from git_agent.domain.finding import Finding

_LATE_MS = 3_600_000


def examine_messages(app: App) -> list[Finding]:
    """Examine the messages that were never seen, without changing anything."""
    return [*_to_nobody(app), *_unread(app)]


def _to_nobody(app: App) -> Iterator[Finding]:
    """Find messages to a task that does not exist; messages to a finished task need no acknowledgement."""
    for to, number, first in app.store.deliveries.waiting_places():
        if to.isdecimal() and app.store.tasks.find(int(to)) is None:
            many = f"{number} messages wait" if number > 1 else f"message {first} waits"
            yield Finding(
                "message-nobody", f"{many} for task {to}, which does not exist", None, f"to {to}", data={"to": to}
            )


def _unread(app: App) -> Iterator[Finding]:
    for message in app.store.deliveries.unread_urgent(_LATE_MS):
        task = app.store.tasks.find(int(message.to)) if message.to.isdecimal() else None
        if message.to.startswith("#") or (message.to.isdecimal() and (task is None or not task.live)):
            continue
        says = f"urgent message {message.id} to {message.to} has not been read"
        hint = "git agent inbox" if task is None else f"git agent show {message.to}"
        yield Finding("message-unread", says, task.id if task else None, f"message {message.id}", hint)


def fix_messages(app: App, finding: Finding) -> str:
    """Fix one finding that was just seen; return what was done. The messages themselves stay, as all messages do."""
    to = finding.data["to"]
    with app.store.transaction():
        if app.store.tasks.find(int(to)) is not None:
            return "the task exists now"
        messages = app.store.deliveries.let_go(to)
        return record_fix(app, finding, "marked as acknowledged", {"to": to}, {"messages": messages})
