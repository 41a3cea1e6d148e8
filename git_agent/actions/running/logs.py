"""Find the output of a task's command or check, and the place to run a command in its worktree."""

from __future__ import annotations

import os
from collections.abc import Mapping

from git_agent.actions.transition import run_again
from git_agent.app import App
from git_agent.domain.gates import no_worktree_error
from git_agent.domain.task import Step, Task, event_kind
from git_agent.errors import AgentError
from git_agent.git.run import LOCAL_NAMES
from git_agent.proc import logfile
from git_agent.proc.environment import without_markers
from git_agent.record import Record


class Log(Record):
    """A task's log.

    task: the task.
    path: the current file.
    older: the previous file, if the log was rotated because it was full; else None.
    """

    task: Task
    path: str
    older: str | None


def logs(app: App, task: Task, attempt: int | None = None, *, check: bool = False) -> Log:
    """Find the log of an attempt, or of the last check.

    attempt: the number of the attempt; None for the newest one that has a log.
    check: find the log of the last check instead.
    Raises AgentError when there is no log.
    """
    directory = os.path.join(app.store_dir, "logs")
    found = _checks(app, directory, task) if check else _runs(directory, task, attempt)
    for path in found:
        if os.path.lexists(path):
            older = path + logfile.OLDER_SUFFIX
            return Log(task, path, older if os.path.lexists(older) else None)
    if check:
        says = f"no check was run for {task.label}, or its output is gone"
        raise AgentError("no-log", says, "git config agent.check COMMAND")
    which = "" if attempt is None else f" (attempt {attempt})"
    hint = run_again(app, task)
    raise AgentError("no-log", f"no command was run for {task.label}{which}", hint)


def _runs(directory: str, task: Task, attempt: int | None) -> list[str]:
    numbers = range(task.attempt, 0, -1) if attempt is None else [attempt]
    return [logfile.attempt_log(directory, task.id, number) for number in numbers]


def _checks(app: App, directory: str, task: Task) -> list[str]:
    """List the candidates for the log of the last check, best first.

    A running check comes first. Otherwise the log that the newest event names comes first, which tasks that are merged
    together share; then the task's own log, left by a check that was interrupted.
    """
    own = logfile.check_log(directory, task.id)
    last = [
        app.store.events.latest(event_kind(step), [task.id]).get(task.id) for step in (Step.MERGE, Step.CHECK_FAILED)
    ]
    named = max((event for event in last if event is not None), key=lambda event: event.seq, default=None)
    if named is None or not named.data.get("log") or logfile.is_written(own):
        return [own]
    return [str(named.data["log"]), own]


class ExecPlace(Record):
    """A worktree, and an environment in which git uses that worktree and no agent takes another one's session."""

    directory: str
    env: Mapping[str, str]


_SOMEBODY = ("GIT_AGENT_EPOCH", "GIT_AGENT_ACTOR", "GIT_AGENT_TOKEN")  # what proves the worker of another task


def exec_place(app: App, task: Task) -> ExecPlace:
    """Return where a command for a task runs. Raises AgentError (exit 3) when the task has no worktree."""
    if task.worktree is None or not os.path.isdir(task.worktree):
        raise no_worktree_error(task)
    own = app.env.get("GIT_AGENT_TASK") == str(task.id)
    hidden = LOCAL_NAMES if own else (*LOCAL_NAMES, *_SOMEBODY)
    kept = {name: value for name, value in app.env.items() if name not in hidden}
    env = without_markers(kept, app.config.several("agent.unsetEnv"))
    return ExecPlace(task.worktree, {**env, "GIT_AGENT_TASK": str(task.id)})
