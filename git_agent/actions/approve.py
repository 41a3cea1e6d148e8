"""Accept the reviewed commit: APPROVED, bound to it."""

from __future__ import annotations

from git_agent.actions.forbid_own import forbid_own
from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError, refused


def approve(app: App, task: Task, *, at: str | None = None, note: str | None = None) -> Taken:
    """Approve a task at the commit its branch is at.

    at: the reviewed oid (or any name of it), when the reviewer wants to be sure; note: goes to the worker. Raises
    AgentError: exit 3 for the task's own worker, or when the branch is not at the reviewed commit.
    """
    forbid_own(app, task, "approve")
    text = None if note is None else names.check_message(note, app.config.number("agent.maxMessage"))
    tip = app.repo.branch_oid(task.branch) if task.branch else None
    if task.state in (State.IN_REVIEW, State.APPROVED):
        if tip is None:
            raise refused("no-branch", f"branch '{task.branch}' of {task.label} is gone", f"git agent show {task.id}")
        _check_at(app, task, at, tip)
    identity = app.identity
    told = (Draft(str(task.id), text, task.id),) if text else ()
    return take(
        app,
        task,
        Step.APPROVE,
        seen=task,
        drafts=told,
        data={"reviewed_oid": tip, "note": text},
        reviewed_oid=tip,
        reviewer=identity,
        head_oid=tip,
    )


def _check_at(app: App, task: Task, at: str | None, tip: str) -> None:
    if at is None:
        return
    oid = app.repo.resolve(at)
    if oid is None:
        raise AgentError("unknown-commit", f"there is no commit '{at[:60]}'", f"git agent log {task.id}")
    if oid != tip:
        raise refused(
            "not-the-tip",
            f"cannot approve {task.label} at {oid[:12]}: the branch is at {tip[:12]}",
            f"git agent diff {task.id}, then git agent approve {task.id} --at {tip[:12]}",
        )
