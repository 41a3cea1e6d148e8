"""The queue: the tasks that can be claimed now, in their order, read a few at a time."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from git_agent.domain.task import Task
from git_agent.store import statements

if TYPE_CHECKING:
    from git_agent.store.store import Store

_ANY = 1 << 31  # more attempts than a task can have
_FIRST_PAGE, _LAST_PAGE = 8, 512  # pages double: most claims take one of the first tasks, and some must read far


class Queue:
    """The OPEN tasks that can be claimed now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ready(self, max_attempts: int | None = None) -> Iterator[Task]:
        """Yield the tasks that can be claimed now, the next one first. Tasks with an intent are left out.

        max_attempts: leave out tasks that had so many attempts
        Reads no further than the tasks are taken, so that a claim costs the same however many tasks are OPEN.
        """
        attempts = _ANY if max_attempts is None else max_attempts
        inherited = self._inherited()
        promoted = self._among(inherited, attempts) if inherited else []
        if not promoted:
            return self._by_priority(attempts)
        ahead = {task.id for task in promoted}
        others = (task for task in self._by_priority(attempts) if task.id not in ahead)
        return heapq.merge(_sorted(promoted, inherited), others, key=lambda task: _place(task, inherited))

    def in_order(self, tasks: Iterable[Task]) -> list[Task]:
        """Sort OPEN tasks by priority and id. A task is as urgent as the most urgent one that waits for it."""
        return _sorted(tasks, self._inherited())

    def _inherited(self) -> dict[int, int]:
        """Map tasks to the priority of the most urgent one that waits for them, if that is not less than their own."""
        return dict(self._store.rows(statements.INHERITED_PRIORITIES))

    def _among(self, ids: Iterable[int], attempts: int) -> list[Task]:
        rows = self._store.rows(statements.READY_TASKS_AMONG, tasks=json.dumps(list(ids)), attempts=attempts)
        return self._store.tasks.of_rows(rows)

    def _by_priority(self, attempts: int) -> Iterator[Task]:
        """Yield the tasks by their own priority and id, read in pages."""
        limit, priority, after = _FIRST_PAGE, -1, 0
        while True:
            given = {"attempts": attempts, "priority": priority, "after": after, "limit": limit}
            page = self._store.tasks.of_rows(self._store.rows(statements.READY_TASKS, **given))
            yield from page
            if len(page) < limit:
                return
            limit, priority, after = min(2 * limit, _LAST_PAGE), page[-1].priority, page[-1].id


def _sorted(tasks: Iterable[Task], inherited: dict[int, int]) -> list[Task]:
    return sorted(tasks, key=lambda task: _place(task, inherited))


def _place(task: Task, inherited: dict[int, int]) -> tuple[int, int]:
    return min(task.priority, inherited.get(task.id, task.priority)), task.id
