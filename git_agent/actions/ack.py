"""Acknowledge messages: they are delivered no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from git_agent.actions.mailbox import mailbox
from git_agent.app import App
from git_agent.domain.delivery import Delivery
from git_agent.domain.message import Message
from git_agent.errors import AgentError, refused
from git_agent.store import deliveries, messages


@dataclass(frozen=True, slots=True)
class Acked:
    """The messages, as who acknowledged them has them. already: those that had been acknowledged before."""

    messages: tuple[Message, ...]
    already: tuple[int, ...]


def ack(app: App, wanted: Sequence[int]) -> Acked:
    """Acknowledge messages that the speaker received, all or none.

    Raises AgentError: exit 1 for an unknown message, exit 3 for one that was sent to others, exit 5 for a superseded
    worker.
    """
    ids, mine = list(dict.fromkeys(wanted)), mailbox(app).addresses
    found = deliveries.received(ids, mine)  # before the lock is taken: what was received stays received
    for message in ids:
        if message not in found:
            raise _not_mine(message)
    with app.store.transaction():
        mailbox(app)  # a worker that was superseded meanwhile acknowledges nothing
        now = deliveries.acknowledge(ids, mine)
    acked = tuple(replace(found[message], state=Delivery.ACKED) for message in ids)
    return Acked(acked, tuple(each for each in ids if each not in now))


def _not_mine(message: int) -> AgentError:
    if messages.thread_of(message) is None:
        return AgentError("unknown-message", f"there is no message {message}", "git agent inbox")
    return refused("not-yours", f"message {message} was not sent to you", "git agent inbox")
