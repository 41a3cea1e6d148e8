"""Verbs that take several tasks: all are looked up first, and what can't be done stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from git_agent.app import App
from git_agent.cli.command import Answer, task_answer
from git_agent.errors import AgentError
from git_agent.record import Record

if TYPE_CHECKING:
    from git_agent.domain.task import Task


class Each(Record):
    """What a verb did to one task.

    lines: the text for people
    hints: lines for stderr, printed after the text
    more: further fields of the JSON object; with several tasks each is an object by task
    """

    task: Task
    lines: Sequence[str]
    hints: Sequence[str] = ()
    more: Mapping[str, Any] = {}


def tasks_argument(required: bool = False) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Return the TASK... argument. Without TASK, the task of a worker's worktree is meant, unless it is required."""
    return click.argument("tasks", nargs=-1, required=required, metavar="TASK..." if required else "[TASK...]")


def each_task(app: App, refs: Sequence[str], act: Callable[[Task], Each], **common: Any) -> Answer:
    """Do something to each of several tasks, and name those for which it was not possible.

    refs: TASK arguments; none means the task of the current worktree
    act: does it to one task
    common: fields of the JSON object that belong to no single task
    A single task that can't be done raises its error. Of several, the exit code is that of the first error.
    """
    from git_agent.actions.lookup import find
    from git_agent.actions.recovery.journal import new_operation

    found = list({task.id: task for task in [find(app, ref) for ref in refs or (None,)]}.values())
    if len(found) == 1:
        one = act(found[0])
        return task_answer(app, one.task, one.lines, **one.more, **common)._replace(hints=one.hints)
    app.operation = new_operation()  # undo takes all of it back at once
    done, failed = list[Each](), dict[int, AgentError]()
    for task in found:
        try:
            done.append(act(task))
        except AgentError as error:
            failed[task.id] = error
    return _several(app, done, failed, common)


def _several(app: App, done: Sequence[Each], failed: Mapping[int, AgentError], common: Mapping[str, Any]) -> Answer:
    from git_agent.render.text import error_lines

    def payload() -> dict[str, Any]:
        from git_agent.actions.views.task import view
        from git_agent.render import json

        keys = dict.fromkeys(key for each in done for key in each.more)
        return {
            "tasks": [json.task_json(v) for v in view(app, [each.task for each in done], counts=True)],
            "failed": [{"task": task, **json.error_json(error)} for task, error in failed.items()],
            **{key: {str(each.task.id): each.more[key] for each in done} for key in keys},
            **common,
        }

    hints = list(dict.fromkeys(line for each in done for line in each.hints))
    talk = [line for error in failed.values() for line in error_lines(error)]
    code = next((int(error.exit) for error in failed.values()), 0)
    return Answer(payload, [line for each in done for line in each.lines], talk, hints, exit=code)
