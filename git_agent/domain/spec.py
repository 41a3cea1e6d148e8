"""What is asked for when a task is added or edited; None leaves a value as it is, or at its default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A wish for a task. after: TASK arguments; priority: 0 (first) to 4; check: a command."""

    title: str | None = None
    body: str | None = None
    base: str | None = None
    after: tuple[str, ...] | None = None
    priority: int | None = None
    paths: tuple[str, ...] | None = None
    check: str | None = None
    name: str | None = None
    agent: str | None = None
