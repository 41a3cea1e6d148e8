"""Queries for events."""

from __future__ import annotations

from git_agent.store.events import COLUMNS
from git_agent.store.orm import NOW_MS, all_given, columns, given, listed, peewee
from git_agent.store.schema import EventRow

_EVENT = EventRow.select(*columns(EventRow, *COLUMNS))
_of_task = EventRow.task == given("task")
_of_kind = EventRow.kind == given("kind")
_after = EventRow.seq > given("after")
_since = EventRow.at >= given("since")
_newest_first = EventRow.seq.desc()

APPEND_EVENT = EventRow.insert(
    at=NOW_MS, **all_given("kind", "task", "actor", "source", "target", "epoch", "version", "data")
).returning(EventRow.seq)

EVENT = _EVENT.where(EventRow.seq == given("seq"))
NEWEST_EVENTS = _EVENT.where(_after).order_by(_newest_first).limit(given("limit"))
NEWEST_EVENTS_SINCE = _EVENT.where(_after & _since).order_by(_newest_first).limit(given("limit"))
NEWEST_EVENTS_OF_TASK = _EVENT.where(_after & _of_task).order_by(_newest_first).limit(given("limit"))
NEWEST_EVENTS_OF_TASK_SINCE = _EVENT.where(_after & _of_task & _since).order_by(_newest_first).limit(given("limit"))
FOLLOWING_EVENTS = _EVENT.where(_after).order_by(EventRow.seq).limit(given("limit"))
EVENTS_OF_KINDS = _EVENT.where(
    (EventRow.seq >= given("first")) & (EventRow.seq < given("end")) & _since & EventRow.kind.in_(listed("kinds"))
).order_by(EventRow.seq)
EVENTS_OF_KIND = _EVENT.where(_of_task & _of_kind).order_by(_newest_first)
EVENTS_OF_KIND_OF_TASKS = _EVENT.where(EventRow.task.in_(listed("tasks")) & _of_kind).order_by(EventRow.seq)
EVENTS_THAT_MAY_HAVE_EVIDENCE = _EVENT.where(_of_task & EventRow.data.contains('"evidence": [')).order_by(EventRow.seq)
NEWEST_NUMBER = EventRow.select(peewee.fn.MAX(EventRow.seq))
LAST_CHANGE = _EVENT.where(_of_task & EventRow.version.is_null(False)).order_by(_newest_first).limit(1)
SUPERSEDING_EVENT = (
    _EVENT.where(_of_task & (EventRow.epoch > given("epoch")) & EventRow.target.is_null(False))
    .order_by(EventRow.seq)
    .limit(1)
)
CHANGES_SINCE = _EVENT.where(_since & EventRow.target.is_null(False)).order_by(EventRow.seq)
