"""Give a task to another worker: start a new attempt from the last commit, with its own branch and worktree."""

from __future__ import annotations

from git_agent.actions.attempts.prepare import PlaceWish, prepare
from git_agent.actions.attempts.reserve import record_spawn, reserve
from git_agent.actions.liveness.sweep import note_running, terminate_superseded
from git_agent.actions.recovery.journal import rollback_on_error
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import Step, Task, after
from git_agent.errors import refused
from git_agent.proc import processes


def reassign(app: App, task: Task, *, agent: str | None = None, fresh: bool = False, kill: bool = False) -> Task:
    """Start the next attempt of a task; return the task.

    The previous worker is superseded and notified. Its worktree stays.
    agent: the name of the next worker's agent; None keeps the recorded one.
    fresh: start from the base instead of from the last commit.
    kill: also ask the previous supervised command to end.
    Raises AgentError: exit 3 for a task that is not live, exit 5 for a superseded speaker.
    """
    owner, speaker = processes.myself(), app.speaker
    agent = None if agent is None else names.check_line(agent, "agent")
    with rollback_on_error(app):
        now, intent = _reserve(app, task, owner)
        place = reserve(app, now, intent, fresh=fresh)
        text = f"task {now.id} was reassigned by {speaker.actor}: attempt {place.number} continues"
        told = Draft(str(now.id), text, now.id, urgent=True)
        made = prepare(
            app, PlaceWish(now, place, Step.REASSIGN, intent, agent=agent or now.agent, drafts=(told,), kill=kill)
        )
    if kill:
        terminate_superseded(app, made)
    else:
        note_running(app, made)
    return made


def _reserve(app: App, task: Task, owner: ProcessId) -> tuple[Task, int]:
    with app.store.transaction():
        now = app.store.tasks.get(task.id)
        require_current(app, now)
        if after(now.state, now.hold, Step.REASSIGN) is None:
            raise refused("not-live", f"cannot reassign {now.label}: it is {now.state}", f"git agent show {now.id}")
        return now, record_spawn(app, now.id, owner)
