"""Verbs that create, assign and change tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from git_agent.app import App
from git_agent.cli.command import Answer, read_text, screen, task_answer, task_argument, undo_hint, verb
from git_agent.cli.parsing import Finite
from git_agent.cli.several import Each, each_task, tasks_argument
from git_agent.errors import usage

if TYPE_CHECKING:
    from git_agent.domain.spec import TaskSpec
    from git_agent.domain.task import Task

_ORDER = (
    click.option("--title", "given_title", metavar="TEXT", help="Set the title: one line of at most 200 characters."),
    click.option("-F", "--file", "body_file", metavar="FILE", help="Read the body from FILE, - for standard input."),
    click.option("-b", "--base", metavar="BRANCH", help="Start from this branch and merge into it."),
    click.option("--after", multiple=True, metavar="TASK", help="Wait until TASK is completed; may be repeated."),
    click.option(
        "-p", "--priority", type=click.IntRange(0, 4), metavar="N", help="Set the priority: 0 first, 4 last; 2 if new."
    ),
    click.option(
        "--path",
        "paths",
        multiple=True,
        metavar="PATHSPEC",
        help="Declare what the task changes, from the top of the repository; may be repeated.",
    ),
    click.option("--check", metavar="COMMAND", help="Check the merged result with COMMAND instead of agent.check."),
    click.option("--name", metavar="NAME", help="Set the short name; a new task gets one from its title."),
)


def _order_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    for option in reversed(_ORDER):
        function = option(function)
    return function


def _order(title: str | None, agent: str | None = None, *, new: bool = True, **given: Any) -> TaskSpec:
    from git_agent.domain.names import split_title
    from git_agent.domain.spec import TaskSpec

    if title is not None and given["given_title"] is not None:
        raise usage("two-titles", "the title is given twice", "give TITLE or --title TEXT")
    body = None if given["body_file"] is None else read_text(given["body_file"])
    given_title = title if title is not None else given["given_title"]
    if given_title is not None and new:
        given_title, body = split_title(given_title, body)
    return TaskSpec(
        title=given_title,
        body=body,
        base=given["base"],
        after=_several(given["after"]),
        priority=given["priority"],
        paths=_several(given["paths"]),
        check=given["check"],
        name=given["name"],
        agent=agent,
    )


def _several(given: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the given texts. An empty text clears the list, and None, for no text, leaves it unchanged."""
    return tuple(text for text in given if text) if given else None


