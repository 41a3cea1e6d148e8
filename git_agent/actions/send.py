"""Send a message: to tasks, to people, to all workers, to a topic."""

from __future__ import annotations

from collections.abc import Sequence

from git_agent.actions.addressees import Addressees, addressees
from git_agent.actions.keep_rate import keep_rate
from git_agent.actions.mailbox import Mailbox, mailbox
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft, Message
from git_agent.errors import AgentError, usage
from git_agent.store import leases, messages


def send(
    app: App, to: Sequence[str], text: str, *, urgent: bool = False, needs_ack: bool = False, thread: int | None = None
) -> list[Message]:
    """Send a text to each recipient once; return the message as each of them has it.

    to: tasks, `@human`, `@coordinator`, `@all`, `#topic`; thread: a message of the conversation to join. Raises
    AgentError: exit 1 for an unknown task or thread, exit 2 for a text or recipient that can't be, exit 3 for a
    finished task, exit 5 for a superseded worker, exit 6 beyond the rate.
    """
    limit, _ = app.config.number("agent.maxMessage"), app.speaker  # asked of git before the transaction
    with app.store.transaction():
        who = mailbox(app)
        body = names.check_message(text, limit)
        meant = addressees(app, to, who.addresses[0])
        if needs_ack and meant.addresses == (f"#{meant.topic}",):
            raise usage("no-reader", "nobody has to acknowledge what is said in a topic", "name who shall, too")
        keep_rate(app)
        first, *others = meant.addresses
        draft = Draft(
            first,
            body,
            _subject(who, meant),
            urgent=urgent,
            needs_ack=needs_ack,
            others=tuple(others),
            topic=meant.topic,
            thread=None if thread is None else _joined(thread),
        )
        if who.of_worker:
            leases.progress(int(who.addresses[0]))
        return messages.post(draft, who.addresses[0], verified=who.verified)


def _subject(who: Mailbox, meant: Addressees) -> int | None:
    """What a message is about: the one task that it is sent to, else the sender's."""
    if len(meant.tasks) == 1:
        return meant.tasks[0]
    return int(who.addresses[0]) if who.of_worker else None


def _joined(message: int) -> int:
    thread = messages.thread_of(message)
    if thread is None:
        raise AgentError("unknown-message", f"there is no message {message}", "git agent inbox")
    return thread
