"""Answer a worker's question; it may go on."""

from __future__ import annotations

from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.task import Step, Task
from git_agent.store import messages


def answer(app: App, task: Task, text: str) -> Taken:
    """Answer a task's question: a message to its worker.

    Where no question is open (somebody else answered, or the worker went on) the text is sent all the same. Raises
    AgentError as take does.
    """
    body = names.check_message(text, app.config.number("agent.maxMessage"))
    told = Draft(str(task.id), body, task.id, urgent=True, reply_to=messages.last_question(task.id))
    taken = take(app, task, Step.ANSWER, drafts=(told,), data={"text": body}, reason=None)
    if not taken.moved:
        with app.store.transaction():
            messages.send([told], app.speaker.address, verified=app.speaker.verified)
    return taken
