"""Send messages to tasks, people, all workers or a topic, and reply to messages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from git_agent.actions.lookup import resolve
from git_agent.actions.messages.inbox import Mailbox, mailbox
from git_agent.actions.transition import run_again
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import ALL, Draft, Message, check_recipient, check_topic, is_topic
from git_agent.domain.speaker import GIT
from git_agent.domain.task import FINISHED, State
from git_agent.errors import AgentError, Exit, refused, usage
from git_agent.record import Record


def send(
    app: App, to: Sequence[str], text: str, *, urgent: bool = False, needs_ack: bool = False, thread: int | None = None
) -> list[Message]:
    """Send a text once to each recipient; return one copy of the message per recipient.

    to: tasks, `@human`, `@coordinator`, `@all` or `#topic`.
    text: the body of the message.
    urgent: list the message before those that are not urgent.
    needs_ack: each recipient must acknowledge the message.
    thread: the number of any message of the conversation to join.
    Raises AgentError: exit 1 for an unknown task or thread, exit 2 for an invalid text or recipient, exit 3 for a
    finished task, exit 5 for a superseded worker, exit 6 beyond agent.messageRate.
    """
    limit, _ = app.config.number("agent.maxMessage"), app.speaker  # these run git: not in the transaction
    with app.store.transaction():
        who = mailbox(app)
        body = names.check_message(text, limit)
        meant = addressees(app, to, who.addresses[0])
        if needs_ack and meant.addresses == (f"#{meant.topic}",):
            raise usage(
                "no-reader", "nobody has to acknowledge a message to a topic", "also name the tasks or people that must"
            )
        check_rate(app)
        first, *others = meant.addresses
        draft = Draft(
            first,
            body,
            _subject(who, meant),
            urgent=urgent,
            needs_ack=needs_ack,
            others=tuple(others),
            topic=meant.topic,
            thread=None if thread is None else _joined(app, thread),
        )
        if who.of_worker:
            app.store.leases.progress(int(who.addresses[0]))
        return app.store.messages.post(draft, who.addresses[0], verified=who.verified)


def nobody_reads(app: App, copies: Sequence[Message]) -> list[str]:
    """Return a line for each task that got a message while nobody works on it, with what changes that.

    copies: the copies of a message.
    """
    tasks = [app.store.tasks.get(int(copy.to)) for copy in copies if re.fullmatch(_PLAIN, copy.to)]
    over = app.store.sessions.over([task.id for task in tasks]) if tasks else set()
    waits = "reads it" if len(tasks) == 1 else "reads the message"
    lines = []
    for task in tasks:
        if task.state in (State.OPEN, State.FAILED):
            lines.append(f"nobody works on {task.label}, which is {task.state}: its next worker {waits}")
        elif task.id in over:
            more = f", which is {task.state}: its next worker {waits}"
            if task.state in (State.ASSIGNED, State.WORKING):
                more = f": {run_again(app, task)}"
            lines.append(f"nobody runs {task.label} now{more}")
    return lines


def _subject(who: Mailbox, meant: Addressees) -> int | None:
    """Return the task that a message is about: the only task that it is sent to, else the sender's."""
    if len(meant.tasks) == 1:
        return meant.tasks[0]
    return int(who.addresses[0]) if who.of_worker else None


def _joined(app: App, message: int) -> int:
    thread = app.store.messages.thread_of(message)
    if thread is None:
        raise AgentError("unknown-message", f"there is no message {message}", "git agent inbox")
    return thread


