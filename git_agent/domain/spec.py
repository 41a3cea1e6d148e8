"""The values given when a task is added or edited. None keeps the current value, or the default."""

from __future__ import annotations

from git_agent.record import Record


class TaskSpec(Record):
    """The values given for a task.

    after: TASK arguments; paths: pathspecs; priority: 0 (first) to 4; check: a command
    """

    title: str | None = None
    body: str | None = None
    base: str | None = None
    after: tuple[str, ...] | None = None
    priority: int | None = None
    paths: tuple[str, ...] | None = None
    check: str | None = None
    name: str | None = None
    agent: str | None = None
