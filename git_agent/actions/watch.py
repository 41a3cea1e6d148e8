"""One round of watching: look at git as every command does, and list the events that are new."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.keep_unsaid import keep_unsaid
from git_agent.actions.look import look
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.store import events

PAGE = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """What one round saw. events: oldest first, at most a page; asks: a remote has to be asked, in the background."""

    events: tuple[Event, ...]
    asks: bool = False


def watch(app: App, after: int, *, looks: bool, kept: bool) -> Watched:
    """List the events after a number.

    looks: mend, drain and reconcile before; kept: nobody reads along, so what that noticed is kept for the next person
    who types a command. Raises AgentError, also for a store that was deleted or replaced.
    """
    app.store.check()
    asks = False
    if looks:
        seen = look(app)
        asks = seen.asks
        if kept:
            keep_unsaid(app, seen.lines)
    return Watched(tuple(events.following(after, PAGE)), asks)
