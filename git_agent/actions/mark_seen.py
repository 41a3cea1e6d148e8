"""Record that messages were shown: they are no longer new, and stay open until they are acknowledged."""

from __future__ import annotations

from git_agent.actions.inbox import Inbox
from git_agent.actions.mailbox import mailbox
from git_agent.app import App
from git_agent.errors import AgentError
from git_agent.store import deliveries


def mark_seen(app: App, shown: Inbox) -> None:
    """Mark what the speaker read of its own mail; call it when the messages were written out, not before.

    A store that can't be written to, and a worker that was superseded meanwhile, leave them as they are.
    """
    if not (shown.own and shown.messages):
        return
    try:
        with app.store.transaction():
            mailbox(app)
            deliveries.see([m.id for m in shown.messages], shown.addresses)
    except AgentError as error:
        if error.code not in ("store-not-writable", "superseded"):
            raise
