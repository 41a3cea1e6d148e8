"""Messages between workers and people, and who receives them."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.domain.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Message:
    """A message as one recipient has it. to: a task's id or `@human`; sent_at: ms since the epoch."""

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
    """A message to be sent. to: a task's id or `@human`."""

    to: str
    body: str
    task: int | None = None
    urgent: bool = False
    needs_ack: bool = False
    reply_to: int | None = None
