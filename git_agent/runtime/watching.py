"""Follow events: changes of the store and of refs at once, and at almost no cost what only git can tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import inf
from typing import TYPE_CHECKING

from git_agent.actions.views.history import PAGE, Watched, watch
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.notification import needs_person
from git_agent.errors import UNWRITABLE, AgentError
from git_agent.git.ref_changes import RefChanges
from git_agent.runtime import draining
from git_agent.runtime.invocation import notify_person

if TYPE_CHECKING:
    from git_agent.actions.views.notify import Notification

# A reconcile takes 10 to 25 ms with the gits that it runs: every 5 s it would be 0.2 to 0.5 % of a processor.
_QUIET_S = 120.0  # seconds between two reconciles while no ref moves
_SOON_S = 5.0  # the same where not all refs can be watched, and after a reconcile that failed
_AGAIN_S = 1.0  # seconds until the reconcile that follows a change: the first may have come in the middle of it
_APART_S = 0.5  # seconds between two reconciles while refs keep moving
_REAPS_S = 10.0  # seconds between two checks for dead workers, which run no git
_SLICE_S = 2.0  # seconds until the end of our reader is noticed, and changes of which the system does not tell
_SETTINGS_S = 60.0  # seconds until a changed configuration takes effect
_LAST = 2**63 - 1  # the largest number in the database
_PASSES = UNWRITABLE | {"store-busy"}


class _Rhythm:
    """The schedule of reconciles and of checks for dead workers.

    due, reaps_due: when the next one is due, monotonic time
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._git = RefChanges(app.repo.common_dir, app.spool_dir)
        self._changed = True
        self._looked = self._read = -inf
        self.due = self.reaps_due = 0.0

    def is_due(self) -> bool:
        """Return whether to reconcile now: the time has come, a ref moved, or a hook wrote a note."""
        if self._git.happened():
            self._changed = True
            self._app.store.also_wake_for(self._git.directories)
            self.due = min(self.due, self._looked + _APART_S)
        return time.monotonic() >= self.due

    def looked(self, *, failed: bool) -> None:
        """Schedule the next reconcile. failed: whether this one failed"""
        quiet = _QUIET_S if self._git.complete and not failed else _SOON_S
        self._looked = now = time.monotonic()
        self.due, self._changed = now + (_AGAIN_S if self._changed and not failed else quiet), failed
        self.reaps_due = now + _REAPS_S
        if now - self._read > _SETTINGS_S:
            self._app.forget_settings()
            self._read = now

    def reaps(self) -> bool:
        """Return whether to check for dead workers now, and schedule the next check."""
        now = time.monotonic()
        if now < self.reaps_due:
            return False
        self.reaps_due = now + _REAPS_S
        return True

    def left_s(self) -> float:
        """Return how long to wait at most until the next round, in seconds."""
        return max(0.0, min(_SLICE_S, self.due - time.monotonic()))


def follow(
    app: App,
    since: int | None,
    *,
    kept: bool,
    say: Callable[[str], None],
    document: Callable[[Notification], str],
) -> Iterator[tuple[Event, ...]]:
    """Yield events as they happen, oldest first, without end: each exactly once. New events may notify a person.

    An empty batch is yielded every two seconds, so that the reader can stop. No cursor stays open between batches: it
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
    rhythm, said = _Rhythm(app), set[str]()
    seen = app.store.wait_for_change(0)
    while True:
        looks, found, failed = rhythm.is_due(), Watched(()), False
        try:
            found = watch(app, after, looks=looks, reaps=not looks and rhythm.reaps(), kept=kept)
            said = said if not looks else set()
        except AgentError as error:
            failed = True
            _bear(error, said, say)
        if looks:
            rhythm.looked(failed=failed)
            draining.hand_over(app, asks=found.asks)
        if found.events:
            _notify(app, [e for e in found.events if e.seq > newest], say, document)
        yield found.events
        after = found.events[-1].seq if found.events else after
        if len(found.events) < PAGE:
            seen = app.store.wait_for_change(rhythm.left_s(), seen, until=rhythm.is_due)


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
