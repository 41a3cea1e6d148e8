"""Queue what the background noticed, for the next person who types a command."""

from __future__ import annotations

import json
from collections.abc import Sequence

from git_agent.app import App
from git_agent.store import meta

_MOST = 20


def queue_notices(app: App, lines: Sequence[str]) -> None:
    """Add lines to those that wait to be said; the oldest go when there are too many, since the log has them all."""
    if not lines:
        return
    with app.store.transaction():
        held = json.loads(app.store.meta.get(meta.UNSAID) or "[]")
        app.store.meta.put(meta.UNSAID, json.dumps([*held, *lines][-_MOST:]))


def take_notices(app: App) -> list[str]:
    """Take the lines that wait to be said; none for a worker, who has its messages."""
    if app.worker_of is not None or app.store.meta.get(meta.UNSAID) is None:
        return []
    with app.store.transaction():
        held = json.loads(app.store.meta.get(meta.UNSAID) or "[]")
        app.store.meta.delete(meta.UNSAID)
    return [str(line) for line in held]
