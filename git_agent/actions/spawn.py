"""Make branch and worktree for a task: ASSIGNED. A title makes the task first."""

from __future__ import annotations

from git_agent.actions.draft import draft
from git_agent.actions.prepare import Wish, prepare
from git_agent.actions.reserve import reserve
from git_agent.actions.take_back import take_back
from git_agent.actions.unready import unready
from git_agent.app import App
from git_agent.domain.order import Order
from git_agent.domain.task import Step, Task
from git_agent.errors import refused
from git_agent.proc import processes
from git_agent.store import intents, tasks


def spawn(app: App, order: Order | None, task: Task | None = None, *, adopt: str | None = None) -> Task:
    """Prepare a worktree for a new task (order) or for an OPEN one (task).

    adopt: an existing branch instead of a new one. Raises AgentError after everything was taken back: exit 3 for a
    task that waits for others or is not OPEN, exit 1 for git's own failures and for a failing setup command.
    """
    new = task is None
    if task is None:
        assert order is not None
        task, intent = _add(app, order)
    else:
        intent = _reserve_open(app, task)
    agent = (order.agent if order else None) or task.agent or app.config.text("agent.defaultAgent") or None
    try:
        place = reserve(app, task, intent, adopt=adopt, new=new)
    except BaseException:
        take_back(app, intent, task.id, None, new=new)
        raise
    return prepare(app, Wish(task, place, Step.SPAWN, intent, agent=agent, new=new))


def _add(app: App, order: Order) -> tuple[Task, int]:
    drafted, actor, owner = draft(app, order), app.speaker.actor, processes.myself()
    with app.store.transaction():
        task = drafted.insert(actor)
        if (error := unready(app, task)) is not None:
            raise refused("blocked", error.message, "git agent add puts it into the queue until then")
        return task, intents.write("spawn", task.id, owner, {"new": True})


def _reserve_open(app: App, task: Task) -> int:
    owner, _ = processes.myself(), app.config
    with app.store.transaction():
        if (error := unready(app, tasks.get(task.id))) is not None:
            raise error
        return intents.write("spawn", task.id, owner, {"new": False})
