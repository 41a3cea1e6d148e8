"""Check that a branch still has what was handed in."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.gates import handed_in_gone_error
from git_agent.domain.task import Task
from git_agent.git.merging.fork import own_work
from git_agent.git.refs import find_ref
from git_agent.git.repo import HANDED_IN


def require_work(app: App, task: Task, base_oid: str, tip: str) -> None:
    """Refuse (exit 3) a branch without work of its own, unless it was handed in like that.

    base_oid, tip: where base and branch are, full oids
    """
    if own_work(app.repo, base_oid, tip, task.base_oid, limit=1):
        return
    handed = find_ref(app.repo, f"{HANDED_IN}{task.id}")
    if handed != tip:  # otherwise it was handed in with --allow-empty
        raise handed_in_gone_error(task, handed)
