"""Create the branch and worktree of a task, which becomes ASSIGNED; add the task first if it is new."""

from __future__ import annotations

from git_agent.actions.attempts.prepare import PlaceWish, prepare
from git_agent.actions.attempts.reserve import readiness_error, record_spawn, reserve, reserve_open
from git_agent.actions.lookup import resolve
from git_agent.actions.permission import require_permission
from git_agent.actions.recovery.journal import rollback_on_error
from git_agent.actions.tasks.create import draft_task
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.spec import TaskSpec
from git_agent.domain.task import State, Step, Task
from git_agent.errors import refused
from git_agent.proc import processes


def spawn(app: App, order: TaskSpec | None, task: Task | None = None, *, adopt: str | None = None) -> Task:
    """Prepare a worktree for a new task or for an OPEN one; return the task.

    order: the new task; if task is given, only the agent of order counts.
    task: the OPEN task; None adds a new one.
    adopt: an existing branch to use; None creates one.
    Raises AgentError after rolling everything back: exit 3 for a task that is blocked or not OPEN, exit 1 when git or a
    setup command fails.
    """
    new = task is None
    named = names.check_line(order.agent, "agent") if order and order.agent else None
    with rollback_on_error(app):
        if task is None:
            assert order is not None
            task, intent = _add(app, order)
        else:
            task, intent = reserve_open(app, task)
        agent = named or task.agent or app.config.text("agent.defaultAgent") or None
        place = reserve(app, task, intent, adopt=adopt, new=new)
        return prepare(app, PlaceWish(task, place, Step.SPAWN, intent, agent=agent, new=new))


def find_meant(app: App, text: str) -> Task | None:
    """Find the task that `spawn TEXT` means, and refuse a worker that names one: it may only spawn new tasks.

    A number or a branch always means a task. A word means a task only if exactly one task of the queue has that name.
    A task that another spawn is creating is OPEN for a moment, but it does not count as part of the queue.

    text: what was typed.
    Returns None when the text is the title of a new task.
    Raises AgentError for a number or branch that belongs to no task, and as require_permission does.
    """
    task = _meant(app, text)
    if task is not None and app.may_be_worker:
        app.given |= {"TASK"}
        require_permission(app, task)
    return task


def _meant(app: App, text: str) -> Task | None:
    meant = names.parse_ref(text, app.config.prefix)
    if meant.id is not None or text.startswith((app.config.prefix, "refs/heads/")):
        return resolve(app, text)
    named = app.store.tasks.by_name(meant.name_key)
    queued = [t for t in named if t.state is State.OPEN and app.store.intents.of_task(t.id) is None]
    return queued[0] if len(queued) == 1 else None


def _add(app: App, order: TaskSpec) -> tuple[Task, int]:
    drafted, actor, owner = draft_task(app, order), app.speaker.actor, processes.myself()
    with app.store.transaction():
        task = drafted.insert(app, actor)
        if (error := readiness_error(app, task)) is not None:
            why = error.message.removeprefix(f"{task.label} ")
            hint = "git agent add TITLE, to put it in the queue instead"
            raise refused("blocked", f"cannot spawn a task that {why}", hint)
        return task, record_spawn(app, task.id, owner, new=True)
