"""Why a task can't be merged now, by its record and where its branch is."""

from __future__ import annotations

from git_agent.domain.landing import may_land
from git_agent.domain.task import Step, Task, event_kind
from git_agent.errors import AgentError
from git_agent.store import events


def not_landable(task: Task, tip: str | None) -> AgentError | None:
    """Say why a task must not be merged, None when it may. tip: the branch's oid now, None when it is gone."""
    last = events.last_change(task.id)
    moved = last is not None and last.kind == event_kind(Step.MOVED)
    return may_land(task, tip, last.data.get("reviewed_oid") if last is not None and moved else None)
