"""Why a task can't be given to a worker now."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.readiness import blocked
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError, refused
from git_agent.store import tasks


def unready(app: App, task: Task) -> AgentError | None:
    """Make the error of a task that is not OPEN or is blocked; None for one that is ready.

    The configuration is read and nothing else is asked of git, so that it may be called inside a transaction.
    """
    if task.state is not State.OPEN:
        hint = f"git agent reassign {task.id}" if task.live else f"git agent reopen {task.id}"
        if task.state is State.FAILED:
            hint = f"git agent retry {task.id}"
        return refused("not-open", f"{task.label} is not open: it is {task.state}", hint)
    parents = tasks.blockers([task.id])[task.id]
    states = {p: tasks.get(p).state for p in parents}
    why = blocked(task, parents, states, app.store.now(), app.config.number("agent.maxAttempts"))
    if why is None:
        return None
    hint = f"git config agent.maxAttempts {task.attempt + 1}" if why.used_up else "git agent ready --why"
    return refused("blocked", f"{task.label} is not ready: {why.why}", hint)
