"""Read and acknowledge the speaker's messages."""

from __future__ import annotations

import time
from collections.abc import Sequence

from git_agent.actions.liveness.heartbeat import renew_lease
from git_agent.actions.lookup import resolve
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.message import ALL, Delivery, Message, check_recipient, is_topic
from git_agent.domain.speaker import COORDINATOR, HUMAN, WorkerIdentity
from git_agent.domain.task import Step, Task, event_kind
from git_agent.errors import UNWRITABLE, AgentError, Exit, refused, usage
from git_agent.record import Record

_MOST = 1000
_LOOK_AGAIN_S = 30.0  # a seen message becomes due again without a change in the store; waiting also renews the lease


class Inbox(Record):
    """The open messages of some addresses.

    addresses: whose messages they are.
    own: the addresses are the speaker's.
    messages: the open messages, at most 1000.
    more: there are more messages than those listed.
    unacked: messages of the speaker that nobody has acknowledged yet.
    """

    addresses: tuple[str, ...]
    own: bool
    messages: tuple[Message, ...]
    more: bool
    unacked: tuple[Message, ...]


def inbox(app: App, *, whose: str | None = None, wait: bool = False, timeout_s: float | None = None) -> Inbox:
    """List the open messages, urgent ones first, then the oldest first. This does not mark them as seen: see mark_seen.

    whose: a task, `@human` or `@coordinator`, whose messages to list; None for the speaker's own.
    wait: wait until a message is new, or was seen a while ago and is still not acknowledged.
    timeout_s: the longest wait in seconds; None waits forever.
    Raises AgentError: exit 3 for a worker that asks for the messages of others, exit 5 for a superseded worker, exit 6
    when the time is up.
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
    )  # a message to both addresses of a person is listed once
    return Inbox(addresses, own, listed[:_MOST], len(listed) > _MOST, _unacked(app, who) if own else ())


def _unacked(app: App, who: Mailbox) -> tuple[Message, ...]:
    return tuple(m for m in app.store.deliveries.unacknowledged(who.addresses) if m.to not in who.addresses)


def _address(app: App, whose: str) -> str:
    if is_topic(whose):
        raise usage("topic-inbox", f"a topic has no inbox: {whose[:60]}", "git agent tail TOPIC")
    if whose.startswith("@"):
        if check_recipient(whose) == ALL:
            raise usage("whose-inbox", "'@all' has no inbox of its own", "git agent inbox --as TASK")
        return whose
    return str(resolve(app, whose).id)


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
            raise AgentError(
                "no-mail", f"no new message arrived within {timeout_s:g} s", "git agent inbox", exit=Exit.BUSY
            )
        if now - touched >= _LOOK_AGAIN_S:
            touched = now
            renew_lease(app)
        if (changed := app.store.wait_for_change(left, seen)) != seen:
            mailbox(app)  # stop waiting if the worker was superseded
        seen = changed


def mark_seen(app: App, shown: Inbox) -> None:
    """Mark the listed messages as seen, if they are the speaker's own. Call this after the messages were printed.

    Nothing is marked if the store is not writable or the worker was superseded in the meantime.
    """
    if not (shown.own and shown.messages):
        return
    try:
        with app.store.transaction():
            mailbox(app)
            app.store.deliveries.see([m.id for m in shown.messages], shown.addresses)
    except AgentError as error:
        if error.code not in (*UNWRITABLE, "superseded"):
            raise


class Acked(Record):
    """Acknowledged messages.

    messages: the messages as the speaker received them.
    already: the numbers of those that were acknowledged before.
    """

    messages: tuple[Message, ...]
    already: tuple[int, ...]


def ack(app: App, wanted: Sequence[int] | None) -> Acked:
    """Acknowledge messages that the speaker received: all of them or none.

    wanted: the numbers of the messages; None for all that the speaker was shown.
    Raises AgentError: exit 1 for an unknown message, exit 3 for a message that was sent to others, exit 5 for a
    superseded worker.
    """
    mine = mailbox(app).addresses
    ids = app.store.deliveries.seen(mine) if wanted is None else list(dict.fromkeys(wanted))
    found = app.store.deliveries.received(ids, mine)  # before the lock: what was received stays received
    for each in ids:
        if each not in found:
            raise _not_mine(app, each)
    with app.store.transaction():
        mailbox(app)  # a worker that was superseded in the meantime acknowledges nothing
        now = app.store.deliveries.acknowledge(ids, mine)
    acked = tuple(found[message]._replace(state=Delivery.ACKED) for message in ids)
    return Acked(acked, tuple(each for each in ids if each not in now))


def acknowledge_shown(app: App, shown: Sequence[Message]) -> None:
    """Acknowledge, for the worker that speaks, those messages that need it; call this after they were printed.

    shown: messages that were printed whole.
    Nothing is acknowledged if the store is not writable or the worker was superseded in the meantime.
    """
    wanted = [m.id for m in shown if m.needs_ack]
    if not wanted:
        return
    try:
        ack(app, wanted)
    except AgentError as error:
        if error.code not in (*UNWRITABLE, "superseded"):
            raise


def acknowledge_answered(app: App, task: Task) -> None:
    """Acknowledge what a worker answers by handing in: the messages that it was shown, and a request for changes.

    Agents rarely acknowledge anything, and the senders were reminded of it for ever.
    """
    if not app.speaker.works_on(task):
        return
    own = [str(task.id)]
    asked = app.store.events.latest(event_kind(Step.REQUEST_CHANGES), [task.id]).get(task.id)
    text = asked.data.get("text") if asked is not None else None
    with app.store.transaction():
        seen = app.store.deliveries.seen(own)
        answered = [m.id for m in app.store.deliveries.waiting(own, _MOST) if m.needs_ack and m.body == text]
        app.store.deliveries.acknowledge([*seen, *answered], own)


def _not_mine(app: App, message: int) -> AgentError:
    if app.store.messages.thread_of(message) is None:
        return AgentError("unknown-message", f"there is no message {message}", "git agent inbox")
    return refused("not-yours", f"message {message} was not sent to you", "git agent inbox")


class Mailbox(Record):
    """The addresses of one correspondent.

    addresses: the first is the one that it sends from.
    verified: its identity was proved.
    """

    addresses: tuple[str, ...]
    verified: bool

    @property
    def of_worker(self) -> bool:
        """Tell whether this is the mailbox of a worker."""
        return self.addresses[0] != HUMAN


def mailbox(app: App) -> Mailbox:
    """Return the speaker's mailbox.

    A worker has the address of its task. A person has those of people and of the coordinator.
    Raises AgentError: exit 5 for a superseded worker; exit 3 when worktree and token prove two different workers, since
    nobody may speak for somebody else.
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
        says = f"this is the worktree of task {proved[0]}, but your token belongs to task {proved[1]}"
        raise refused("two-workers", says, f'go to your own: cd "$(git agent path {proved[1]})"')
    return Mailbox((address,), speaker.verified)


def _meant(identity: WorkerIdentity, address: str) -> bool:
    return identity.task is None or str(identity.task) == address
