"""Follow what happens: every change of the store at once, what happened in git within seconds, at next to no cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_agent.actions.views.history import PAGE, Watched, watch
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.notification import needs_person
from git_agent.errors import AgentError
from git_agent.runtime import draining
from git_agent.runtime.invocation import notify_person

if TYPE_CHECKING:
    from git_agent.actions.views.notify import Notification

_LOOKS_S = (2.0, 5.0)  # between two looks at git: while things happen, and when nothing does
_SLICE_S = 0.5  # how soon a note of a hook, or the end of our reader, is seen
_SETTINGS_S = 60.0  # after which a configuration that was changed counts
_LAST = 2**63 - 1  # the database has no larger number
_PASSES = frozenset({"store-busy", "store-not-writable"})


@dataclass(slots=True)
class _Rhythm:
    """When git is looked at next. noted: when a hook last left a note."""

    pause_s: float = _LOOKS_S[0]
    due: float = 0.0
    noted: int = 0
    read: float = field(default_factory=time.monotonic)

    def is_due(self, app: App) -> bool:
        """Tell whether it is time for a look; a hook's note makes it so."""
        noted, before = _changed(app.spool_dir), self.noted
        self.noted = noted
        return noted != before or time.monotonic() >= self.due

    def looked(self, app: App) -> None:
        """Set the time of the next look, the later the longer nothing happened."""
        now = time.monotonic()
        self.pause_s = min(self.pause_s * 1.2, _LOOKS_S[1])
        self.due = now + self.pause_s
        if now - self.read > _SETTINGS_S:
            app.forget_settings()
            self.read = now

    def happened(self) -> None:
        """Look more often for a while: what happens seldom comes alone."""
        self.pause_s = _LOOKS_S[0]
        self.due = min(self.due, time.monotonic() + self.pause_s)


def follow(
    app: App,
    since: int | None,
    *,
    kept: bool,
    say: Callable[[str], None],
    document: Callable[[Notification], str],
) -> Iterator[tuple[Event, ...]]:
    """Yield events as they happen, oldest first, for ever: each once, none left out. Those that are new call a person.

    An empty batch is yielded twice a second, so that the reader can stop. No cursor stays open meanwhile, since that
    would keep the store's log from being shortened.

    since: the number of the last event that the reader knows; None for the newest.
    kept: see actions.views.history.watch.
    say: called once with each temporary problem.
    document: writes what agent.notify reads on its standard input.
    Raises AgentError when the store is gone or damaged.
    """
    newest = app.store.events.newest()
    if since is not None and since > newest:
        say(f"event {since} is not there yet: the newest is {newest}")
    after = newest if since is None else min(since, _LAST)
    rhythm, said = _Rhythm(), set[str]()
    seen = app.store.wait_for_change(0)
    while True:
        looks, found = rhythm.is_due(app), Watched(())
        try:
            found = watch(app, after, looks=looks, kept=kept)
            said = said if not looks else set()
        except AgentError as error:
            _bear(error, said, say)
        if looks:
            rhythm.looked(app)
            draining.hand_over(app, asks=found.asks)
        if found.events:
            rhythm.happened()
            _notify(app, [e for e in found.events if e.seq > newest], say, document)
        yield found.events
        after = found.events[-1].seq if found.events else after
        if len(found.events) < PAGE:
            seen = app.store.wait_for_change(_SLICE_S, seen)


def _notify(
    app: App, happened: list[Event], say: Callable[[str], None], document: Callable[[Notification], str]
) -> None:
    """Before the reader gets the events: it may be gone, and the person is needed anyway."""
    calls = [e.seq for e in happened if needs_person(e.kind)]
    if calls:
        app.forget_settings()
        for line in notify_person(app, document, calls[0]):
            say(line)


def _bear(error: AgentError, said: set[str], say: Callable[[str], None]) -> None:
    """Go on after what may pass: a lock, a full disk, a git that failed, a broken configuration."""
    if error.code.startswith("store-") and error.code not in _PASSES:
        raise error
    if error.code not in said:
        said.add(error.code)
        say(f"{error.message}; trying again")


def _changed(directory: str) -> int:
    try:
        return os.stat(directory).st_mtime_ns
    except OSError:
        return 0
