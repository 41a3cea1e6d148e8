"""What a scene is: a command to hurt, what has to be there before it, and what must be there after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.sandbox import Sandbox


@dataclass(frozen=True)
class Scene:
    """A command to hurt. prepare: makes what it needs; goal: the states of all tasks when it was done again; files:
    what must stand below the worktrees' directory then; shown: a query of the store whose first value is true then; a
    command with one is a single transaction.
    """

    name: str
    argv: tuple[str, ...]
    prepare: Callable[[Sandbox], None]
    goal: str
    files: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""
