"""List tasks: the unfinished ones, or those of some states, or all."""

from __future__ import annotations

from collections.abc import Collection

from git_agent.actions.view import TaskView, view
from git_agent.app import App
from git_agent.domain.task import State
from git_agent.store import tasks


def list_tasks(
    app: App, states: Collection[State] = (), *, everything: bool = False, counts: bool = False
) -> list[TaskView]:
    """List tasks by priority and id. counts: with the commits ahead of and behind the base."""
    if states or everything:
        return view(app, tasks.listing(states or None), counts=counts)
    return view(app, tasks.unfinished(), counts=counts)
