"""Decide which command works on a task: the one that was typed, or that of the agent who is meant."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence

from git_agent.app import App
from git_agent.domain import command, names
from git_agent.domain.command import Command
from git_agent.domain.task import Task
from git_agent.errors import AgentError, usage


def choose_agent(app: App, task: Task | None, agent: str | None, words: Sequence[str]) -> Command:
    """Choose by what was typed, then --agent, then the task's agent, then agent.defaultAgent.

    words: of the command line. Raises AgentError: exit 2 when no command is meant or known, exit 1 when its program is
    not on PATH; one with a slash is looked for in the worktree, later.
    """
    if words:
        return _found(app, Command(tuple(words)))
    name = (
        names.check_line(agent or "", "agent")
        or (task.agent if task else None)
        or app.config.text("agent.defaultAgent")
    )
    if not name:
        raise usage("no-command", "no command is given, and no agent is meant", "git agent run TASK -- COMMAND")
    key, text = f"agent.run.{name}", app.config.agent(name)
    if text is None:
        trust = f"agent.run.{name.lower()}" in (key.lower() for key in app.config.untrusted)
        hint = "git agent trust" if trust else f"git config {shlex.quote(key)} 'COMMAND', or --agent NAME"
        says = f"{key} is not trusted" if trust else f"the agent '{name}' has no command ({key})"
        raise usage("no-command", says, hint)
    return _found(app, command.parse(name, text))


def _found(app: App, chosen: Command) -> Command:
    program = next(word for word in chosen.words if word != command.STDIN)
    if os.sep not in program and shutil.which(program, path=app.env.get("PATH")) is None:
        raise AgentError("no-program", f"'{program}' was not found on PATH", f"install it, or give its path: {program}")
    return chosen
