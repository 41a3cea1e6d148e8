"""Queries for the queue: the tasks that can be claimed now, the next one first, and the reservation of one of them."""

from __future__ import annotations

from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State, Task
from git_agent.store.orm import IS_UNFINISHED, NOW_MS, columns, given, peewee
from git_agent.store.schema import DependencyRow, IntentRow, TaskRow

_OWNER = ProcessId._fields

# What a task of the queue must fulfil: it is OPEN, due, free of intents, has attempts left, and all its parents are
# merged and still in their base. The first two conditions are those of a partial index.
_parent = TaskRow.alias()
_lost = (
    DependencyRow.select(peewee.SQL("1"))
    .join(_parent, on=(_parent.id == DependencyRow.parent))
    .where((DependencyRow.task == TaskRow.id) & _parent.reverted_oid.is_null(False))
)
_in_queue = (TaskRow.state == State.OPEN) & (TaskRow.unresolved == 0)
_READY = (
    _in_queue
    & (TaskRow.not_before.is_null() | (TaskRow.not_before <= NOW_MS))
    & (TaskRow.attempt < given("attempts"))
    & ~peewee.fn.EXISTS(IntentRow.select(peewee.SQL("1")).where(IntentRow.task == TaskRow.id))
    & ~peewee.fn.EXISTS(_lost)
)

_TASK = TaskRow.select(*columns(TaskRow, *Task.__match_args__)).where(_READY)
READY_TASKS = (
    _TASK.where(peewee.Tuple(TaskRow.priority, TaskRow.id) > peewee.Tuple(given("priority"), given("after")))
    .order_by(TaskRow.priority, TaskRow.id)
    .limit(given("limit"))
)
READY_TASKS_AMONG = _TASK.where(TaskRow.id.in_(peewee.SQL("(SELECT value FROM json_each(:tasks))")))

# A task is as urgent as the most urgent unfinished one that waits for it. UNION drops pairs that were found before, so
# that the search ends even in a cycle. A task that is as urgent already needs no row: those that it waits for inherit
# from itself. Nor does the search begin at a task that is no more urgent than any OPEN one.
_open, _above = TaskRow.alias(), TaskRow.alias()
_least_urgent = _open.select(peewee.fn.MAX(_open.priority)).where(IS_UNFINISHED & (_open.state == State.OPEN))
_waiting = (
    TaskRow.select(TaskRow.id, TaskRow.priority)
    .where(IS_UNFINISHED & (TaskRow.unresolved > 0) & (TaskRow.priority < _least_urgent))
    .cte("waiting", recursive=True, columns=("task", "priority"))
)
_urgent = _waiting.union(
    DependencyRow.select(DependencyRow.parent, _waiting.c.priority)
    .join(_waiting, on=(_waiting.c.task == DependencyRow.task))
    .join(_above, on=((_above.id == DependencyRow.parent) & (_above.priority > _waiting.c.priority)))
)
INHERITED_PRIORITIES = _urgent.select_from(_urgent.c.task, peewee.fn.MIN(_urgent.c.priority)).group_by(_urgent.c.task)

# The tasks as they were read: pairs of id and version, in the order in which to try them.
_seen = peewee.fn.json_each(given("seen")).alias("seen")
_is_as_seen = (TaskRow.id == peewee.SQL("seen.value ->> 0")) & (TaskRow.version == peewee.SQL("seen.value ->> 1"))
RESERVE_TASK = IntentRow.insert_from(
    TaskRow.select(
        *(peewee.SQL(f":{name}") for name in ("kind", "data", *_OWNER)),
        TaskRow.id,
        NOW_MS,
        NOW_MS + given("limit_ms"),
    )
    .from_(_seen, TaskRow)
    .where(_is_as_seen & _READY)
    .order_by(peewee.SQL("seen.key"))
    .limit(1),
    columns(IntentRow, "kind", "data", *_OWNER, "task", "at", "expires_at"),
).returning(IntentRow.id, IntentRow.task)
