"""Events: appended in the transaction of the change that they record, and never modified."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.domain.notification import needs_person
from git_agent.domain.task import State
from git_agent.store import statements

if TYPE_CHECKING:
    from git_agent.domain.event import Event
    from git_agent.store.store import Store

COLUMNS = ("seq", "at", "kind", "task", "actor", "source", "target", "epoch", "version", "data")
_OPERATION, _UNDOES = "json_extract(e.data, '$.operation')", "json_extract(u.data, '$.undoes')"
# The unary plus removes the column's affinity. With the affinity, SQLite scans the whole index.
_NOT_UNDONE = f"NOT EXISTS (SELECT 1 FROM event u WHERE {_UNDOES} = +e.seq AND {_UNDOES} IS NOT NULL)"


class Events:
    """The append-only history."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calls: list[int] = []  # events appended here that need a person, until take_calls
        self._news: list[int] = []  # all events appended here, until take_news

    def append(
        self,
        kind: str,
        actor: str,
        *,
        task: int | None = None,
        source: State | None = None,
        target: State | None = None,
        epoch: int | None = None,
        version: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> int:
        """Append an event. Call it inside the transaction of the change.

        source, target: the states before and after; only for a change of state
        Returns the number of the event.
        """
        evidence = self._store.evidence_of(actor)
        text = json.dumps({**(data or {}), **({"evidence": [*evidence]} if evidence else {})}, ensure_ascii=True)
        ((seq,),) = self._store.rows(
            statements.APPEND_EVENT,
            kind=kind,
            task=task,
            actor=actor,
            source=source,
            target=target,
            epoch=epoch,
            version=version,
            data=text,
        )
        self._news.append(seq)
        if needs_person(kind):
            self._calls.append(seq)
        return int(seq)

    def take_calls(self) -> int | None:
        """Return the first event that needs a person, of those appended here since the last call; None if none.

        The event may not exist: its transaction may have been rolled back.
        """
        first = min(self._calls, default=None)
        self._calls.clear()
        return first

    def take_news(self) -> bool:
        """Return whether any event was appended here since the last call. It may have been rolled back."""
        found = bool(self._news)
        self._news.clear()
        return found

    def append_once(
        self, kind: str, actor: str, *, task: int, epoch: int, data: Mapping[str, Any], unlike: str
    ) -> bool:
        """Append an event unless the task has one of this kind with the same value. Call it inside a transaction.

        unlike: the key in data of the value that is compared
        Returns whether the event was appended.
        """
        if any(event.data.get(unlike) == data[unlike] for event in self.of_kind(task, kind)):
            return False
        self.append(kind, actor, task=task, epoch=epoch, data=data)
        return True

    def of_task(
        self, task: int | None, *, since_ms: int | None = None, after: int = 0, limit: int = 1000
    ) -> list[Event]:
        """List the newest events, oldest first.

        task: None for all tasks
        since_ms: the earliest time, ms since the epoch
        after: only events with a greater number
        limit: the maximum number of events
        """
        if task is None:
            since, always = statements.NEWEST_EVENTS_SINCE, statements.NEWEST_EVENTS
        else:
            since, always = statements.NEWEST_EVENTS_OF_TASK_SINCE, statements.NEWEST_EVENTS_OF_TASK
        wanted = {"task": task, "after": after, "since": since_ms, "limit": limit}
        return self._list(always if since_ms is None else since, **wanted)[::-1]

    def get(self, seq: int) -> Event | None:
        """Return an event by its number, or None."""
        return self._first(statements.EVENT, seq=seq)

    def following(self, seq: int, limit: int) -> list[Event]:
        """List at most limit events after a number, oldest first."""
        return self._list(statements.FOLLOWING_EVENTS, after=seq, limit=limit)

    def of_kinds(self, kinds: Iterable[str], numbers: range, since_ms: int) -> list[Event]:
        """List the events of these kinds, oldest first.

        numbers: the range of event numbers
        since_ms: the earliest time, ms since the epoch
        """
        within = {"first": numbers.start, "end": numbers.stop, "since": since_ms}
        return self._list(statements.EVENTS_OF_KINDS, kinds=list(kinds), **within)

    def of_kind(self, task: int, kind: str) -> list[Event]:
        """List a task's events of a kind, newest first."""
        return self._list(statements.EVENTS_OF_KIND, task=task, kind=kind)

    def with_evidence(self, task: int) -> list[Event]:
        """List the events of a task that somebody else than their actor may have caused, oldest first."""
        return [event for event in self._list(statements.EVENTS_THAT_MAY_HAVE_EVIDENCE, task=task) if event.evidence]

    def newest(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        return int(self._store.rows(statements.NEWEST_NUMBER)[0][0] or 0)

    def last_change(self, task: int) -> Event | None:
        """Return the newest event that changed a task's state or epoch, or None."""
        return self._first(statements.LAST_CHANGE, task=task)

    def latest(self, kind: str, tasks: Iterable[int]) -> dict[int, Event]:
        """Map tasks to their newest event of a kind. Tasks without one are left out."""
        found = self._list(statements.EVENTS_OF_KIND_OF_TASKS, kind=kind, tasks=list(tasks))
        return {event.task: event for event in found if event.task is not None}

    def superseding(self, task: int, epoch: int) -> Event | None:
        """Return the event that ended an epoch of a task: the first change in a later epoch."""
        return self._first(statements.SUPERSEDING_EVENT, task=task, epoch=epoch)

    def undoable(self) -> Iterator[Event]:
        """Yield the events that name their operation and were not undone, newest first. An index serves this."""
        yield from self._chosen(f"{_OPERATION} IS NOT NULL AND {_NOT_UNDONE} ORDER BY e.seq DESC")

    def of_operation(self, operation: str) -> list[Event]:
        """List the events of an operation that were not undone, oldest first."""
        return list(
            self._chosen(f"{_OPERATION} = ? AND {_OPERATION} IS NOT NULL AND {_NOT_UNDONE} ORDER BY e.seq", operation)
        )

    def changed_after(self, task: int, seq: int, operations: Collection[str]) -> Event | None:
        """Return a task's first change of state, or removal, after an event; None if there is none.

        seq: the number of the event
        operations: operations whose changes do not count
        Changes that were undone, and the undoing itself, do not count either.
        """
        counts = f"(e.version IS NOT NULL OR e.kind = 'task.removed') AND e.kind <> 'task.undone' AND {_NOT_UNDONE}"
        others = f"({_OPERATION} IS NULL OR {_OPERATION} NOT IN ({', '.join('?' * len(operations))}))"
        where = f"e.task = ? AND e.seq > ? AND {counts} AND {others} ORDER BY e.seq LIMIT 1"
        return next(self._chosen(where, task, seq, *operations), None)

    def numbered(self, seqs: Sequence[int]) -> list[Event]:
        """List the events with these numbers that were not undone, oldest first."""
        return list(self._chosen(f"e.seq IN ({', '.join('?' * len(seqs))}) AND {_NOT_UNDONE} ORDER BY e.seq", *seqs))

    def _chosen(self, where: str, *params: object) -> Iterator[Event]:
        names = ", ".join(f"e.{name}" for name in COLUMNS)
        yield from map(_event, self._store.each(f"SELECT {names} FROM event e WHERE {where}", params))

    def _list(self, statement: str, **params: Any) -> list[Event]:
        return [_event(row) for row in self._store.rows(statement, **params)]

    def _first(self, statement: str, **params: Any) -> Event | None:
        return next(iter(self._list(statement, **params)), None)

    def changes_since(self, since_ms: int) -> Iterator[Event]:
        """Yield the changes of state since a time in ms since the epoch, oldest first."""
        yield from map(_event, self._store.each(statements.CHANGES_SINCE, {"since": since_ms}))


def _event(row: tuple[Any, ...]) -> Event:
    from git_agent.domain.event import Event

    seq, at, kind, task, actor, source, target, epoch, version, data = row
    return Event(
        seq=seq,
        at=at,
        kind=kind,
        task=task,
        actor=actor,
        source=State(source) if source else None,
        target=State(target) if target else None,
        epoch=epoch,
        data=json.loads(data),
        version=version,
    )
