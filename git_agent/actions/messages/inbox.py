"""Read and acknowledge the messages of whoever runs the command."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from git_agent.actions.liveness.heartbeat import renew_lease
from git_agent.actions.lookup import find
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.message import ALL, Delivery, Message, check_recipient, is_topic
from git_agent.domain.speaker import COORDINATOR, HUMAN, WorkerIdentity
from git_agent.errors import AgentError, Exit, refused, usage

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
    listed = tuple(
        {m.id: m for m in app.store.deliveries.waiting(addresses, _MOST + 1)}.values()
    )  # to both of a person's: once
    return Inbox(addresses, own, listed[:_MOST], len(listed) > _MOST, _unacked(app, who) if own else ())


def _unacked(app: App, who: Mailbox) -> tuple[Message, ...]:
    return tuple(m for m in app.store.deliveries.unacknowledged(who.addresses) if m.to not in who.addresses)


def _address(app: App, whose: str) -> str:
    if is_topic(whose):
        raise usage("topic-inbox", f"nobody has the mail of a topic: {whose[:60]}", "git agent tail TOPIC")
    if whose.startswith("@"):
        if check_recipient(whose) == ALL:
            raise usage("whose-inbox", "'@all' is nobody in particular", "git agent inbox --as TASK")
        return whose
    return str(find(app, whose).id)


def _shown(address: str) -> str:
    return address if address.startswith("@") else f"task {address}"


def _wait(app: App, addresses: Sequence[str], timeout_s: float | None) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    seen: int | None = app.store.wait_for_change(0)
    touched = time.monotonic()
    while not app.store.deliveries.due(addresses):
        now = time.monotonic()
        left = _LOOK_AGAIN_S if deadline is None else min(_LOOK_AGAIN_S, deadline - now)
        if left <= 0:
            raise AgentError("no-mail", f"nothing new came within {timeout_s:g} s", "git agent inbox", exit=Exit.BUSY)
        if now - touched >= _LOOK_AGAIN_S:
            touched = now
            renew_lease(app)
        if (changed := app.store.wait_for_change(left, seen)) != seen:
            mailbox(app)  # a worker that is superseded meanwhile waits no longer
        seen = changed


def mark_seen(app: App, shown: Inbox) -> None:
    """Mark what the speaker read of its own mail; call it when the messages were written out, not before.

    A store that can't be written to, and a worker that was superseded meanwhile, leave them as they are.
    """
    if not (shown.own and shown.messages):
        return
    try:
        with app.store.transaction():
            mailbox(app)
            app.store.deliveries.see([m.id for m in shown.messages], shown.addresses)
    except AgentError as error:
        if error.code not in ("store-not-writable", "superseded"):
            raise


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
    found = app.store.deliveries.received(ids, mine)  # before the lock is taken: what was received stays received
    for each in ids:
        if each not in found:
            raise _not_mine(app, each)
    with app.store.transaction():
        mailbox(app)  # a worker that was superseded meanwhile acknowledges nothing
        now = app.store.deliveries.acknowledge(ids, mine)
    acked = tuple(replace(found[message], state=Delivery.ACKED) for message in ids)
    return Acked(acked, tuple(each for each in ids if each not in now))


def _not_mine(app: App, message: int) -> AgentError:
    if app.store.messages.thread_of(message) is None:
        return AgentError("unknown-message", f"there is no message {message}", "git agent inbox")
    return refused("not-yours", f"message {message} was not sent to you", "git agent inbox")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The addresses of one correspondent, that of its messages first. verified: who it is was proved."""

    addresses: tuple[str, ...]
    verified: bool

    @property
    def of_worker(self) -> bool:
        """Tell whether it is a worker's."""
        return self.addresses[0] != HUMAN


def mailbox(app: App) -> Mailbox:
    """Tell the speaker's addresses: a worker has its task's, a person those of people and of the coordinator.

    Raises AgentError: exit 5 for a superseded worker; exit 3 where worktree and token prove two workers, for nobody
    speaks as somebody else.
    """
    speaker = app.speaker
    if not speaker.is_worker:
        return Mailbox((HUMAN, COORDINATOR), speaker.verified)
    address = speaker.address
    if not all(
        app.store.addresses.is_current(int(address), c.attempt, c.epoch)
        for c in speaker.identities
        if _meant(c, address)
    ):
        require_current(app, app.store.tasks.get(int(address)))
    proved = [c.task for c in speaker.identities if c.proved]
    if len(set(proved)) > 1:
        says = f"this is the worktree of task {proved[0]}, but your token is of task {proved[1]}"
        raise refused("two-workers", says, f'go to your own: cd "$(git agent path {proved[1]})"')
    return Mailbox((address,), speaker.verified)


def _meant(identity: WorkerIdentity, address: str) -> bool:
    return identity.task is None or str(identity.task) == address
