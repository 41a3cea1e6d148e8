"""In which order approved tasks are merged: parents first, then by priority, and what clashes least first."""

from __future__ import annotations

from git_agent.actions.foresee import foresee
from git_agent.app import App
from git_agent.domain.sequence import sequence
from git_agent.domain.task import State, Task
from git_agent.store import tasks


def merge_order(app: App) -> list[Task]:
    """List the APPROVED tasks in the order to merge them."""
    left = tasks.listing([State.APPROVED])
    clashes = [frozenset((one, other)) for one, other in foresee(app, left).pairs if other is not None]
    return sequence(left, tasks.parents([t.id for t in left]), clashes)
