"""Messages: drafts, recipients and delivery states."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from git_agent.domain.speaker import COORDINATOR, HUMAN
from git_agent.domain.task import Hold, State
from git_agent.errors import usage
from git_agent.record import Record


class Message(Record):
    """One recipient's copy of a message.

    to: a task's id, `@human`, `@coordinator` or `#topic`
    sent_at: ms since the epoch
    verified: whether the sender's identity was proved
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


class Draft(Record):
    """A message to be sent.

    to, others: a task's id, `@human`, `@coordinator` or `#topic`
    thread: without it, the thread of reply_to
    until: the state or hold that the message announces; once the task leaves it, the message counts as acknowledged
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


class Delivery(StrEnum):
    """How far one recipient has handled a message."""

    NEW = "new"
    SEEN = "seen"
    ACKED = "acked"


REDELIVERY_S = 300.0
"""Seconds after which `inbox --wait` delivers a message again that was seen but not acknowledged."""


ALL = "@all"
"""The workers of all live tasks."""
RECIPIENTS = (HUMAN, COORDINATOR, ALL)
_TOPIC = r"(?=[\w.-]*[^\W\d_])\w[\w.-]{0,59}"


def check_recipient(text: str) -> str:
    """Return the text if it is `@human`, `@coordinator` or `@all`; else raise usage error `unknown-recipient`."""
    if text not in RECIPIENTS:
        hint = "a task, a topic such as '#builds', or one of " + ", ".join(RECIPIENTS)
        raise usage("unknown-recipient", f"there is no recipient {text[:60]!r}", hint)
    return text


def is_topic(text: str) -> bool:
    """Return whether a recipient is a topic. `#7` is a task."""
    return text.startswith("#") and not text[1:].isdecimal()


def check_topic(text: str) -> str:
    """Return a topic's name without `#`, in NFC and lower case: `#Builds` and `#builds` are the same topic.

    Raises usage error `bad-topic` unless the name has 1 to 60 letters, digits, '-', '_' and '.', at least one of them
    a letter.
    """
    name = unicodedata.normalize("NFC", text.removeprefix("#")).lower()
    if not re.fullmatch(_TOPIC, name):
        rule = "1 to 60 letters, digits, '-', '_' and '.', with a letter among them"
        raise usage("bad-topic", f"bad topic {text[:60]!r}: it needs {rule}", "as in '#builds'")
    return name
