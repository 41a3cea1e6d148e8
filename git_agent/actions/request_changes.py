"""Send the work back with a text: WORKING, hold changes_requested."""

from __future__ import annotations

from git_agent.actions.forbid_own import forbid_own
from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.task import Hold, State, Step, Task
from git_agent.store import messages


def request_changes(app: App, task: Task, text: str) -> Taken:
    """Ask the task's worker for changes; an approval ends.

    Asking again while the worker has not gone on sends the further text. Raises AgentError: exit 3 for the task's
    own worker and for a task that is not in review.
    """
    forbid_own(app, task, "request-changes")
    body = names.check_message(text, app.config.number("agent.maxMessage"))
    told = Draft(str(task.id), body, task.id, urgent=True, needs_ack=True)
    taken = take(
        app,
        task,
        Step.REQUEST_CHANGES,
        drafts=(told,),
        data={"text": body},
        reviewed_oid=None,
        reviewer=None,
        reason=body,
    )
    if not taken.moved and taken.task.state is State.WORKING and taken.task.hold is Hold.CHANGES_REQUESTED:
        with app.store.transaction():
            messages.send([told], app.speaker.address, verified=app.speaker.verified)
    return taken
