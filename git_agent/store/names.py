"""Names of tasks. A name has at most one unfinished owner, and is free again when the owner is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_agent.errors import AgentError, refused
from git_agent.store import statements

if TYPE_CHECKING:
    from git_agent.store.store import Store


class Names:
    """The names of unfinished tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def taken(self, key: str) -> bool:
        """Return whether an unfinished task, or one that an undo is restoring, has the name.

        key: the key of the name
        Call it inside the transaction that assigns the name.
        """
        return bool(self._owners(key))

    def taken_error(self, name: str, key: str) -> AgentError:
        """Return the error (exit 3) for a name that another task has."""
        others = "".join(f"task {task} '{shown}'" for task, shown in self._owners(key)[:1])
        return refused("name-taken", f"the name '{name}' is taken by {others}", "choose another with --name")

    def require(self, name: str, key: str, task: int) -> None:
        """Require that a finished task can be reopened under its name.

        Raises AgentError (exit 3) when another task has the name now.
        """
        if others := self._owners(key, task):
            says = f"task {task} can't be reopened: the name '{name}' is taken by task {others[0][0]}"
            raise refused("name-taken", says, f"git agent show {others[0][0]}")

    def _owners(self, key: str, but: int = 0) -> list[tuple[int, str]]:
        return [(task, name) for task, name in self._store.rows(statements.NAME_OWNERS, key=key, but=but)]
