"""Messages: one row for what was said, one delivery for each recipient until it is acknowledged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from git_agent.domain.delivery import Delivery
from git_agent.store.engine import NOW_MS, peewee
from git_agent.store.schema import DeliveryRow, MessageRow, dicts, tuples

if TYPE_CHECKING:
    from git_agent.domain.message import Draft, Message


def send(drafts: Iterable[Draft], sender: str, *, verified: bool) -> list[int]:
    """Store messages with their deliveries; call it inside the change's transaction. Returns their ids."""
    return [_send(draft, sender, verified) for draft in drafts]


def _send(draft: Draft, sender: str, verified: bool) -> int:
    thread = _thread_of(draft.reply_to)
    key = MessageRow.insert(
        sender=sender,
        task=draft.task,
        reply_to=draft.reply_to,
        urgent=int(draft.urgent),
        needs_ack=int(draft.needs_ack),
        body=draft.body,
        verified=int(verified),
        sent_at=NOW_MS,
    ).execute()
    MessageRow.update(thread=thread or key).where(MessageRow.id == key).execute()
    DeliveryRow.insert(message=key, recipient=draft.to).execute()
    return int(key)


def _thread_of(message: int | None) -> int | None:
    if message is None:
        return None
    return next(
        (row[0] for row in tuples(MessageRow.select(MessageRow.thread).where(MessageRow.id == message))),
        None,
    )


def last_question(task: int) -> int | None:
    """Find the newest message that a task's worker sent."""
    rows = tuples(MessageRow.select(peewee.fn.MAX(MessageRow.id)).where(MessageRow.sender == str(task)))
    return rows[0][0]  # type: ignore[no-any-return]


def of_task(task: int, *, since_ms: int | None = None, limit: int = 1000) -> list[Message]:
    """List the newest messages about a task, oldest first. since_ms: ms since the epoch."""
    query = _joined().where(MessageRow.task == task)
    if since_ms is not None:
        query = query.where(MessageRow.sent_at >= since_ms)
    return _messages(query.order_by(MessageRow.id.desc()).limit(limit))[::-1]


def unread(recipients: Iterable[str]) -> dict[str, int]:
    """Count the messages each recipient has not acknowledged."""
    wanted = list(recipients)
    query = DeliveryRow.select(DeliveryRow.recipient, peewee.fn.COUNT(DeliveryRow.message)).where(
        DeliveryRow.state != Delivery.ACKED
    )
    if len(wanted) <= 500:
        query = query.where(DeliveryRow.recipient.in_(wanted))
    return dict(tuples(query.group_by(DeliveryRow.recipient)))


def waiting(recipient: str, limit: int) -> list[Message]:
    """List the newest messages that a recipient has not acknowledged, oldest first."""
    mine = (DeliveryRow.recipient == recipient) & (DeliveryRow.state != Delivery.ACKED)
    return _messages(_joined().where(mine).order_by(MessageRow.id.desc()).limit(limit))[::-1]


def _joined() -> Any:
    return MessageRow.select(MessageRow, DeliveryRow.recipient, DeliveryRow.state).join(
        DeliveryRow, on=(DeliveryRow.message == MessageRow.id)
    )


def _messages(query: Any) -> list[Message]:
    from git_agent.domain.message import Message

    return [
        Message(
            id=row["id"],
            sender=row["sender"],
            to=row["recipient"],
            task=row["task"],
            topic=row["topic"],
            thread=row["thread"],
            reply_to=row["reply_to"],
            urgent=bool(row["urgent"]),
            needs_ack=bool(row["needs_ack"]),
            body=row["body"],
            sent_at=row["sent_at"],
            state=Delivery(row["state"]),
            verified=bool(row["verified"]),
        )
        for row in dicts(query)
    ]
