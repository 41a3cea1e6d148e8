"""Put a finished task back into the queue: OPEN. Its dependents wait for it again."""

from __future__ import annotations

from typing import Any

from git_agent.actions.take import Taken, take
from git_agent.actions.upstreams import upstreams
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.task import FINISHED, Step, Task
from git_agent.errors import refused
from git_agent.store import namesakes


def reopen(app: App, task: Task) -> Taken:
    """Reopen a task. Raises AgentError as take does, and exit 3 when its name was taken meanwhile."""
    if task.state in FINISHED and namesakes.taken(names.key(task.name)):
        raise refused(
            "name-taken",
            f"cannot reopen {task.label}: another task is named '{task.name}'",
            "git agent add TITLE, for a new one",
        )
    columns: dict[str, Any] = dict.fromkeys(
        ("merged_oid", "merged_by", "reviewed_oid", "reviewer", "reverted_oid", "reason")
    )
    return take(app, task, Step.REOPEN, drafts=_told(task), **columns, **_from_here(app, task))


def _from_here(app: App, task: Task) -> dict[str, Any]:
    """What was merged is no work of the reopened task: only what its branch gets from now on is."""
    tips = app.sighted or app.repo.start_tips()()
    tip = tips.heads.get(task.branch or "") or task.head_oid
    upstream = tips.remotes.get(upstreams(app, [task.base])[task.base])
    seen = {"head_oid": tip, "base_seen": tips.heads.get(task.base), "upstream_seen": upstream}
    return {**seen, "base_oid": tip or task.base_oid, "worked": 0, "likely_oid": None}


def _told(task: Task) -> list[Draft]:
    """Git takes a branch whose merge was reverted for merged: merging it again would bring nothing back."""
    if task.reverted_oid is None:
        return []
    oid = task.reverted_oid[:12]
    body = (
        f"the merge of {task.label} was reverted by {oid}: git merge {task.base}, then git revert {oid}, brings it back"
    )
    return [Draft(str(task.id), body, task.id)]
