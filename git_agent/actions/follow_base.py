"""A task whose base is another task's branch goes, once that one is merged, into what it was merged into."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.speaker import GIT
from git_agent.git.repo import Tips
from git_agent.store import events, sights, tasks


def follow_base(app: App, tips: Tips) -> list[str]:
    """Give unfinished tasks whose base was merged its base; return a line for each.

    Their branches are left alone: what they have of the one below is in the new base, too, unless it was squashed.
    """
    lines = []
    for task, below in sights.stacked_on_merged():
        if below.base not in tips.heads:
            continue
        with app.store.transaction():
            now = tasks.get(task.id)
            if now.base != below.branch:
                continue
            # Looked at from where the one below began: what was merged into the base since may be this one, too.
            tasks.put(now.id, base=below.base, base_seen=below.base_oid, upstream_seen=None)
            data = {"from": below.branch, "to": below.base, "text": f"into '{below.base}'"}
            events.append("task.followed", GIT, task=now.id, epoch=now.epoch, data=data)
        lines.append(f"task {task.id} goes into '{below.base}' now, since '{below.branch}' was merged")
    return lines
