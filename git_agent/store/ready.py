"""The order of the queue: the most urgent first, and before it whatever an urgent task waits for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from git_agent.store.orm import NOW_MS
from git_agent.store.schema import DependencyRow, IntentRow, TaskRow

if TYPE_CHECKING:
    from git_agent.domain.task import Task
    from git_agent.store.store import Store

# UNION drops pairs that were found before, so that the search ends even in a cycle. A task that is as urgent already
# needs no row: those that it waits for inherit from itself.
_INHERITED = """
    WITH RECURSIVE waiting (task, priority) AS (
        SELECT id, priority FROM task WHERE state NOT IN ('COMPLETED','CANCELLED') AND unresolved > 0
        UNION
        SELECT d.parent, w.priority FROM waiting w
        JOIN task_dep d ON d.task = w.task JOIN task p ON p.id = d.parent AND p.priority > w.priority
    )
    SELECT task, MIN(priority) FROM waiting GROUP BY task
"""


def can_be_claimed() -> Any:
    """Return the condition of tasks that can be claimed now: due, free of intents, and with all parents merged."""
    due = TaskRow.not_before.is_null() | (TaskRow.not_before <= NOW_MS)
    free = TaskRow.id.not_in(IntentRow.select(IntentRow.task))
    parent = TaskRow.alias()
    gone = DependencyRow.select(DependencyRow.task).join(parent, on=(parent.id == DependencyRow.parent))
    based = TaskRow.id.not_in(gone.where(parent.reverted_oid.is_null(False)))
    return (TaskRow.state == "OPEN") & (TaskRow.unresolved == 0) & due & free & based


def in_order(store: Store, tasks: Iterable[Task]) -> list[Task]:
    """Sort tasks by priority and id. A task is as urgent as the most urgent unfinished one that waits for it."""
    inherited: dict[int, int] = dict(store.execute_sql(_INHERITED))
    return sorted(tasks, key=lambda task: (min(task.priority, inherited.get(task.id, task.priority)), task.id))
