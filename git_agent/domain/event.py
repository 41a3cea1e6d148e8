"""What happened: the append-only history that every state is the fold of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from git_agent.domain.task import State


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. at: ms since the epoch; source and target: the states (JSON: `from`, `to`)."""

    seq: int
    at: int
    kind: str
    task: int | None
    actor: str
    source: State | None
    target: State | None
    epoch: int | None
    data: Mapping[str, Any]


def fold(events: Iterable[Event]) -> State | None:
    """Follow a task's events to the state they end in.

    Returns None for no events. Raises ValueError at the first event that does not start where the one before ended.
    """
    state: State | None = None
    for event in events:
        if event.target is None:
            continue
        if event.source is not state:
            raise ValueError(f"event {event.seq} starts at {event.source}, but the task was {state}")
        state = event.target
    return state
