"""Say what was noticed in the background since a person last typed a command."""

from __future__ import annotations

import json

from git_agent.app import App
from git_agent.store import facts


def take_unsaid(app: App) -> list[str]:
    """Take the lines that wait to be said; none for a worker, who has its messages."""
    if app.worker_of is not None or facts.get(facts.UNSAID) is None:
        return []
    with app.store.transaction():
        held = json.loads(facts.get(facts.UNSAID) or "[]")
        facts.delete(facts.UNSAID)
    return [str(line) for line in held]
