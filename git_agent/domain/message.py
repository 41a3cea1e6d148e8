"""Messages between workers and people, and who receives them."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.domain.delivery import Delivery
from git_agent.domain.task import Hold, State


@dataclass(frozen=True, slots=True)
class Message:
    """A message as one recipient has it. to: a task's id, `@human`, `@coordinator` or `#topic`; sent_at: ms since the
    epoch.
    """

    id: int
    sender: str
    to: str
    task: int | None
    topic: str | None
    thread: int | None
    reply_to: int | None
    urgent: bool
    needs_ack: bool
    body: str
    sent_at: int
    state: Delivery
    verified: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be sent. to, others: a task's id, `@human`, `@coordinator` or `#topic`; thread: that of reply_to
    without it; until: the state or hold of its task that it announces: when the task leaves it, the message is settled.
    """

    to: str
    body: str
    task: int | None = None
    urgent: bool = False
    needs_ack: bool = False
    reply_to: int | None = None
    others: tuple[str, ...] = ()
    topic: str | None = None
    thread: int | None = None
    until: State | Hold | None = None
