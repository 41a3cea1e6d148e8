"""Read what waits: open messages, again and again until they are acknowledged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from git_agent.actions.find import find
from git_agent.actions.mailbox import Mailbox, mailbox
from git_agent.actions.touch import touch
from git_agent.app import App
from git_agent.domain import recipient
from git_agent.domain.message import Message
from git_agent.errors import AgentError, Exit, refused, usage
from git_agent.store import deliveries

_MOST = 1000
_LOOK_AGAIN_S = 30.0  # what was seen comes again after a while without any change; and the worker is there


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits for some addresses. own: they are the speaker's; more: there is more than is listed; unacked: what
    the speaker itself sent and nobody acknowledged.
    """

    addresses: tuple[str, ...]
    own: bool
    messages: tuple[Message, ...]
    more: bool
    unacked: tuple[Message, ...]


def inbox(app: App, *, whose: str | None = None, wait: bool = False, timeout_s: float | None = None) -> Inbox:
    """List the open messages, urgent ones first, then the oldest; that alone marks nothing, see mark_seen.

    whose: a task, `@human` or `@coordinator`, to look as somebody else, which a worker may not; wait: until one is new
    (or was seen a while ago and is not acknowledged); timeout_s: at most so long, None for ever. Raises AgentError:
    exit 3 for a worker who would read others' mail, exit 5 for a superseded one, exit 6 when the time is up.
    """
    who = mailbox(app)
    addresses = who.addresses if whose is None else (_address(app, whose),)
    own = set(addresses) <= set(who.addresses)
    if who.of_worker and not own:
        raise refused("not-your-mail", f"the mail of {_shown(addresses[0])} is not yours", "git agent inbox")
    if wait:
        _wait(app, addresses, timeout_s)
    listed = tuple({m.id: m for m in deliveries.waiting(addresses, _MOST + 1)}.values())  # to both of a person's: once
    return Inbox(addresses, own, listed[:_MOST], len(listed) > _MOST, _unacked(who) if own else ())


def _unacked(who: Mailbox) -> tuple[Message, ...]:
    return tuple(m for m in deliveries.unacknowledged(who.addresses) if m.to not in who.addresses)


def _address(app: App, whose: str) -> str:
    if recipient.is_topic(whose):
        raise usage("topic-inbox", f"nobody has the mail of a topic: {whose[:60]}", "git agent tail TOPIC")
    if whose.startswith("@"):
        if recipient.check_place(whose) == recipient.ALL:
            raise usage("whose-inbox", "'@all' is nobody in particular", "git agent inbox --as TASK")
        return whose
    return str(find(app, whose).id)


def _shown(address: str) -> str:
    return address if address.startswith("@") else f"task {address}"


def _wait(app: App, addresses: Sequence[str], timeout_s: float | None) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    seen: int | None = app.store.wait_for_change(0)
    touched = time.monotonic()
    while not deliveries.due(addresses):
        now = time.monotonic()
        left = _LOOK_AGAIN_S if deadline is None else min(_LOOK_AGAIN_S, deadline - now)
        if left <= 0:
            raise AgentError("no-mail", f"nothing new came within {timeout_s:g} s", "git agent inbox", exit=Exit.BUSY)
        if now - touched >= _LOOK_AGAIN_S:
            touched = now
            touch(app)
        if (changed := app.store.wait_for_change(left, seen)) != seen:
            mailbox(app)  # a worker that is superseded meanwhile waits no longer
        seen = changed
