"""Follow events: changes of the store at once, changes in git within seconds, at almost no cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from git_agent.actions.views.history import PAGE, Watched, watch
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.notification import needs_person
from git_agent.errors import UNWRITABLE, AgentError
from git_agent.runtime import draining
from git_agent.runtime.invocation import notify_person

if TYPE_CHECKING:
    from git_agent.actions.views.notify import Notification

_LOOKS_S = (2.0, 5.0)  # seconds between two reconciles: during activity, and without
_SLICE_S = 0.5  # seconds until a hook's note, or the end of our reader, is noticed
_SETTINGS_S = 60.0  # seconds until a changed configuration takes effect
_LAST = 2**63 - 1  # the largest number in the database
_PASSES = UNWRITABLE | {"store-busy"}


class _Rhythm:
    """The schedule of reconciles.

    pause_s: the current interval
    due: when the next one is due, monotonic time
    noted: when a hook last wrote a note, ns since the epoch
    read: when the configuration was last read, monotonic time
    """

    def __init__(self) -> None:
        self.pause_s = _LOOKS_S[0]
        self.due = 0.0
        self.noted = 0
        self.read = time.monotonic()

    def is_due(self, app: App) -> bool:
        """Return whether to reconcile now: the time has come, or a hook wrote a note."""
        noted, before = _changed(app.spool_dir), self.noted
        self.noted = noted
        return noted != before or time.monotonic() >= self.due

    def looked(self, app: App) -> None:
        """Schedule the next reconcile. The interval grows while nothing happens."""
        now = time.monotonic()
        self.pause_s = min(self.pause_s * 1.2, _LOOKS_S[1])
        self.due = now + self.pause_s
        if now - self.read > _SETTINGS_S:
            app.forget_settings()
            self.read = now

    def happened(self) -> None:
        """Shorten the interval for a while, because events tend to come in groups."""
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
    """Yield events as they happen, oldest first, without end: each exactly once. New events may notify a person.

    An empty batch is yielded twice a second, so that the reader can stop. No cursor stays open between batches: it
    would keep SQLite from truncating the write-ahead log.

    since: the number of the last event that the reader knows; None for the newest.
    kept: see actions.views.history.watch.
    say: called once for each temporary problem.
    document: writes what agent.notify reads on its standard input.
    Raises AgentError when the store is gone or damaged.
    """
    newest = app.store.events.newest()
    if since is not None and since > newest:
        say(f"there is no event {since} yet: the newest is {newest}")
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
    """Notify the person before the reader gets the events, because the reader may be gone."""
    calls = [e.seq for e in happened if needs_person(e.kind)]
    if calls:
        app.forget_settings()
        for line in notify_person(app, document, calls[0]):
            say(line)


def _bear(error: AgentError, said: set[str], say: Callable[[str], None]) -> None:
    """Continue after a temporary error: a lock, a full disk, a failed git command, a broken configuration."""
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
