"""Review a task: approve one commit, or request changes."""

from __future__ import annotations

from git_agent.actions.lookup import require_work
from git_agent.actions.tasks.shown import require_shown
from git_agent.actions.transition import Transition, transition
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.gates import no_branch_error
from git_agent.domain.message import Draft
from git_agent.domain.task import Hold, State, Step, Task
from git_agent.errors import AgentError, refused
from git_agent.git import rescues
from git_agent.git.refs import name_replacements


def approve(app: App, task: Task, *, at: str | None = None, note: str | None = None) -> Transition:
    """Approve a task at the tip of its branch.

    at: the commit that was reviewed, under any name; None for whatever the branch is at.
    note: a message to the worker.
    Raises AgentError: exit 3 when the branch is gone, is not at the reviewed commit, has lost what was handed in, or
    has moved since the person who approves was shown it.
    """
    text = None if note is None else names.check_message(note, app.config.number("agent.maxMessage"))
    tip = app.repo.branch_oid(task.branch) if task.branch else None
    if task.state in (State.IN_REVIEW, State.APPROVED):
        if tip is None:
            raise no_branch_error(task)
        _check_at(app, task, at, tip)
        if at is None:
            require_shown(app, task, tip)
        if (base := app.repo.branch_oid(task.base)) is not None:
            require_work(app, task, base, tip)
        rescues.keep_handed_in(app.repo, task.id, tip)
        if (replaced := name_replacements(app.repo)) is not None:
            app.notice(f"because of {replaced}, git may show something else than what was approved: git agent doctor")
    reviewer = app.speaker.actor if app.speaker.is_worker else app.identity
    told = (Draft(str(task.id), text, task.id),) if text else ()
    return transition(
        app,
        task,
        Step.APPROVE,
        seen=task,
        drafts=told,
        data={"reviewed_oid": tip, "note": text},
        reviewed_oid=tip,
        reviewer=reviewer,
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


def request_changes(app: App, task: Task, text: str) -> Transition:
    """Ask the worker of a task for changes, which revokes an approval.

    If changes are already requested and the worker has not gone on, only the text is sent.
    text: the changes that are requested.
    Raises AgentError: exit 3 for a task that is not in review.
    """
    body = names.check_message(text, app.config.number("agent.maxMessage"))
    told = Draft(str(task.id), body, task.id, urgent=True, needs_ack=True)
    taken = transition(
        app,
        task,
        Step.REQUEST_CHANGES,
        drafts=(told,),
        data={"text": body, "tip": app.sighted_heads.get(task.branch or "")},
        reviewed_oid=None,
        reviewer=None,
        reason=body,
    )
    if not taken.moved and taken.task.state is State.WORKING and taken.task.hold is Hold.CHANGES_REQUESTED:
        with app.store.transaction():
            app.store.messages.send([told], app.speaker.address, verified=app.speaker.verified)
    return taken
