"""The paths that tasks intend to change."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from git_agent.domain.path_claim import PathClaim
from git_agent.domain.task import State
from git_agent.store import statements

if TYPE_CHECKING:
    from git_agent.store.store import Store


class PathClaims:
    """The paths that tasks intend to change."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of_states(self, states: Collection[State]) -> list[PathClaim]:
        """List the claims of unfinished tasks in these states, ordered by task. Tasks without a claim are left out."""
        rows = self._store.rows(statements.PATH_CLAIMS_OF_UNFINISHED)
        return _claims(row for row in rows if row[1] in states)

    def of_live_and(self, tasks: Iterable[int]) -> list[PathClaim]:
        """List the claims of the live tasks and of those of these that are OPEN, ordered by task.

        Reads no claims of other OPEN tasks.
        """
        return _claims(self._store.rows(statements.PATH_CLAIMS_OF_LIVE_AND, tasks=json.dumps(list(tasks))))


def _claims(rows: Iterable[tuple[Any, ...]]) -> list[PathClaim]:
    found: dict[int, PathClaim] = {}
    for task, state, base, pathspec in rows:
        held = found.get(task, PathClaim(task, State(state), base, ()))
        found[task] = held._replace(paths=(*held.paths, pathspec))
    return list(found.values())
