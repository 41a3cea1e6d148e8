"""Put a task into the queue: OPEN."""

from __future__ import annotations

from git_agent.actions.draft import draft
from git_agent.app import App
from git_agent.domain.order import Order
from git_agent.domain.task import Task


def add(app: App, order: Order) -> Task:
    """Add a task. order: its title and the rest. Raises AgentError as draft does."""
    drafted, actor = draft(app, order), app.speaker.actor
    with app.store.transaction():
        return drafted.insert(actor)
