"""Follow what happens: every change of the store at once, what happened in git within seconds, at next to no cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from git_agent.actions.views.history import PAGE, Watched, watch
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.errors import AgentError
from git_agent.runtime import draining

_LOOKS_S = (2.0, 5.0)  # between two looks at git: while things happen, and when nothing does
_SLICE_S = 0.5  # how soon a note of a hook, or the end of our reader, is seen
_SETTINGS_S = 60.0  # after which a configuration that was changed counts
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


def follow(app: App, after: int, *, kept: bool, say: Callable[[str], None]) -> Iterator[tuple[Event, ...]]:
    """Yield events as they happen, oldest first, for ever; nothing of them twice, nothing left out.

    after: the number of the last event that is known; kept: see actions.watch; say: called with what is wrong for a
    time, once. What is empty is yielded twice a second, so that whoever reads can end it. No cursor stays open while it
    waits: the store's log could not be shortened meanwhile. Raises AgentError when the store is gone or unsound.
    """
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
            _background(app, found.asks)
        if found.events:
            rhythm.happened()
        yield found.events
        after = found.events[-1].seq if found.events else after
        if len(found.events) < PAGE:
            seen = app.store.wait_for_change(_SLICE_S, seen)


def _background(app: App, asks: bool) -> None:
    draining.free(app)
    if asks:
        draining.start(app)


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
