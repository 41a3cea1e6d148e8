"""Verbs that run agents."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from git_agent.app import App
from git_agent.cli.command import Answer, columns_option, note, task_answer, task_argument, terminal_width, verb
from git_agent.cli.several import Each, each_task, tasks_argument
from git_agent.errors import AgentError, usage
from git_agent.runtime.invocation import become

if TYPE_CHECKING:
    from git_agent.domain.command import Command
    from git_agent.domain.task import Task

_HEAVY = frozenset({"pygit2", "rich"})
_INTERRUPTED = 130


@verb("run", configured=True, command="[-- COMMAND...]")
@task_argument()
@click.option("-a", "--agent", metavar="AGENT", help="Run the command of this agent (agent.run.AGENT).")
@click.option("--fresh", is_flag=True, help="Start a new attempt from the base instead of continuing the last one.")
@click.option("-d", "--detach", is_flag=True, help="Run in the background; git agent logs shows the output.")
@click.option("--prepared", is_flag=True, hidden=True)
@click.option("--report", type=click.INT, hidden=True)
def run_verb(
    app: App,
    task: str | None,
    agent: str | None,
    fresh: bool,
    detach: bool,
    prepared: bool,
    report: int | None,
    command: Sequence[str],
) -> Answer:
    """Run and supervise a command in a task's worktree. The task is WORKING while the command runs.

    Without TASK, the next task of the queue is claimed. When the command exits with 0, its commits are handed in for
    review. The task is held if files are not committed (uncommitted), without commits (no_commits), if nothing is new
    since its last review or hold (no_changes), and if it still conflicts after a conflict (conflict). If you stop the
    command, close its terminal or leave an interactive session, the task is held (stopped), and the next run continues
    there. Any other exit code fails the task, with the last lines of output as the reason.

    The command uses your terminal. Processes that it leaves running are ended: its process group, and every process
    with its environment. The exit code is 0 if the work was handed in, 130 after Ctrl-C, else 1.
    """
    from git_agent.actions.running.run import choose
    from git_agent.runtime import running

    told = None if report is None else running.Report(report)
    try:
        found, chosen = choose(app, task, agent, command, fresh=fresh and not prepared)
        if detach:
            return _detached(app, found, running.run_behind(app, found, chosen))
        if not prepared and _HEAVY & sys.modules.keys():
            return Answer({}, becomes=functools.partial(become, _again(found, chosen)))
        as_json = bool(click.get_current_context().params["as_json"])
        ran = running.run_here(app, found, chosen, say=lambda line: note([line]), report=told, as_json=as_json)
        return _ended(app, ran, behind=told is not None)
    except AgentError as error:
        if told is not None:
            told.failed(error)
        raise


def _again(task: Task, chosen: Command) -> list[str]:
    """Restart as a supervisor. Creating a worktree loads 30 MB of modules, half of the memory in use.

    A supervisor runs for hours and does not need them.
    """
    from git_agent.runtime.running import words_for

    options = ["--json"] if click.get_current_context().params["as_json"] else []
    return words_for(task, chosen, options)


def _detached(app: App, task: Task, pid: int) -> Answer:
    from git_agent.actions.lookup import reread

    return task_answer(app, reread(app, task), [f"{task.label} is running: process {pid}"], pid=pid)


def _ended(app: App, ran: Any, *, behind: bool) -> Answer:
    task, ended = ran.settled.task, ran.ended
    said = " ".join(filter(None, (task.label, "is", task.state, task.hold)))
    more = ": this attempt was superseded" if ran.settled.superseded else ""
    for line in ran.settled.lines:
        app.notice(line)
    how = ended.how if ended.status is None else f"the command {ended.how}"
    talk = [f"{said}{more} ({how})"]
    code = 0 if ran.settled.handed_in else _INTERRUPTED if ended.interrupted else 1
    return task_answer(app, task, [], talk, status=ended.status)._replace(exit=code)


@verb("ps", configured=True)
@columns_option
def ps_verb(app: App, columns: bool) -> Answer:
    """List the commands that git agent is supervising.

    BEAT is the time since the last sign of life. PROGRESS is the time since the last sign of work: a commit, a changed
    file, a message or a line of output.
    """
    from git_agent.actions.views.sessions import ps
    from git_agent.render import json, lines

    found = ps(app)
    rows = [json.running_json(r) for r in found]
    payload = {"sessions": rows, "tasks": [json.task_json(v) for v in {r.view.task.id: r.view for r in found}.values()]}
    return Answer(payload, lines.running_table(found, terminal_width(columns=columns)))


@verb("logs")
@task_argument()
@click.option("-f", "--follow", is_flag=True, help="Continue until the command, or the check, ends.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="Show this attempt instead of the newest.")
@click.option("--check", is_flag=True, help="Show the last check of its merge, which may cover several tasks.")
@click.option("--raw", is_flag=True, help="Print the output unchanged, including terminal control sequences.")
def logs_verb(app: App, task: str | None, follow: bool, attempt: int | None, check: bool, raw: bool) -> Answer:
    """Show the output of a task's command. The last 8 to 16 MB of each attempt and of the last check are kept."""
    from git_agent.actions.lookup import find
    from git_agent.actions.running.logs import logs
    from git_agent.runtime import following

    if check and attempt is not None:
        raise usage("one-log", "--check and --attempt exclude each other", "git agent logs TASK --check")
    log = logs(app, find(app, task), attempt, check=check)
    if click.get_current_context().params["as_json"]:
        text = b"".join(following.read(log)).decode(errors="replace")
        return task_answer(app, log.task, [], path=log.path, older=log.older, text=text)
    note(app.take_notices())
    _print(following.follow(app, log, check=check) if follow else following.read(log), raw)
    return Answer({})


def _print(chunks: Iterable[bytes], raw: bool) -> None:
    from git_agent.domain.terminal_text import plain
    from git_agent.render.text import visible
    from git_agent.runtime import following

    if raw:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        return
    for text in following.lines(chunks):
        sys.stdout.write(visible(plain(text), multiline=True))
        sys.stdout.flush()


@verb("stop")
@tasks_argument()
def stop_verb(app: App, tasks: Sequence[str]) -> Answer:
    """End the commands of tasks: send SIGTERM, and SIGKILL after 10 seconds.

    A task stays WORKING with the hold `stopped`. Its worktree stays as it is, and `git agent run` continues there.
    """
    from git_agent.actions.running.stop import stop

    def one(task: Task) -> Each:
        stopped = stop(app, task)
        label = stopped.task.label
        said = " ".join(filter(None, (label, "is", stopped.task.state, stopped.task.hold)))
        return Each(stopped.task, [said if stopped.moved else f"no command is running for {label}"])

    return each_task(app, tasks, one)


@verb("exec", configured=True, command="[--] COMMAND...")
@task_argument(required=True)
def exec_verb(app: App, task: str, command: Sequence[str]) -> Answer:
    """Run a command in a task's worktree and return its exit code. To supervise it, use `git agent run`.

    GIT_AGENT_TASK is the task's number there.
    """
    from git_agent.actions.lookup import find
    from git_agent.actions.running.logs import exec_place

    if not command:
        raise usage("no-command", "no command is given", f"git agent exec {task} -- COMMAND")
    place = exec_place(app, find(app, task))
    return Answer({}, becomes=functools.partial(become, command, cwd=place.directory, env=place.env))
