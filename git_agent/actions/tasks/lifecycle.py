"""Change the state of a task: start, release, fail, retry, cancel, reopen."""

from __future__ import annotations

from typing import Any

from git_agent.actions.liveness.sweep import note_running, terminate_superseded
from git_agent.actions.reconcile.reconcile import upstreams
from git_agent.actions.recovery.journal import new_operation
from git_agent.actions.transition import Transition, transition
from git_agent.actions.worktrees import note_files_left
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.task import FINISHED, State, Step, Task
from git_agent.errors import refused


def cancel(app: App, task: Task, reason: str | None = None, *, kill: bool = False) -> Transition:
    """Cancel a task. Its worker is superseded, and its dependents keep waiting.

    reason: shown with the task and sent to its worker.
    kill: also end the supervised command at once.
    Raises AgentError as transition does.
    """
    reason = None if reason is None else names.check_message(reason)
    text = f"task {task.id} was cancelled" + (f": {reason}" if reason else "")
    told = (Draft(str(task.id), text, task.id, urgent=True),) if task.live else ()
    operation = app.operation or new_operation()
    said = ({"reason": reason} if reason else {}) | ({"kill": True} if kill else {}) | {"operation": operation}

    def data(now: Task) -> dict[str, Any]:
        return said | {"hold": now.hold, "reason_before": now.reason}

    taken = transition(app, task, Step.CANCEL, drafts=told, data=data, reason=reason)
    if kill:
        terminate_superseded(app, taken.task)
    else:
        note_running(app, taken.task, ends=True)
    return taken


def reopen(app: App, task: Task) -> Transition:
    """Reopen a finished task.

    Raises AgentError: as transition does, and exit 3 when another task has taken its name.
    """
    if task.state in FINISHED and app.store.names.taken(names.name_key(task.name)):
        raise refused(
            "name-taken",
            f"cannot reopen {task.label}: another task is named '{task.name}'",
            "git agent add TITLE, to add a new one",
        )
    columns: dict[str, Any] = dict.fromkeys(
        ("merged_oid", "merged_by", "reviewed_oid", "reviewer", "reverted_oid", "reason")
    )
    taken = transition(app, task, Step.REOPEN, drafts=_told(task), **columns, **_from_here(app, task))
    note_files_left(app, taken.task)
    return taken


def _from_here(app: App, task: Task) -> dict[str, Any]:
    """Return the columns that make everything but what was merged count as work of the reopened task.

    Commits that came after the merge count, and so does all that a cancelled task has.
    """
    tips = app.sighted or app.repo.start_tips()()
    tip = tips.heads.get(task.branch or "") or task.head_oid
    upstream = tips.remotes.get(upstreams(app, [task.base])[task.base])
    seen = {"head_oid": tip, "base_seen": tips.heads.get(task.base), "upstream_seen": upstream, "likely_oid": None}
    merged = (task.head_oid or tip) if task.state is State.COMPLETED else None
    return seen if merged is None else {**seen, "base_oid": merged, "worked": int(tip != merged)}


def _told(task: Task) -> list[Draft]:
    """Draft a message that says how to restore a reverted merge.

    To git, a branch whose merge was reverted is still merged, so merging it again changes nothing.
    """
    if task.reverted_oid is None:
        return []
    oid = task.reverted_oid[:12]
    body = f"the merge of {task.label} was reverted by {oid}: git merge {task.base}, then git revert {oid}, restores it"
    return [Draft(str(task.id), body, task.id)]


def start(app: App, task: Task) -> Transition:
    """Start a task, end its hold, or withdraw it from review. Raises AgentError as transition does."""
    taken = transition(app, task, Step.START)
    if taken.moved:
        app.store.leases.begin(task.id)
    return taken


def release(app: App, task: Task) -> Transition:
    """Release a task, which returns it to the queue. Raises AgentError as transition does."""
    taken = transition(app, task, Step.RELEASE)
    note_running(app, taken.task)
    note_files_left(app, taken.task)
    return taken


def fail(app: App, task: Task, reason: str) -> Transition:
    """Fail a task. Its dependents keep waiting.

    reason: shown with the task.
    Raises AgentError as transition does.
    """
    why = names.check_message(reason)
    taken = transition(app, task, Step.FAIL, data={"reason": why}, reason=why)
    note_running(app, taken.task)
    return taken


def retry(app: App, task: Task) -> Transition:
    """Return a failed task to the queue. The next attempt starts from the commits of the last one.

    Raises AgentError as transition does.
    """
    taken, limit = (
        transition(app, task, Step.RETRY, reason=None, not_before=None),
        app.config.number("agent.maxAttempts"),
    )
    note_files_left(app, taken.task)
    if taken.task.attempt >= limit:
        app.notice(f"its attempts are used up; for another one: git config agent.maxAttempts {taken.task.attempt + 1}")
    return taken