def _written(app: App, title: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a new task; without a title, a person writes it and the body in the editor."""
    if title is not None or given["given_title"] is not None or given["body_file"] is not None:
        return given
    from git_agent.cli.questions import ask_for_text, can_ask

    if not can_ask(app):
        return given
    from git_agent.actions.tasks.create import find_editor

    return {**given, "given_title": ask_for_text(find_editor(app))}


@verb("add", creates=True)
@click.argument("title", required=False)
@_order_options
def add_verb(app: App, title: str | None, **given: Any) -> Answer:
    """Add a task to the queue. The task is OPEN. Without TITLE, the editor opens on a terminal.

    Workers take it with `git agent claim`; `git agent spawn TASK` gives it a worktree.
    """
    from git_agent.actions.tasks.create import add

    task = add(app, _order(title, **_written(app, title, given)))
    return task_answer(app, task, [f"{task.label} {task.name} is {task.state}"])


@verb("edit")
@task_argument()
@_order_options
def edit_verb(app: App, task: str | None, **given: Any) -> Answer:
    """Change a task's title, body, base, dependencies, priority, paths, check or name.

    --after and --path replace the previous values; an empty value (--after '') removes all.
    """
    from git_agent.actions.tasks.edit import edit

    if not any(given.values()) and given["priority"] is None:
        raise usage("nothing-given", "no change is given", "git agent edit -h")
    taken = edit(app, task, _order(None, new=False, **given))
    return task_answer(app, taken.task, [f"{taken.task.label} is {'changed' if taken.moved else 'already like that'}"])


@verb("spawn", creates=True, configured=True, command="[-- COMMAND...]")
@click.argument("what", required=False, metavar="[TITLE | TASK]")
@_order_options
@click.option("-a", "--agent", metavar="AGENT", help="Name the agent that will work on it.")
@click.option("--branch", metavar="BRANCH", help="Adopt an existing branch instead of creating one.")
@click.option("--run", "runs", is_flag=True, help="Run the agent's command there in the background.")
def spawn_verb(
    app: App,
    what: str | None,
    agent: str | None,
    branch: str | None,
    runs: bool,
    command: Sequence[str],
    **given: Any,
) -> Answer:
    """Create a branch and a worktree for a task, which becomes ASSIGNED. The worktree's path is printed last.

    A number, a branch or the name of an open task selects that task; anything else is the title of a new task. With
    --run or a command, an agent runs there in the background, as with `git agent run --detach`: the task is WORKING.
    """
    from git_agent.actions.attempts.spawn import find_meant, spawn

    task = None if what is None else find_meant(app, what)
    if task is not None and any(value or value == 0 for value in given.values()):
        hint = f"git agent edit {task.id}, then git agent spawn {task.id}"
        raise usage("task-and-options", f"{task.label} already exists", hint)
    if task is None:
        given = _written(app, what, given)
    order = _order(None if task else what, agent, **given)
    if not runs and not command:
        return _placed(app, spawn(app, order, task, adopt=branch))
    from git_agent.actions.lookup import reread
    from git_agent.actions.running.run import choose_agent
    from git_agent.runtime.running import run_behind

    chosen = choose_agent(app, task, agent, command)
    made = spawn(app, order, task, adopt=branch)
    pid = run_behind(app, made, chosen)
    return _placed(app, reread(app, made), f"{made.label} is running: process {pid}")


def _placed(app: App, task: Task, *more: str) -> Answer:
    talk = [f"{task.label} {task.name}: branch {task.branch}, base {task.base}, attempt {task.attempt}", *more]
    return task_answer(app, task, [task.worktree or ""], talk)


@verb("ready", configured=True)
@click.option("--why", is_flag=True, help="Show what blocks the other tasks.")
def ready_verb(app: App, why: bool) -> Answer:
    """List the tasks that can be claimed, the next one first. What an urgent task waits for is as urgent as that."""
    from git_agent.actions.views.ready import ready
    from git_agent.render import json, lines

    found = ready(app)
    blocked = [{"task": b.task, "why": b.line, "by": list(b.by)} for b in found.blocked]
    payload = {"tasks": [json.task_json(v) for v in found.tasks], "blocked": blocked}
    return Answer(payload, lines.ready_lines(found, screen(app), why))


@verb("claim", configured=True)
@task_argument()
@click.option("--wait", is_flag=True, help="Wait until a task can be claimed.")
@click.option("--timeout", type=Finite(0), metavar="S", help="Wait at most S seconds.")
def claim_verb(app: App, task: str | None, wait: bool, timeout: float | None) -> Answer:
    """Take the next task from the queue, or TASK, and create its branch and worktree as `spawn` does.

    If the worker is silent for longer than agent.lease, the task returns to the queue. If there is nothing to claim,
    the exit code is 6.
    """
    from git_agent.actions.attempts.claim import claim
    from git_agent.actions.lookup import find

    chosen = None if task is None else find(app, task)
    return _placed(app, claim(app, chosen, wait=wait, timeout_s=timeout))


@verb("reassign", configured=True)
@task_argument(required=True)
@click.option("-a", "--agent", metavar="AGENT", help="Name the agent that continues.")
@click.option("--fresh", is_flag=True, help="Start from the base instead of from the last commit.")
@click.option("--kill", is_flag=True, help="Also end the supervised command of the previous worker.")
def reassign_verb(app: App, task: str, agent: str | None, fresh: bool, kill: bool) -> Answer:
    """Give a task to another worker: a new attempt with its own branch and worktree, from the last commit.

    The previous worker is superseded: its `git agent` commands exit with 5. Its worktree stays.
    """
    from git_agent.actions.attempts.reassign import reassign
    from git_agent.actions.lookup import find

    return _placed(app, reassign(app, find(app, task), agent=agent, fresh=fresh, kill=kill))


def _stepped(
    app: App, tasks: Sequence[str], step: Callable[..., Any], *, undone: bool = False, **options: Any
) -> Answer:
    """Make a transition of each task and report their states.

    tasks: TASK arguments
    step: the action that makes the transition
    undone: whether `undo` can reverse it
    options: further arguments of the action
    """

    def one(task: Task) -> Each:
        taken = step(app, task, **options)
        lines = [f"{taken.task.label} is {taken.task.state}" + ("" if taken.moved else " already")]
        return Each(taken.task, lines, undo_hint(app, undone and taken.moved))

    return each_task(app, tasks, one)


@verb("release")
@tasks_argument()
def release_verb(app: App, tasks: Sequence[str]) -> Answer:
    """Put tasks back into the queue. A task is OPEN then; its worktree and branch stay. The attempt counts."""
    from git_agent.actions.tasks.lifecycle import release

    return _stepped(app, tasks, release)


@verb("fail")
@task_argument()
@click.option("-m", "--message", "reason", required=True, metavar="REASON", help="Give the reason.")
def fail_verb(app: App, task: str | None, reason: str) -> Answer:
    """Give up a task, which becomes FAILED. Tasks that depend on it keep waiting."""
    from git_agent.actions.tasks.lifecycle import fail

    return _stepped(app, [] if task is None else [task], fail, reason=reason)


@verb("retry", configured=True)
@tasks_argument(required=True)
@click.option("--run", "runs", is_flag=True, help="Run the agent's command there at once, in the background.")
def retry_verb(app: App, tasks: Sequence[str], runs: bool) -> Answer:
    """Put failed tasks back into the queue. A task is OPEN then; the next attempt starts from its last commit.

    With --run, the next attempt begins at once, as with `git agent spawn TASK --run`: the task is WORKING.
    """
    from git_agent.actions.tasks.lifecycle import retry

    return each_task(app, tasks, lambda task: _run_again(app, task)) if runs else _stepped(app, tasks, retry)


def _run_again(app: App, task: Task) -> Each:
    """Put a task back into the queue, and run its agent. The command is chosen first, so that nothing is half done."""
    from git_agent.actions.attempts.spawn import spawn
    from git_agent.actions.lookup import reread
    from git_agent.actions.running.run import choose_agent
    from git_agent.actions.tasks.lifecycle import retry
    from git_agent.runtime.running import run_behind

    chosen = choose_agent(app, task, None, ())
    made = spawn(app, None, retry(app, task).task)
    pid = run_behind(app, made, chosen)
    return Each(reread(app, made), [f"{made.label} is running: process {pid}"])


@verb("cancel")
@tasks_argument()
@click.option("-m", "--message", "reason", metavar="REASON", help="Give the reason; it is sent to the worker.")
@click.option("--kill", is_flag=True, help="Also end the supervised command at once.")
def cancel_verb(app: App, tasks: Sequence[str], reason: str | None, kill: bool) -> Answer:
    """Cancel tasks, which become CANCELLED. Their workers are superseded; worktrees stay until `rm` or `clean`.

    A running command is asked to end after 10 seconds, or at once with --kill.
    """
    from git_agent.actions.tasks.lifecycle import cancel

    return _stepped(app, tasks, cancel, undone=True, reason=reason, kill=kill)


@verb("reopen")
@tasks_argument(required=True)
def reopen_verb(app: App, tasks: Sequence[str]) -> Answer:
    """Put completed or cancelled tasks back into the queue. A task is OPEN then; tasks that depend on it wait again."""
    from git_agent.actions.tasks.lifecycle import reopen

    return _stepped(app, tasks, reopen)
