"""Events: appended in the transaction of the change that they record, and never modified."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.domain.notification import needs_person
from git_agent.domain.task import State
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import EventRow

if TYPE_CHECKING:
    from git_agent.domain.event import Event
    from git_agent.store.store import Store

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
        seq = int(
            self._store.run(
                EventRow.insert(
                    at=NOW_MS,
                    kind=kind,
                    task=task,
                    actor=actor,
                    source=source,
                    target=target,
                    epoch=epoch,
                    version=version,
                    data=text,
                )
            )
        )
        self._news.append(seq)
        if needs_person(kind):
            self._calls.append(seq)
        return seq

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
        before = self._store.dicts(EventRow.select().where((EventRow.task == task) & (EventRow.kind == kind)))
        if any(_event(row).data.get(unlike) == data[unlike] for row in before):
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
        query = EventRow.select().where(EventRow.seq > after)
        if task is not None:
            query = query.where(EventRow.task == task)
        if since_ms is not None:
            query = query.where(EventRow.at >= since_ms)
        rows = self._store.dicts(query.order_by(EventRow.seq.desc()).limit(limit))
        return [_event(row) for row in reversed(rows)]

    def get(self, seq: int) -> Event | None:
        """Return an event by its number, or None."""
        return next((_event(row) for row in self._store.dicts(EventRow.select().where(EventRow.seq == seq))), None)

    def following(self, seq: int, limit: int) -> list[Event]:
        """List at most limit events after a number, oldest first."""
        return [
            _event(row)
            for row in self._store.dicts(
                EventRow.select().where(EventRow.seq > seq).order_by(EventRow.seq).limit(limit)
            )
        ]

    def of_kinds(self, kinds: Iterable[str], numbers: range, since_ms: int) -> list[Event]:
        """List the events of these kinds, oldest first.

        numbers: the range of event numbers
        since_ms: the earliest time, ms since the epoch
        """
        within = (EventRow.seq >= numbers.start) & (EventRow.seq < numbers.stop) & (EventRow.at >= since_ms)
        query = EventRow.select().where(within & EventRow.kind.in_(list(kinds)))
        return [_event(row) for row in self._store.dicts(query.order_by(EventRow.seq))]

    def of_kind(self, task: int, kind: str) -> list[Event]:
        """List a task's events of a kind, newest first."""
        rows = EventRow.select().where((EventRow.task == task) & (EventRow.kind == kind)).order_by(EventRow.seq.desc())
        return [_event(row) for row in self._store.dicts(rows)]

    def with_evidence(self, task: int) -> list[Event]:
        """List the events of a task that somebody else than their actor may have caused, oldest first."""
        rows = EventRow.select().where((EventRow.task == task) & EventRow.data.contains('"evidence": ['))
        found = [_event(row) for row in self._store.dicts(rows.order_by(EventRow.seq))]
        return [event for event in found if event.evidence]

    def newest(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        return int(self._store.tuples(EventRow.select(peewee.fn.MAX(EventRow.seq)))[0][0] or 0)

    def last_change(self, task: int) -> Event | None:
        """Return the newest event that changed a task's state or epoch, or None."""
        rows = (
            EventRow.select()
            .where((EventRow.task == task) & (EventRow.version.is_null(False)))
            .order_by(EventRow.seq.desc())
            .limit(1)
        )
        return next((_event(row) for row in self._store.dicts(rows)), None)

    def latest(self, kind: str, tasks: Iterable[int]) -> dict[int, Event]:
        """Map tasks to their newest event of a kind. Tasks without one are left out."""
        rows = EventRow.select().where(EventRow.task.in_(list(tasks)) & (EventRow.kind == kind)).order_by(EventRow.seq)
        return {row["task"]: _event(row) for row in self._store.dicts(rows)}

    def superseding(self, task: int, epoch: int) -> Event | None:
        """Return the event that ended an epoch of a task: the first change in a later epoch."""
        later = (EventRow.task == task) & (EventRow.epoch > epoch) & EventRow.target.is_null(False)
        rows = EventRow.select().where(later).order_by(EventRow.seq).limit(1)
        return next((_event(row) for row in self._store.dicts(rows)), None)

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
        names = [field.column_name for field in EventRow._meta.sorted_fields]
        for row in self._store.execute_sql(
            f"SELECT {', '.join(f'e.{n}' for n in names)} FROM event e WHERE {where}", params
        ):
            yield _event(dict(zip(names, row, strict=True)))

    def changes_since(self, since_ms: int) -> Iterator[Event]:
        """Yield the changes of state since a time in ms since the epoch, oldest first."""
        query = EventRow.select().where((EventRow.at >= since_ms) & (EventRow.target.is_null(False)))
        for row in self._store.dicts(query.order_by(EventRow.seq)):
            yield _event(row)


def _event(row: dict[str, Any]) -> Event:
    from git_agent.domain.event import Event

    return Event(
        seq=row["seq"],
        at=row["at"],
        kind=row["kind"],
        task=row["task"],
        actor=row["actor"],
        source=State(row["source"]) if row["source"] else None,
        target=State(row["target"]) if row["target"] else None,
        epoch=row["epoch"],
        data=json.loads(row["data"]),
        version=row["version"],
    )
