"""Deliveries: the state of a message for each recipient.

Acknowledged deliveries cost nothing, because the index of a recipient's deliveries includes the state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from git_agent.domain.message import REDELIVERY_S
from git_agent.store import statements
from git_agent.store.messages import VIEW
from git_agent.store.sql import NOW

if TYPE_CHECKING:
    from git_agent.domain.message import Message
    from git_agent.domain.task import Hold, State
    from git_agent.store.store import Store

_OPEN = "d.state IN ('new', 'seen')"
_OVERDUE = f"d.seen_at < {NOW} - {int(REDELIVERY_S * 1000)}"
_DUE = f"{_OPEN} AND (d.state = 'new' OR {_OVERDUE})"
MOST_UNACKNOWLEDGED = 100
"""How many messages without an acknowledgement are listed."""
_MANY = 500  # messages or recipients in one statement
_T = TypeVar("_T")


class Deliveries:
    """The recipients of each message and the state of each delivery."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def waiting(self, recipients: Sequence[str], limit: int) -> list[Message]:
        """List at most limit messages that recipients have not acknowledged: urgent first, then oldest first."""
        where = f"d.recipient IN ({_marks(recipients)}) AND {_OPEN}"
        return self._store.messages.views(
            f"{VIEW} WHERE {where} ORDER BY m.urgent DESC, m.id, d.recipient LIMIT ?", *recipients, limit
        )

    def due(self, recipients: Sequence[str]) -> bool:
        """Return whether a message is due: a new one, or one seen more than REDELIVERY_S ago and not acknowledged."""
        where = f"d.recipient IN ({_marks(recipients)}) AND {_DUE}"
        return bool(
            self._store.messages.rows(f"SELECT EXISTS (SELECT 1 FROM delivery d WHERE {where})", *recipients)[0][0]
        )

    def seen(self, recipients: Sequence[str]) -> list[int]:
        """List the messages that recipients were shown and have not acknowledged."""
        where = f"state = 'seen' AND recipient IN ({_marks(recipients)}) ORDER BY message"
        return [row[0] for row in self._store.messages.rows(f"SELECT message FROM delivery WHERE {where}", *recipients)]

    def see(self, messages: Sequence[int], recipients: Sequence[str]) -> None:
        """Record that messages were shown to recipients. Call it in a transaction."""
        for some in _portions(messages):
            where = f"message IN ({_marks(some)}) AND recipient IN ({_marks(recipients)}) AND {_DUE}"
            self._store.messages.rows(
                f"UPDATE delivery AS d SET state = 'seen', seen_at = {NOW} WHERE {where}", *some, *recipients
            )

    def acknowledge(self, messages: Sequence[int], recipients: Sequence[str]) -> set[int]:
        """Record that recipients acknowledged messages. Call it in a transaction.

        Returns the messages that were not acknowledged before.
        """
        acked = set[int]()
        for some in _portions(messages):
            where = f"message IN ({_marks(some)}) AND recipient IN ({_marks(recipients)}) AND {_OPEN}"
            query = f"UPDATE delivery AS d SET state = 'acked', acked_at = {NOW} WHERE {where} RETURNING message"
            acked |= {row[0] for row in self._store.messages.rows(query, *some, *recipients)}
        return acked

    def received(self, messages: Sequence[int], recipients: Sequence[str]) -> dict[int, Message]:
        """Map the ids of the messages that recipients received, acknowledged or not, to the messages."""
        found: dict[int, Message] = {}
        for some in _portions(messages):
            where = f"m.id IN ({_marks(some)}) AND d.recipient IN ({_marks(recipients)}) ORDER BY d.recipient"
            found |= {m.id: m for m in self._store.messages.views(f"{VIEW} WHERE {where}", *some, *recipients)}
        return found

    def settle(self, task: int, state: State, hold: Hold | None) -> None:
        """Acknowledge the messages that announced a state or hold which the task no longer has.

        Nobody needs to read a request that has been met. Call it in the transaction of the change.
        """
        announced = "SELECT id FROM message WHERE task = ? AND until IS NOT NULL AND until NOT IN (?, ?)"
        query = f"UPDATE delivery AS d SET state = 'acked', acked_at = {NOW} WHERE {_OPEN} AND message IN"
        self._store.messages.rows(f"{query} ({announced})", task, state, hold or "")

    def unread(self, recipients: Sequence[str]) -> dict[str, int]:
        """Map each recipient to its number of unacknowledged messages."""
        counts: dict[str, int] = {}
        for some in _portions(recipients):
            counts |= dict(self._store.rows(statements.UNREAD, recipients=list(some)))
        return counts

    def calling(self, recipients: Sequence[str]) -> tuple[int, int]:
        """Count what to report to recipients: new messages, and seen ones whose acknowledgement is overdue."""
        late = f"d.state = 'seen' AND m.needs_ack = 1 AND {_OVERDUE}"
        counts = f"SELECT COUNT(*) FILTER (WHERE d.state = 'new'), COUNT(*) FILTER (WHERE {late})"
        joined = "FROM delivery d JOIN message m ON m.id = d.message"
        query = f"{counts} {joined} WHERE d.recipient IN ({_marks(recipients)}) AND {_OPEN}"
        ((new, overdue),) = self._store.messages.rows(query, *recipients)
        return int(new), int(overdue)

    def for_people(self) -> tuple[int, int, int]:
        """Count the messages that people have not seen, the urgent ones among them, and all that wait for the person.

        Messages that only announce a task's state count in the last number alone.
        """
        ((new, urgent, waiting),) = self._store.rows(statements.MAIL_OF_PEOPLE)
        return int(new), int(urgent), int(waiting)

    def unacknowledged(self, senders: Sequence[str] | None = None) -> list[Message]:
        """List the oldest messages that need an acknowledgement and have none, oldest first.

        senders: only messages from these; None for all
        Covers messages to people and to unfinished tasks: nobody acknowledges for a finished task. Messages that only
        announce a task's state are left out.
        """
        if senders is None:
            rows = self._store.rows(statements.UNACKNOWLEDGED, limit=MOST_UNACKNOWLEDGED)
        else:
            rows = self._store.rows(statements.UNACKNOWLEDGED_FROM, senders=list(senders), limit=MOST_UNACKNOWLEDGED)
        return self._store.messages.listed(rows)

    def waiting_places(self) -> list[tuple[str, int, int]]:
        """List the recipients with unseen messages: recipient, number of messages, id of the first one.

        Messages that only announce a task's state do not count.
        """
        joined = "FROM delivery d JOIN message m ON m.id = d.message"
        where = "d.state = 'new' AND m.until IS NULL GROUP BY 1 ORDER BY 1"
        found = self._store.messages.rows(f"SELECT d.recipient, COUNT(*), MIN(m.id) {joined} WHERE {where}")
        return [(str(to), number, first) for to, number, first in found]

    def let_go(self, recipient: str) -> list[int]:
        """Acknowledge all open messages to a recipient that does not exist. Call it in a transaction.

        Returns the ids of the messages.
        """
        where = f"recipient = ? AND {_OPEN}"
        query = f"UPDATE delivery AS d SET state = 'acked', acked_at = {NOW} WHERE {where} RETURNING message"
        return sorted(row[0] for row in self._store.messages.rows(query, recipient))

    def unread_urgent(self, older_ms: int, limit: int = 100) -> list[Message]:
        """List the urgent messages that have been unseen for more than older_ms milliseconds, oldest first."""
        late = f"m.sent_at < {NOW} - ?"
        where = f"d.state = 'new' AND m.urgent = 1 AND m.until IS NULL AND {late}"
        return self._store.messages.views(f"{VIEW} WHERE {where} ORDER BY m.id, d.recipient LIMIT ?", older_ms, limit)


def _portions(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (values[start : start + _MANY] for start in range(0, len(values), _MANY))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
