"""Enforce who may use a verb: the rules stand beside the verbs in git_agent/verbs.py."""

from __future__ import annotations

from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.speaker import COORDINATOR, HUMAN
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.verbs import VERBS, who_may

_CODES = {"trust": "worker-trust"}


def require_permission(app: App, task: Task | None = None) -> None:
    """Refuse a worker that may not use this command's verb, and record the refusal as an event.

    A worker is known by its worktree, its token or its environment, never by git author: agents commit under their
    user's name. With agent.workersReview a worker may review and merge the tasks of others.

    task: the task that the verb acts on; None before it is known, when only verbs that are never for workers are
        refused.
    Raises AgentError: exit 5 for a superseded worker, before anything else; exit 3 for another one.
    """
    who = who_may(app.verb, app.given) if app.verb else "anyone"
    if who == "anyone" or not app.speaker.identities:
        return
    worker = app.store.tasks.find(app.worker_of) if app.worker_of else None
    if worker is not None:
        require_current(app, worker)
    if task is not None:
        require_current(app, task)
    if who == "coordinator" or (task is not None and not _may(app, task)):
        _record(app, task or worker)
        raise _refusal(app, worker, task)


def _may(app: App, task: Task) -> bool:
    own = app.speaker.works_on(task)
    if who_may(app.verb, app.given) == "own":
        return own
    return not own and app.config.switch("agent.workersReview")


def _record(app: App, task: Task | None) -> None:
    if task is None:
        return
    actor = app.speaker.actor
    with app.store.transaction():
        app.store.events.append("task.refused", actor, task=task.id, epoch=task.epoch, data={"verb": app.verb})


def _refusal(app: App, worker: Task | None, task: Task | None) -> AgentError:
    who, verb = who_may(app.verb, app.given), app.verb
    if task is not None and who == "reviewer" and app.speaker.works_on(task):
        said = "request changes to" if verb == "request-changes" else verb
        says = f"cannot {said} {task.label}: you are its worker"
        return refused("own-task", says, f"somebody else decides about it: git agent send {HUMAN} TEXT")
    you = f"you are the worker of {worker.label}" if worker else "your environment is that of a worker"
    if task is not None and who == "own":
        says = f"cannot run 'git agent {verb}' on {task.label}: {you}"
        return refused("not-your-task", says, f"git agent show {task.id}")
    words = " ".join(("git agent", verb, *sorted(VERBS[verb.partition(" ")[0]].guarded & app.given)))
    says = f"'{words}' is not for workers: {you}"
    return refused(_CODES.get(verb, "not-for-workers"), says, f"to ask for it: git agent send {COORDINATOR} TEXT")
