"""Remember which commit a person was shown, so that `approve` covers nothing that came later unseen."""

from __future__ import annotations

import contextlib
import os

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.proc import processes
from git_agent.store.meta import SHOWN

_MOST = 10  # the new commits that a refusal lists


def note_shown(app: App, task: Task, tip: str | None) -> None:
    """Note that this person was shown a task at a commit. A note that can't be written is skipped.

    A worker's reading is not noted, because it approves nothing in the person's name.
    tip: the commit, a full oid; None if there was nothing to show.
    """
    if tip is None or not task.live or (app.may_be_worker and app.speaker.identities):
        return
    if app.store.meta.get(_key(task)) == tip:
        return
    with contextlib.suppress(AgentError), app.store.transaction():
        app.store.meta.put(_key(task), tip)


def require_shown(app: App, task: Task, tip: str) -> None:
    """Refuse to approve a tip that moved since this person was shown the task.

    Whoever was never shown the task approves its tip. A tip that merges to the same tree counts as shown.
    tip: the branch's commit, a full oid.
    Raises AgentError (exit 3) with the new commits.
    """
    shown = None if app.speaker.is_worker else app.store.meta.get(_key(task))
    if shown in (None, tip) or _same_result(app, task, shown or "", tip):
        return
    new = app.repo.commits(shown or "", tip, limit=_MOST) if app.repo.resolve(shown or "") else []
    raise refused(
        "not-shown",
        f"cannot approve {task.label}: its branch has moved from {(shown or '')[:12]} to {tip[:12]} since you looked",
        f"git agent diff {task.id}, then git agent approve {task.id} --at {tip[:12]}",
        tuple(f"new: {commit.oid[:12]} {commit.subject}" for commit in new),
    )


def _same_result(app: App, task: Task, shown: str, tip: str) -> bool:
    base = app.repo.branch_oid(task.base)
    if base is None or app.repo.resolve(shown) is None:
        return False
    from git_agent.git.merging.landed import lands_same

    return lands_same(app.repo, base, shown, tip, task.base_oid)


def _key(task: Task) -> str:
    return f"{SHOWN}{processes.myself().host}:{os.getuid()}:{task.id}"
