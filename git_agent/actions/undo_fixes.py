"""Take back what one `doctor --fix` did: fix by fix, the newest first; what went on since is left as it is."""

from __future__ import annotations

from collections.abc import Sequence

from git_agent.actions.undo_fix import undo_fix
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.finding import LASTING
from git_agent.errors import AgentError, Exit
from git_agent.store import events


def undo_fixes(app: App, done: Sequence[Event], *, dry_run: bool) -> list[str]:
    """Take fixes back; return a line for each, which begins with `left` where that can't be done, or not any more.

    done: the fixes' events, the oldest first. Each counts as undone then, so that none is in the way of what was done
    before it. Raises AgentError, exit 3 when somebody else has taken all of them back.
    """
    if dry_run:
        return [_would(event, _named(event, done)) for event in reversed(done)]
    lines, gone = list[str](), list[AgentError]()
    for event in reversed(done):
        try:
            lines += undo_fix(app, [event])
        except AgentError as error:
            if error.exit is not Exit.REFUSED:
                raise
            if error.code == "undone-already":
                gone.append(error)
            else:
                lines.append(_leave(app, event, _named(event, done), error.message))
    if gone and not lines:
        raise gone[0]
    return lines


def _named(event: Event, done: Sequence[Event]) -> str:
    """What a single fix did stands in the line above."""
    return f": {event.data['text']}" if len(done) > 1 else ""


def _would(event: Event, named: str) -> str:
    if why := LASTING.get(event.data["code"]):
        return f"would leave as it is{named} ({why})"
    return f"would take back, unless it changed since{named}"


def _leave(app: App, event: Event, named: str, why: str) -> str:
    says = f"left as it is{named} ({why})"
    with app.store.transaction():
        if events.numbered([event.seq]):
            data = {"undoes": event.seq, "code": event.data["code"], "text": says}
            events.append("doctor.unfixed", app.speaker.actor, task=event.task, data=data)
    return says
