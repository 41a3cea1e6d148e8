"""Verbs for a worker."""

from __future__ import annotations

import functools
from typing import Any

import click

from git_agent.app import App
from git_agent.cli.command import Answer, task_answer, task_argument, verb


def _taken(app: App, taken: Any, more: str = "") -> Answer:
    task = taken.task
    words = (task.label, "is", task.state, task.hold, None if taken.moved else "already")
    return task_answer(app, task, [" ".join(filter(None, words)) + more])


@verb("start")
@task_argument()
def start_verb(app: App, task: str | None) -> Answer:
    """Begin or resume work: the task becomes WORKING. This ends a hold, or withdraws the task from review."""
    from git_agent.actions.lookup import find, unattended
    from git_agent.actions.tasks.lifecycle import start

    taken = start(app, find(app, task))
    nobody = unattended(app, taken.task)
    return _taken(app, taken, f"; {nobody}" if nobody else "")


@verb("heartbeat", looks=False, configured=True)
@task_argument()
@click.option("-m", "--message", "note", metavar="NOTE", help="Describe the work; this counts as progress.")
@click.option("--while-pid", type=click.IntRange(1), metavar="PID", help="Send heartbeats until this process ends.")
def heartbeat_verb(app: App, task: str | None, note: str | None, while_pid: int | None) -> Answer:
    """Signal that the worker is alive: once, or every agent.beat while a process runs."""
    from git_agent.actions.liveness.heartbeat import heartbeat
    from git_agent.actions.lookup import find

    found = find(app, task)
    beaten = heartbeat(app, found, note)
    if while_pid is not None:
        from git_agent.runtime.beating import beat_while

        beaten = beat_while(app, found, while_pid)
    return task_answer(app, beaten, [" ".join(filter(None, (beaten.label, "is", beaten.state, beaten.hold)))])


@verb("prime", configured=True)
@task_argument()
def prime_verb(app: App, task: str | None) -> Answer:
    """Print what an agent needs to know here, in under 60 lines: its task, worktree, messages and verbs.

    Outside a worker's worktree and without TASK, print what a coordinator needs to know. Messages are not marked as
    seen; a worker that is shown the whole of a message which must be acknowledged acknowledges it by this.
    """
    from git_agent.actions.lookup import find
    from git_agent.actions.messages.inbox import acknowledge_shown
    from git_agent.actions.views.prime import prime
    from git_agent.render import json
    from git_agent.render import prime as render

    found = prime(app, find(app, task) if task is not None or app.worker_of else None)
    lines = render.prime_lines(found)
    payload = {"task": found.view and json.task_json(found.view), "text": "\n".join([*lines, ""])}
    acked = render.whole_messages(found) if found.here and not found.superseded else []
    return Answer(payload, lines, delivered=functools.partial(acknowledge_shown, app, acked) if acked else None)


@verb("ask")
@click.argument("text")
@click.option("--task", metavar="TASK", help="Select the task; needed outside its worktree.")
def ask_verb(app: App, text: str, task: str | None) -> Answer:
    """Ask a person a question. The task waits for the answer, with the hold `needs_input`."""
    from git_agent.actions.lookup import find
    from git_agent.actions.tasks.questions import ask

    return _taken(app, ask(app, find(app, task), text))


@verb("answer")
@task_argument(required=True)
@click.argument("text")
def answer_verb(app: App, task: str, text: str) -> Answer:
    """Answer a worker's question. The hold ends, and the worker gets a message."""
    from git_agent.actions.lookup import find, unattended
    from git_agent.actions.tasks.questions import answer

    taken = answer(app, find(app, task), text)
    told = "" if taken.moved else " already"
    there = unattended(app, taken.task) or "its worker has a message"
    return task_answer(app, taken.task, [f"{taken.task.label} is {taken.task.state}{told}; {there}"])


@verb("done")
@task_argument()
@click.option("-m", "--message", "note", metavar="NOTE", help="Send a note to the reviewer.")
@click.option("--rebase", is_flag=True, help="Rebase onto the base first.")
@click.option("--allow-empty", is_flag=True, help="Accept a branch without new commits.")
def done_verb(app: App, task: str | None, note: str | None, rebase: bool, allow_empty: bool) -> Answer:
    """Hand in the work for review: the task becomes IN_REVIEW.

    The worktree must be clean, and the branch must have a commit that the base lacks.
    """
    from git_agent.actions.lookup import find
    from git_agent.actions.tasks.submit import done
    from git_agent.domain.advice import approval

    taken = done(app, find(app, task), note, rebase=rebase, allow_empty=allow_empty)
    answer = _taken(app, taken)
    return answer._replace(lines=[*answer.lines, f"approve it with: {approval(taken.task)}"])
