"""Queries for leases and for silent workers."""

from __future__ import annotations

from typing import Any

from git_agent.domain.lease import MAX_SKEW_MS, Lease
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State
from git_agent.store.orm import NOW_MS, all_given, columns, given, listed, peewee, same
from git_agent.store.schema import LeaseRow, MetaRow, SessionRow, TaskRow
from git_agent.store.stale import CROWD

_one = LeaseRow.task == given("task")
_expires = NOW_MS + given("lease_ms")

_fresh = {
    **all_given("kind", "session"),
    "beat_at": NOW_MS,
    "progress_at": NOW_MS,
    "expires_at": _expires,
    "note": None,
    "missed_at": None,
}
TAKE_LEASE = LeaseRow.insert(task=given("task"), **_fresh).on_conflict(conflict_target=[LeaseRow.task], update=_fresh)
BEGIN_LEASE = LeaseRow.insert(task=given("task"), kind="hand", beat_at=NOW_MS, progress_at=NOW_MS).on_conflict(
    conflict_target=[LeaseRow.task], update={"progress_at": NOW_MS}
)
BEAT = LeaseRow.update(
    beat_at=NOW_MS,
    expires_at=peewee.Case(None, [(LeaseRow.expires_at.is_null(), None)], _expires),
    missed_at=None,
    note=peewee.fn.COALESCE(given("note"), LeaseRow.note),
    progress_at=peewee.Case(None, [(given("progress"), NOW_MS)], LeaseRow.progress_at),
).where(_one)


def _not_after(column: Any, ms: Any) -> Any:
    """Treat a time more than ms ahead as 0: it was written before the wall clock was set back."""
    return peewee.Case(None, [(column > NOW_MS + ms, 0)], column)


_seen = peewee.fn.MIN(given("at"), NOW_MS)
_alone = LeaseRow.kind != "run"
_beat_at = peewee.fn.MAX(_not_after(LeaseRow.beat_at, MAX_SKEW_MS), _seen)
_renewed = peewee.fn.MAX(_not_after(LeaseRow.expires_at, given("lease_ms") + MAX_SKEW_MS), _seen + given("lease_ms"))
_missed_at = peewee.Case(None, [(_seen > LeaseRow.missed_at, None)], LeaseRow.missed_at)
HEAR = LeaseRow.update(
    beat_at=peewee.Case(None, [(_alone, _beat_at)], LeaseRow.beat_at),
    progress_at=peewee.fn.MAX(_not_after(LeaseRow.progress_at, MAX_SKEW_MS), _seen),
    expires_at=peewee.Case(None, [(LeaseRow.kind == "claim", _renewed)], LeaseRow.expires_at),
    missed_at=peewee.Case(None, [(_alone, _missed_at)], LeaseRow.missed_at),
).where(_one)
DROP_LEASE = LeaseRow.delete().where(_one)

_LEASES = LeaseRow.select(
    *columns(LeaseRow, *(name for name in Lease._fields if name != "owner")), *columns(SessionRow, *ProcessId._fields)
).join(SessionRow, peewee.JOIN.LEFT_OUTER, on=(SessionRow.id == LeaseRow.session))
LEASES = _LEASES.where(LeaseRow.task.in_(listed("tasks")))
ALL_LEASES = _LEASES

_at_work = TaskRow.state.in_([str(State.ASSIGNED), str(State.WORKING)]) & TaskRow.hold.is_null()
_LEASED = (
    LeaseRow.select(LeaseRow.task)
    .join(TaskRow, on=(TaskRow.id == LeaseRow.task))
    .order_by(LeaseRow.progress_at.desc(), LeaseRow.task)
)
_late = (LeaseRow.expires_at <= NOW_MS) | (LeaseRow.beat_at > NOW_MS + MAX_SKEW_MS)
OVERDUE_LEASES = _LEASED.where(_at_work & LeaseRow.expires_at.is_null(False) & _late)
QUIET_LEASES = _LEASED.where(_at_work & (LeaseRow.progress_at <= given("before"))).limit(given("limit"))

_unchanged = (
    _one
    & (LeaseRow.beat_at == given("beat_at"))
    & same(LeaseRow.expires_at, "expires_at")
    & (LeaseRow.kind == given("kind"))
)
_from_the_future = LeaseRow.expires_at.is_null(False) & (LeaseRow.beat_at > NOW_MS + MAX_SKEW_MS)
# The order is that of LeaseSummary.
LEASE_SUMMARY = LeaseRow.select(
    NOW_MS,
    peewee.fn.COUNT(LeaseRow.expires_at),
    peewee.fn.COUNT(peewee.SQL("*")).filter((LeaseRow.expires_at <= NOW_MS) | _from_the_future),
    peewee.fn.MIN(LeaseRow.progress_at),
    MetaRow.select(MetaRow.value).where(MetaRow.key == given("clocks")),
    MetaRow.select(MetaRow.value).where(MetaRow.key == CROWD),
    SessionRow.select(peewee.fn.COUNT(SessionRow.id)).where(SessionRow.ended_at.is_null()),
)
NOTE_MISSED_LEASE = LeaseRow.update(missed_at=NOW_MS).where(_unchanged)
UNCHANGED_LEASE = LeaseRow.select(LeaseRow.task).where(_unchanged)
