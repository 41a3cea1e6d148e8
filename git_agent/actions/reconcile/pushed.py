"""Hand in pushed work: IN_REVIEW, for the tip that arrived."""

from __future__ import annotations

from typing import Any

from git_agent.actions.path_claims.outside import warn_outside
from git_agent.actions.transition import transition
from git_agent.actions.worktrees import find_committed_context
from git_agent.app import App
from git_agent.domain.gates import hands_in
from git_agent.domain.speaker import GIT
from git_agent.domain.task import Step, Task


def hand_in(app: App, task: Task, tip: str, ref: str, **columns: Any) -> str:
    """Move a task to IN_REVIEW if a push hands something in; return a line that says so, or "".

    tip: where its branch is, with work of its own
    ref: where the tip arrived: a remote-tracking ref, or the remote's URL
    columns: what else was seen
    Call this in a transaction.
    Raises AgentError as transition does.
    """
    if not hands_in(task, tip):
        return ""
    attempt = app.store.attempts.find(task.id, task.attempt)
    if attempt is not None and attempt.start_oid == tip:
        return ""  # only commits of an earlier attempt or of an adopted branch
    seen = {"head_oid": tip, "pushed_oid": tip, "pushed_ref": ref, "reason": None}
    data = {"tip": tip, "ref": ref}
    done = transition(app, task, Step.PUSHED, seen=task, by=GIT, data=data, **{**columns, **seen})
    return f"{task.label} was pushed: IN_REVIEW" if done.moved else ""


def warn_pushed(app: App, task: Task, tip: str) -> list[str]:
    """Return a line if the push includes the context file, and one for each claim whose files it changes.

    tip: what was pushed, a full oid
    Asks git, so do not call it in a transaction.
    """
    _, carried = find_committed_context(app, task, tip)
    lines = [f"{carried.message}: {carried.hint}"] if carried else []
    return lines + warn_outside(app, task)
