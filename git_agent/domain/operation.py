"""What one command did and `undo` takes back as one: the events that share an operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from git_agent.domain.event import Event

REMOVED, MERGED, CANCELLED, FIXED = "task.removed", "task.merged", "task.cancelled", "doctor.fixed"
UNDONE = "task.undone"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be undone. events: those that were not undone yet, the oldest first."""

    name: str
    events: tuple[Event, ...]

    @property
    def at(self) -> int:
        """Say when it ended: ms since the epoch."""
        return self.events[-1].at

    @property
    def kind(self) -> str:
        """Name the kind of its first event: a merge's removal belongs to the merge."""
        return self.events[0].kind

    @property
    def tasks(self) -> tuple[int, ...]:
        """List the tasks that it changed."""
        return tuple(dict.fromkeys(e.task for e in self.events if e.task is not None))

    @property
    def touched(self) -> frozenset[int | str]:
        """List the tasks, and the bases, that it changed."""
        return frozenset(self.tasks) | {e.data["base"] for e in self.events if e.kind == MERGED}

    @property
    def what(self) -> str:
        """Say what it did: `merge of task 3 into main`."""
        named = f"{'task' if len(self.tasks) == 1 else 'tasks'} {', '.join(map(str, self.tasks))}"
        first = self.events[0]
        if first.kind == MERGED:
            return f"merge of {named} into {first.data['base']}"
        words = {REMOVED: "removal of worktree and branch", CANCELLED: "cancellation"}
        if first.kind == FIXED:
            many = len(self.events)
            return f"fix of doctor: {first.data['text']}" if many == 1 else f"{many} fixes of doctor"
        return f"{words[first.kind]} of {named}"


def take_back_command(data: Mapping[str, Any]) -> str:
    """Write the command that takes a merge back by new commits. data: of its event: by, oid and old."""
    if data["by"] == "merge":
        return f"git revert -m 1 {data['oid'][:12]}"
    if data["by"] == "squash":
        return f"git revert {data['oid'][:12]}"
    return f"git revert {data['old'][:12]}..{data['oid'][:12]}"
