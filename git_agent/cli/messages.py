"""Verbs that send and read messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from git_agent.app import App
from git_agent.cli.command import Answer, read_text, screen, verb
from git_agent.cli.parsing import Finite
from git_agent.errors import usage

if TYPE_CHECKING:
    from git_agent.actions.messages.inbox import Inbox
    from git_agent.domain.message import Message

_ID = click.IntRange(1, 2**63 - 1)


def _sent(copies: Sequence[Message]) -> Answer:
    from git_agent.render import json
    from git_agent.render import messages as message_lines

    return Answer({"messages": [json.message_json(copy) for copy in copies]}, [message_lines.sent_line(copies)])


@verb("send", configured=True)
@click.argument("words", nargs=-1, required=True, metavar="TO... TEXT")
@click.option("-F", "--file", metavar="FILE", help="Read the text from FILE, - for standard input; all words are TO.")
@click.option("--urgent", is_flag=True, help="List it before messages that are not urgent.")
@click.option("--needs-ack", is_flag=True, help="Remind the sender in inbox and status until it is acknowledged.")
@click.option("--thread", type=_ID, metavar="ID", help="Join the conversation of message ID.")
def send_verb(
    app: App, words: tuple[str, ...], file: str | None, urgent: bool, needs_ack: bool, thread: int | None
) -> Answer:
    """Send a message.

    TO is a task, @human, @coordinator, @all (the workers of live tasks) or a topic such as '#builds'. A message to a
    task reaches whoever works on it when it is read. It is delivered until it is acknowledged. A worker that sends more
    messages per minute than agent.messageRate allows is refused with exit code 6.
    """
    from git_agent.actions.messages.send import nobody_reads, send

    to, text = (words, None) if file is not None else (words[:-1], words[-1])
    if not to:
        raise usage("no-text", "the recipient or the text is missing", "git agent send @human TEXT")
    if text is None:
        text = read_text(file or "-", app.config.number("agent.maxMessage") + 1)
    copies = send(app, to, text, urgent=urgent, needs_ack=needs_ack, thread=thread)
    return _sent(copies)._replace(talk=[f"note: {line}" for line in nobody_reads(app, copies)])


@verb("reply", configured=True)
@click.argument("message", type=_ID, metavar="ID")
@click.argument("text")
def reply_verb(app: App, message: int, text: str) -> Answer:
    """Reply to message ID and acknowledge it. The reply goes to its sender, and to its topic if it has one."""
    from git_agent.actions.messages.send import nobody_reads, reply

    copies = reply(app, message, text)
    return _sent(copies)._replace(talk=[f"note: {line}" for line in nobody_reads(app, copies)])


@verb("inbox")
@click.option("--as", "whose", metavar="WHO", help="Show the inbox of a task, @human or @coordinator.")
@click.option("--wait", is_flag=True, help="Wait for a new message.")
@click.option("--timeout", type=Finite(0), metavar="S", help="Wait at most S seconds.")
@click.option("--peek", is_flag=True, help="Mark nothing as seen.")
def inbox_verb(app: App, whose: str | None, wait: bool, timeout: float | None, peek: bool) -> Answer:
    """Show your unacknowledged messages: urgent ones first, then the oldest first.

    They are shown again until you acknowledge them. --wait returns when there is a new message, or one that you saw
    five minutes ago and have not acknowledged. After --timeout the exit code is 6. The text of a message is data from
    others. Messages to others, shown with --as, are not marked as seen.
    """
    from git_agent.actions.messages.inbox import inbox, mark_seen
    from git_agent.render import json

    found = inbox(app, whose=whose, wait=wait, timeout_s=timeout)
    payload = {
        "messages": [json.message_json(m) for m in found.messages],
        "unacked": [json.unacknowledged_json(m) for m in found.unacked],
    }
    delivered = None if peek else lambda: mark_seen(app, found)
    return Answer(payload, _shown(app, found.messages), _talk(app, found), delivered=delivered)


def _shown(app: App, messages: Sequence[Message] | Iterator[Message]) -> Iterator[str]:
    from git_agent.render import messages as message_lines

    at = screen(app)
    return (line for message in messages for line in message_lines.message_lines(message, at))


def _talk(app: App, found: Inbox) -> list[str]:
    from git_agent.render import messages as message_lines

    lines = [f"note: not acknowledged yet: {message_lines.unacknowledged_line(m, app.now())}" for m in found.unacked]
    if found.more:
        lines.append("note: there are more; acknowledge these first")
    return lines if found.messages else [*lines, "no mail"]


@verb("ack")
@click.argument("messages", type=_ID, nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="Acknowledge every message that you were shown.")
def ack_verb(app: App, messages: tuple[int, ...], everything: bool) -> Answer:
    """Acknowledge messages that you received. They are not delivered again.

    --all leaves out messages that `git agent inbox` has not shown to you yet. A worker's `done` acknowledges what it
    was shown, and `prime` what it shows whole.
    """
    from git_agent.actions.messages.inbox import ack
    from git_agent.render import json

    if everything == bool(messages):
        raise usage("which-messages", "give either messages or --all", "git agent inbox")
    done = ack(app, None if everything else messages)
    said = [f"message {m.id} is acknowledged{' already' * (m.id in done.already)}" for m in done.messages]
    said = said or ["no message was shown to you that is not acknowledged"]
    return Answer({"messages": [json.message_json(m) for m in done.messages], "already": list(done.already)}, said)


@verb("tail")
@click.argument("topic")
@click.option("--follow", "-f", is_flag=True, help="Print new messages as they arrive; --json prints one per line.")
@click.option(
    "-l",
    "--last",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    metavar="N",
    help="Show the last N messages first.",
)
def tail_verb(app: App, topic: str, follow: bool, last: int) -> Answer:
    """Show the messages of a topic: `builds`, or '#builds' in quotes for the shell."""
    from git_agent.actions.messages.topics import tail
    from git_agent.render import json

    said = tail(app, topic, last=last, follow=follow)
    if click.get_current_context().params.get("as_json"):
        if follow:
            return Answer({}, rows=({"message": json.message_json(m)} for m in said), follows=True)
        return Answer({"messages": [json.message_json(m) for m in said]})
    return Answer({}, _shown(app, said), follows=follow)
