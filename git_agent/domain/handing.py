"""Does a push hand a task in? Pure: the record against the tip that arrived."""

from __future__ import annotations

from git_agent.domain.task import Hold, State, Task


def hands_in(task: Task, tip: str) -> bool:
    """Tell whether a push of this tip hands a task in; as with `done`, not while it waits for an answer.

    tip: a full oid, with work of its own. The tip at which the last review or hold ended hands nothing in again.
    """
    waits = task.hold is Hold.NEEDS_INPUT
    return task.state in (State.ASSIGNED, State.WORKING) and not waits and tip != task.settled_oid
