"""Messages: one row for each message, one delivery for each of its recipients (store/deliveries.py)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from git_agent.domain.message import Delivery
from git_agent.store.sql import NOW

if TYPE_CHECKING:
    from git_agent.domain.message import Draft, Message
    from git_agent.store.store import Store

_INSERT = (
    "INSERT INTO message (sender, task, topic, thread, reply_to, urgent, needs_ack, body, verified, until, sent_at)"
    f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {NOW}) RETURNING id, sent_at"
)
_DELIVER = "INSERT INTO delivery (message, recipient, state) VALUES (?, ?, 'new')"
VIEW = (
    "SELECT m.id, m.sender, d.recipient, m.task, m.topic, COALESCE(m.thread, m.id), m.reply_to, m.urgent, m.needs_ack,"
    " m.body, m.sent_at, d.state, m.verified FROM delivery d JOIN message m ON m.id = d.message"
)
"""The start of a query for messages, one row for each recipient. See `views`."""
_MINUTE_MS = 60_000


class Messages:
    """The messages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement and list its rows."""
        return self._store.sql(sql, params)

    def views(self, sql: str, *params: Any) -> list[Message]:
        """Run a query that begins with VIEW, and list its messages."""
        return self.listed(self.rows(sql, *params))

    def listed(self, rows: Iterable[tuple[Any, ...]]) -> list[Message]:
        """Return the messages in rows with the columns of VIEW."""
        from git_agent.domain.message import Message

        def one(row: tuple[Any, ...]) -> Message:
            *plain, urgent, needs_ack, body, sent_at, state, verified = row
            values = [*plain, bool(urgent), bool(needs_ack), body, sent_at, Delivery(state), bool(verified)]
            return Message(*values)

        return list(map(one, rows))

    def send(self, drafts: Iterable[Draft], sender: str, *, verified: bool) -> list[int]:
        """Store messages with their deliveries, and return their ids. Call it inside the transaction of the change.

        verified: whether the sender proved its identity
        """
        return [self.post(draft, sender, verified=verified)[0].id for draft in drafts]

    def post(self, draft: Draft, sender: str, *, verified: bool) -> list[Message]:
        """Store a message as send does. Returns one copy for each recipient."""
        from git_agent.domain.message import Message

        flags = draft.urgent, draft.needs_ack
        thread = draft.thread if draft.thread or draft.reply_to is None else self.thread_of(draft.reply_to)
        about = draft.task, draft.topic
        values = (sender, *about, thread, draft.reply_to, *map(int, flags), draft.body, int(verified), draft.until)
        ((key, at),) = self.rows(_INSERT, *values)
        copies = []
        for to in dict.fromkeys((draft.to, *draft.others)):
            self.rows(_DELIVER, key, to)
            plain = (key, sender, to, *about, thread or key, draft.reply_to, *flags, draft.body, at)
            copies.append(Message(*plain, Delivery.NEW, verified))
        return copies

    def thread_of(self, message: int) -> int | None:
        """Return the thread of a message, which is the id of its first message; None for an unknown message."""
        return next(
            (row[0] for row in self.rows("SELECT COALESCE(thread, id) FROM message WHERE id = ?", message)), None
        )

    def copies(self, message: int) -> list[Message]:
        """List the copies of a message, one for each recipient; empty for an unknown message."""
        return self.views(f"{VIEW} WHERE m.id = ? ORDER BY d.recipient", message)

    def last_question(self, task: int) -> int | None:
        """Return the newest message with which a task asked people for something it needs to continue, or None."""
        query = "SELECT MAX(id) FROM message WHERE task = ? AND until IS NOT NULL AND needs_ack = 1"
        return self.rows(query, task)[0][0]  # type: ignore[no-any-return]

    def of_task(self, task: int, *, since_ms: int | None = None, limit: int = 1000) -> list[Message]:
        """List the newest messages about a task, from its workers and to them, oldest first.

        since_ms: the earliest time, ms since the epoch
        limit: the maximum number of messages
        """
        newest = "ORDER BY 1 DESC LIMIT ?)"
        ids = " UNION ".join(
            (
                f"SELECT * FROM (SELECT id FROM message WHERE task = ? {newest}",
                f"SELECT * FROM (SELECT id FROM message WHERE sender = ? {newest}",
                f"SELECT * FROM (SELECT message FROM delivery WHERE recipient = ? {newest}",
            )
        )
        query = f"{VIEW} WHERE m.id IN ({ids}) AND m.sent_at >= ? ORDER BY m.id DESC, d.recipient DESC LIMIT ?"
        wanted = (task, limit, str(task), limit, str(task), limit)
        return self.views(query, *wanted, since_ms or 0, limit)[::-1]

    def of_topic(self, topic: str, *, after: int | None = None, limit: int) -> list[Message]:
        """List a topic's messages, oldest first.

        topic: its name without `#`
        after: the id after which to start; None for the newest messages
        limit: the maximum number of messages
        """
        query, place = f"{VIEW} WHERE m.topic = ? AND d.recipient = ?", f"#{topic}"
        if after is None:
            return self.views(f"{query} ORDER BY m.id DESC LIMIT ?", topic, place, limit)[::-1]
        return self.views(f"{query} AND m.id > ? ORDER BY m.id LIMIT ?", topic, place, after, limit)

    def sent_lately(self, sender: str, most: int) -> int:
        """Count the messages that a sender sent within the last minute. Messages dated in the future do not count.

        most: the number at which counting stops
        """
        lately = f"sent_at BETWEEN {NOW} - {_MINUTE_MS} AND {NOW}"
        query = f"SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE sender = ? AND {lately} LIMIT ?)"
        return int(self.rows(query, sender, most)[0][0])
