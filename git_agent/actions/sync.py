"""Bring the store up to date with what git says now, where a branch or a base moved since the last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.app import App
from git_agent.store import tasks
from git_agent.store.tasks import Sight


@dataclass(frozen=True, slots=True)
class Synced:
    """What was noticed: one line each."""

    lines: tuple[str, ...]


def sync(app: App, heads: Mapping[str, str] | None = None) -> Synced:
    """Look at every unfinished task's branch and base, and record what changed since the last look.

    heads: branches and their oids, where git was asked just now. Costs one for-each-ref and one query where no ref
    moved.
    """
    heads = app.sighted = app.heads if heads is None else heads
    moved = [s for s in tasks.sights() if _moved(s, heads)]
    if not moved:
        return Synced(())
    from git_agent.actions.catch_up import catch_up

    return Synced(tuple(catch_up(app, moved, heads)))


def _moved(sight: Sight, heads: Mapping[str, str]) -> bool:
    tip, base = heads.get(sight.branch), heads.get(sight.base)
    return tip is not None and base is not None and (tip, base) != (sight.head_oid, sight.base_seen)