def reply(app: App, message: int, text: str) -> list[Message]:
    """Reply to the sender of a message and to its topic; return one copy of the reply per recipient.

    A reply to the speaker's own message goes to the recipients of that message.
    message: the number of the message.
    text: the body of the reply.
    Raises AgentError: exit 1 for an unknown message, exit 3 for a message that a worker neither received nor sent, that
    is from git, or whose sender's task is finished, otherwise as send does.
    """
    limit, _ = app.config.number("agent.maxMessage"), app.speaker  # these run git: not in the transaction
    with app.store.transaction():
        who, copies = mailbox(app), app.store.messages.copies(message)
        body = names.check_message(text, limit)
        meant = addressees(app, _to(who, copies, message), who.addresses[0])
        check_rate(app)
        first, *others = meant.addresses
        draft = Draft(first, body, copies[0].task, reply_to=message, others=tuple(others), topic=meant.topic)
        app.store.deliveries.acknowledge([message], who.addresses)
        if who.of_worker:
            app.store.leases.progress(int(who.addresses[0]))
        return app.store.messages.post(draft, who.addresses[0], verified=who.verified)


def _to(who: Mailbox, copies: Sequence[Message], message: int) -> list[str]:
    if not copies:
        raise AgentError("unknown-message", f"there is no message {message}", "git agent inbox")
    said, receivers = copies[0], [c.to for c in copies]
    got, sent = bool(set(receivers) & set(who.addresses)), said.sender in who.addresses
    if who.of_worker and not (got or sent or said.topic):
        raise refused("not-yours", f"message {message} was not sent to you", "git agent inbox")
    if said.sender == GIT:
        raise refused("no-reader", f"message {message} is from git, which reads no reply", f"git agent ack {message}")
    topic = [f"#{said.topic}"] if said.topic else []
    others = [each for each in receivers if each not in who.addresses]
    return others if sent and others else [said.sender, *topic]


_PLAIN = r"[1-9][0-9]{0,17}"


class Addressees(Record):
    """The recipients of a message.

    addresses: all of them.
    tasks: the tasks that were named; the current or next worker of each reads the message.
    topic: the name of the topic without `#`; None without one.
    """

    addresses: tuple[str, ...]
    tasks: tuple[int, ...]
    topic: str | None


def addressees(app: App, to: Sequence[str], sender: str) -> Addressees:
    """Resolve recipients and drop duplicates.

    to: tasks, `@human`, `@coordinator`, `@all` and at most one `#topic`.
    sender: the sender's own address, which `@all` does not include.
    Raises AgentError: exit 1 for an unknown task, exit 2 for any other invalid recipient, exit 3 for a finished task or
    when `@all` includes nobody.
    """
    found: list[str] = []
    named: list[int] = []
    topics: set[str] = set()
    for each in to:
        if each.startswith("@"):
            place = check_recipient(each)
            found += [a for a in app.store.addresses.live() if a != sender] if place == ALL else [place]
        elif is_topic(each):
            topics.add(check_topic(each))
        else:
            named.append(_unfinished(app, each))
            found.append(str(named[-1]))
    if len(topics) > 1:
        raise usage("several-topics", "a message has at most one topic", "send one message to each topic")
    found += [f"#{topic}" for topic in topics]
    if not found:
        raise refused("nobody", "no other task is live: nobody would receive it", "git agent send @human TEXT")
    return Addressees(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(named)), next(iter(topics), None))


def _unfinished(app: App, text: str) -> int:
    if re.fullmatch(_PLAIN, text) and app.store.addresses.is_unfinished(int(text)):
        return int(text)  # the common case, without a lookup by name
    task = resolve(app, text)
    if task.state in FINISHED:
        says = f"nobody works on {task.label}: it is {task.state}"
        raise refused("finished-task", says, f"git agent reopen {task.id}, or git agent send @human TEXT")
    return task.id


def check_rate(app: App) -> None:
    """Refuse a worker's message beyond agent.messageRate per minute. People are not limited.

    Raises AgentError (exit 6).
    """
    limit = app.config.number("agent.messageRate") if app.worker_of is not None else 0
    if limit and app.store.messages.sent_lately(app.speaker.address, limit) >= limit:
        says = f"task {app.worker_of} has sent {limit} messages within a minute, as many as agent.messageRate allows"
        raise AgentError("message-rate", says, "wait a minute, or say it in one message", exit=Exit.BUSY)
