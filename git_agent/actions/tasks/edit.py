"""Edit the specification of a task."""

from __future__ import annotations

from typing import Any

from git_agent.actions.lookup import find, resolve
from git_agent.actions.path_claims.overlaps import check_claims
from git_agent.actions.tasks.create import require_base
from git_agent.actions.transition import Transition, require_current
from git_agent.actions.worktrees import renew_context
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.spec import TaskSpec
from git_agent.domain.task import FINISHED, State, Task
from git_agent.errors import refused
from git_agent.store import meta


def edit(app: App, ref: str | None, order: TaskSpec) -> Transition:
    """Change the given fields of a task; return the task and whether anything changed.

    The worker of a live task gets a message that says what changed, and its context file is written again.

    ref: a TASK argument.
    order: the fields to change; None leaves a field as it is.
    Raises AgentError: exit 3 for a finished task, a name that is taken, a dependency cycle, or a new name or base for a
    task whose branch exists; and as check_claims does.
    """
    task = find(app, ref)
    require_current(app, task)
    columns = _columns(app, task, order)
    parents = None if order.after is None else [resolve(app, after).id for after in order.after]
    after = app.store.tasks.parents([task.id])[task.id] if parents is None else parents
    paths = check_claims(app, order.paths or (), columns.get("base", task.base), after, task.id)
    actor = app.speaker.actor
    lost = app.repo.branch_oid(task.base) is None
    with app.store.transaction():
        now = app.store.tasks.get(task.id)
        _refuse(now, columns, lost)
        if (
            "name_key" in columns
            and columns["name_key"] != names.name_key(now.name)
            and app.store.names.taken(columns["name_key"])
        ):
            raise app.store.names.taken_error(columns["name"], columns["name_key"])
        told = _told(app, now, columns, parents, order)
        if not told:
            return Transition(now, False)
        if columns:
            app.store.tasks.put(task.id, **columns)
        if parents is not None:
            app.store.tasks.set_parents(task.id, parents)
        if order.paths is not None:
            paths.require(app, task.id)
            app.store.tasks.set_paths(task.id, paths.paths)
        app.store.meta.delete(f"{meta.UNSTARTED}{task.id}")  # the change may be what lets it start
        app.store.events.append("task.edited", actor, task=task.id, epoch=now.epoch, data=told)
        _tell_worker(app, now, told)
        edited = app.store.tasks.get(task.id)
    if edited.live and told.keys() & {"title", "base"}:
        renew_context(app, edited)
    return Transition(edited, True)


_CONCERNS_WORKER = {"title": "title", "body": "body", "base": "base", "check_command": "check", "paths": "paths"}


def _tell_worker(app: App, task: Task, told: dict[str, Any]) -> None:
    """Send the worker of a live task a message. Its priority, name, agent and dependencies don't concern it."""
    changed = [word for key, word in _CONCERNS_WORKER.items() if key in told]
    if not changed or not task.live or app.speaker.works_on(task):
        return
    title = f" It is now called: {told['title']}." if "title" in told else ""
    body = f"the {' and the '.join(changed)} of {task.label} changed.{title} Read it again: git agent show {task.id}"
    draft = Draft(str(task.id), body, task.id, urgent=True)
    app.store.messages.send([draft], app.speaker.address, verified=app.speaker.verified)


def _columns(app: App, task: Task, order: TaskSpec) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if order.title is not None:
        columns["title"] = names.check_title(order.title)
    if order.body is not None:
        columns["body"] = names.check_body(order.body)
    if order.priority is not None:
        columns["priority"] = order.priority
    if order.agent is not None:
        columns["agent"] = names.check_line(order.agent, "agent") or None
    if order.check is not None:
        columns["check_command"] = names.check_line(order.check, "check") or None
    if order.name is not None:
        name = names.check_name(order.name)
        columns.update(name=name, name_key=names.name_key(name))
    if order.base is not None and order.base != task.base:
        columns |= {"base": require_base(app, order.base)[0], "base_seen": None, "upstream_seen": None}
    return columns


def _refuse(task: Task, columns: dict[str, Any], base_lost: bool) -> None:
    if task.state in FINISHED:
        raise refused("finished", f"cannot edit {task.label}: it is {task.state}", f"git agent reopen {task.id}")
    words = ("name",) if base_lost else ("name", "base")
    fixed = [word for word in words if word in columns and columns[word] != getattr(task, word)]
    if fixed and task.state is not State.OPEN:
        raise refused(
            "branch-made",
            f"cannot change the {fixed[0]} of {task.label}: its branch '{task.branch}' already exists",
            f"git agent release {task.id}",
        )


def _told(app: App, now: Task, columns: dict[str, Any], parents: list[int] | None, order: TaskSpec) -> dict[str, Any]:
    told = {k: v for k, v in columns.items() if k != "name_key" and v != getattr(now, k)}
    if parents is not None and sorted(parents) != sorted(app.store.tasks.parents([now.id])[now.id]):
        told["after"] = parents
    if order.paths is not None and list(order.paths) != app.store.tasks.paths([now.id])[now.id]:
        told["paths"] = list(order.paths)
    return told
