"""Change what was said of a task when it was added."""

from __future__ import annotations

from typing import Any

from git_agent.actions.find import find
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.order import Order
from git_agent.domain.speaker import superseded_error
from git_agent.domain.task import FINISHED, State, Task
from git_agent.errors import AgentError, refused
from git_agent.store import events, tasks


def edit(app: App, ref: str | None, order: Order) -> Task:
    """Change the given things of a task. ref: a TASK argument.

    Raises AgentError: exit 3 for a finished task, a name that is taken, a cycle, or a base or name of a task whose
    branch is made already.
    """
    task = find(app, ref)
    if app.speaker.superseded(task):
        raise superseded_error(task, f"it is {task.state}")
    columns = _columns(app, task, order)
    parents = None if order.after is None else [find(app, after).id for after in order.after]
    actor = app.speaker.actor
    with app.store.transaction():
        now = tasks.get(task.id)
        _refuse(now, columns)
        if (
            "name_key" in columns
            and columns["name_key"] != names.key(now.name)
            and tasks.name_taken(columns["name_key"])
        ):
            raise refused("name-taken", f"the name '{columns['name']}' is taken", "choose another with --name")
        if columns:
            tasks.put(task.id, **columns)
        if parents is not None:
            tasks.set_parents(task.id, parents)
        if order.paths is not None:
            tasks.set_paths(task.id, order.paths)
        events.append("task.edited", actor, task=task.id, epoch=now.epoch, data=_told(columns, parents, order))
        return tasks.get(task.id)


def _columns(app: App, task: Task, order: Order) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if order.title is not None:
        columns["title"] = names.check_title(order.title)
    if order.body is not None:
        columns["body"] = names.check_body(order.body)
    if order.priority is not None:
        columns["priority"] = order.priority
    if order.agent is not None:
        columns["agent"] = order.agent or None
    if order.check is not None:
        columns["check_command"] = order.check or None
    if order.name is not None:
        name = names.check_name(order.name)
        columns.update(name=name, name_key=names.key(name))
    if order.base is not None and order.base != task.base:
        columns["base"] = _base(app, order.base)
    return columns


def _base(app: App, wanted: str) -> str:
    base = names.check_branch(wanted)
    if app.repo.branch_oid(base) is None:
        raise AgentError("unknown-base", f"there is no branch '{base}' here", f"git branch {base} <start>")
    return base


def _refuse(task: Task, columns: dict[str, Any]) -> None:
    if task.state in FINISHED:
        raise refused("finished", f"cannot edit {task.label}: it is {task.state}", f"git agent reopen {task.id}")
    fixed = [word for word in ("name", "base") if word in columns and columns[word] != getattr(task, word)]
    if fixed and task.state is not State.OPEN:
        raise refused(
            "branch-made",
            f"cannot change the {fixed[0]} of {task.label}: its branch '{task.branch}' is made already",
            f"git agent release {task.id} first",
        )


def _told(columns: dict[str, Any], parents: list[int] | None, order: Order) -> dict[str, Any]:
    told = {k: v for k, v in columns.items() if k != "name_key"}
    if parents is not None:
        told["after"] = parents
    if order.paths is not None:
        told["paths"] = list(order.paths)
    return told
