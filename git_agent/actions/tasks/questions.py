"""Ask people a question about a task, and answer it. The task is on hold until then."""

from __future__ import annotations

from git_agent.actions.messages.send import check_rate
from git_agent.actions.transition import Transition, require_current, transition
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.speaker import HUMAN
from git_agent.domain.task import Hold, Step, Task


def ask(app: App, task: Task, text: str) -> Transition:
    """Ask people a question about a task and put it on hold.

    If the task already waits for an answer, the question is sent anyway.
    text: the question.
    Raises AgentError: as transition does, exit 2 for a text that is too long, exit 6 beyond agent.messageRate.
    """
    body = names.check_message(text, app.config.number("agent.maxMessage"))
    told = Draft(HUMAN, body, task.id, needs_ack=True, until=Hold.NEEDS_INPUT)
    require_current(app, task)
    check_rate(app)
    taken = transition(app, task, Step.ASK, drafts=(told,), data={"text": body}, reason=body)
    if not taken.moved:
        with app.store.transaction():
            app.store.messages.send((told,), app.speaker.address, verified=app.speaker.verified)
    return taken


def answer(app: App, task: Task, text: str) -> Transition:
    """Answer the question of a task with a message to its worker, which ends the hold.

    If no question is open, because somebody else answered or the worker went on, the text is sent anyway.
    text: the answer.
    Raises AgentError as transition does.
    """
    body = names.check_message(text, app.config.number("agent.maxMessage"))
    told = Draft(str(task.id), body, task.id, urgent=True, reply_to=app.store.messages.last_question(task.id))
    taken = transition(app, task, Step.ANSWER, drafts=(told,), data={"text": body}, reason=None)
    if not taken.moved:
        with app.store.transaction():
            app.store.messages.send([told], app.speaker.address, verified=app.speaker.verified)
    return taken
