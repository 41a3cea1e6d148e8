"""The paths that tasks intend to change."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

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
        found: dict[int, PathClaim] = {}
        rows = self._store.rows(statements.PATH_CLAIMS_OF_UNFINISHED)
        for task, state, base, pathspec in (row for row in rows if row[1] in states):
            held = found.get(task, PathClaim(task, State(state), base, ()))
            found[task] = held._replace(paths=(*held.paths, pathspec))
        return list(found.values())
