"""Keep a worker that runs in circles from filling the store with messages."""

from __future__ import annotations

from git_agent.app import App
from git_agent.errors import AgentError, Exit
from git_agent.store import messages


def keep_rate(app: App) -> None:
    """Refuse a worker's message beyond agent.messageRate a minute; people are not limited.

    Raises AgentError (exit 6).
    """
    limit = app.config.number("agent.messageRate") if app.worker_of is not None else 0
    if limit and messages.sent_lately(app.speaker.address, limit) >= limit:
        says = f"task {app.worker_of} has sent {limit} messages within a minute, as many as agent.messageRate allows"
        raise AgentError("message-rate", says, "wait a minute, or say it in one message", exit=Exit.BUSY)
