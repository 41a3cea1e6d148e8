"""Answer a message, in its thread; that acknowledges it."""

from __future__ import annotations

from collections.abc import Sequence

from git_agent.actions.addressees import addressees
from git_agent.actions.keep_rate import keep_rate
from git_agent.actions.mailbox import Mailbox, mailbox
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft, Message
from git_agent.errors import AgentError, refused
from git_agent.store import deliveries, leases, messages


def reply(app: App, message: int, text: str) -> list[Message]:
    """Answer who sent a message, and its topic; return the answer as each of them has it.

    Answering one's own message adds to it: it goes to who received that. Raises AgentError: exit 1 for an unknown
    message, exit 3 for one that a worker neither got nor sent and for a sender whose task is finished, otherwise as
    send does.
    """
    limit, _ = app.config.number("agent.maxMessage"), app.speaker  # asked of git before the transaction
    with app.store.transaction():
        who, copies = mailbox(app), messages.copies(message)
        body = names.check_message(text, limit)
        meant = addressees(app, _to(who, copies, message), who.addresses[0])
        keep_rate(app)
        first, *others = meant.addresses
        draft = Draft(first, body, copies[0].task, reply_to=message, others=tuple(others), topic=meant.topic)
        deliveries.acknowledge([message], who.addresses)
        if who.of_worker:
            leases.progress(int(who.addresses[0]))
        return messages.post(draft, who.addresses[0], verified=who.verified)


def _to(who: Mailbox, copies: Sequence[Message], message: int) -> list[str]:
    if not copies:
        raise AgentError("unknown-message", f"there is no message {message}", "git agent inbox")
    said, receivers = copies[0], [c.to for c in copies]
    got, sent = bool(set(receivers) & set(who.addresses)), said.sender in who.addresses
    if who.of_worker and not (got or sent or said.topic):
        raise refused("not-yours", f"message {message} was not sent to you", "git agent inbox")
    topic = [f"#{said.topic}"] if said.topic else []
    others = [each for each in receivers if each not in who.addresses]
    return others if sent and others else [said.sender, *topic]
