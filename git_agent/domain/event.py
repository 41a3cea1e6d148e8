"""Events: the append-only history. A task's state is the replay of its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_agent.domain.task import State
from git_agent.record import Record


class Event(Record):
    """One event.

    at: ms since the epoch
    source, target: the task's state before and after (`from` and `to` in JSON); None if the state did not change
    version: the task's version after a change of state
    """

    seq: int
    at: int
    kind: str
    task: int | None
    actor: str
    source: State | None
    target: State | None
    epoch: int | None
    data: Mapping[str, Any]
    version: int | None = None

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return what suggests that a worker acted in the actor's name."""
        found = self.data.get("evidence")
        return tuple(map(str, found)) if isinstance(found, list) else ()
