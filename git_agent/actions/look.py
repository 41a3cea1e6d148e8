"""Look at the world before anything else: what dead processes left, what hooks noted, what git says now."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.heal import heal
from git_agent.actions.reap import reap
from git_agent.actions.recover import recover
from git_agent.actions.sync import sync
from git_agent.actions.touch import touch
from git_agent.app import App
from git_agent.git import spool


@dataclass(frozen=True, slots=True)
class Looked:
    """What was mended and noticed, one line each. asks: a remote has to be asked, in the background."""

    lines: tuple[str, ...]
    asks: bool


def look(app: App, *, remotes: bool = False, typed: bool = False) -> Looked:
    """Mend, drain, reconcile and reap; every command starts with it. remotes: may ask remotes over a network; typed: a
    verb was typed, so that the worker who did it is there; what looks by itself may outlive its worker.

    Costs one for-each-ref, started before the store is loaded, and a few queries where nothing happened. A worker is
    heard before it is judged: by its hooks, and by running this command.
    """
    spool.take_moved(app.spool_dir)
    asked = app.repo.start_tips()
    _ = app.store
    mended = recover(app)
    lines, asks = list(mended), False
    if spool.notes(app.spool_dir):
        from git_agent.actions.drain import drain

        drained = drain(app, remotes=remotes)
        lines, asks = [*lines, *drained.lines], drained.asks
    lines += sync(app, None if mended else asked()).lines
    if typed:
        touch(app)
    lines += reap(app)
    lines += heal(app)
    return Looked(tuple(lines), asks)
