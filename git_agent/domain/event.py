"""What happened: the append-only history that every state is the fold of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from git_agent.domain.task import State


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. at: ms since the epoch; source and target: the states (JSON: `from`, `to`); version: of
    the task after a change of state.
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
