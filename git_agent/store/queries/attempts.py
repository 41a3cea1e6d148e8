"""Queries for attempts."""

from __future__ import annotations

from git_agent.store.attempts import Attempt
from git_agent.store.orm import NOW_MS, all_given, columns, given, listed, peewee
from git_agent.store.schema import AttemptRow, LeaseRow, TaskRow

_ATTEMPT = AttemptRow.select(*columns(AttemptRow, *Attempt._fields))
_one = (AttemptRow.task == given("task")) & (AttemptRow.number == given("number"))

ATTEMPT = _ATTEMPT.where(_one)
ATTEMPT_BY_ADMIN = _ATTEMPT.where(AttemptRow.admin == given("admin")).order_by(AttemptRow.started_at.desc()).limit(1)
ATTEMPT_BY_BRANCH = _ATTEMPT.where(AttemptRow.branch == given("branch")).order_by(AttemptRow.started_at.desc()).limit(1)
ATTEMPTS_AT_PATHS = _ATTEMPT.where(AttemptRow.worktree.in_(listed("paths")))
ATTEMPTS_OF_TASK = _ATTEMPT.where(AttemptRow.task == given("task"))
PRESENT_ATTEMPTS = _ATTEMPT.where((AttemptRow.task == given("task")) & (AttemptRow.removed == 0)).order_by(
    AttemptRow.number
)

ADD_ATTEMPT = AttemptRow.insert(
    **all_given("task", "number", "epoch", "branch", "start_oid", "adopted"), removed=0, started_at=NOW_MS
)
PLACE_ATTEMPT = AttemptRow.update(**all_given("worktree", "admin")).where(_one)
REMOVE_ATTEMPT = AttemptRow.update(worktree=None, admin=None, removed=1).where(_one)
BRING_BACK_ATTEMPT = AttemptRow.update(**all_given("worktree", "admin"), removed=0).where(_one)
MOVE_ATTEMPT_TO_EPOCH = AttemptRow.update(**all_given("epoch")).where(_one)
DELETE_ATTEMPT = AttemptRow.delete().where(_one)
SEE_TIP_OF_ATTEMPT = AttemptRow.update(**all_given("head_oid")).where(
    _one & (AttemptRow.head_oid.is_null() | (AttemptRow.head_oid != given("head_oid")))
)
RELOCATE_ATTEMPT = AttemptRow.update(**all_given("worktree")).where(_one & (AttemptRow.worktree != given("worktree")))

# The order is that of Standing.
_STANDING = (
    AttemptRow.select(
        *columns(AttemptRow, "task", "number", "epoch", "branch", "worktree", "admin", "head_oid"),
        *columns(TaskRow, "state", "attempt", "epoch", "head_oid", "amiss", "base", "base_oid", "worked"),
        *columns(LeaseRow, "beat_at", "progress_at"),
    )
    .join(TaskRow, on=(TaskRow.id == AttemptRow.task))
    .join(LeaseRow, peewee.JOIN.LEFT_OUTER, on=(LeaseRow.task == AttemptRow.task))
    .where((AttemptRow.removed == 0) & AttemptRow.admin.is_null(False))
    .order_by(AttemptRow.task, AttemptRow.number)
)
STANDING_ATTEMPTS = _STANDING
STANDING_ATTEMPTS_OF_TASK = _STANDING.where(AttemptRow.task == given("task"))

FIRST_STARTED = AttemptRow.select(peewee.fn.MIN(AttemptRow.started_at))
_current = (AttemptRow.task == TaskRow.id) & (AttemptRow.number == TaskRow.attempt) & (AttemptRow.removed == 0)
CURRENT_PLACES = (
    AttemptRow.select(AttemptRow.task, AttemptRow.worktree, AttemptRow.admin)
    .join(TaskRow, on=_current)
    .where(AttemptRow.task.in_(listed("tasks")) & AttemptRow.admin.is_null(False))
)
ADMINS = AttemptRow.select(AttemptRow.admin).where(AttemptRow.admin.is_null(False))
NUMBERS_OF_ATTEMPTS = AttemptRow.select(AttemptRow.task, AttemptRow.number).where(AttemptRow.removed == 0)
BRANCHES_OF_ATTEMPTS = AttemptRow.select(AttemptRow.branch).where(AttemptRow.branch.in_(listed("names")))
BRANCHES_OF_TASKS = TaskRow.select(TaskRow.branch).where(TaskRow.branch.in_(listed("names")))
TASKS_OF_OWN_BRANCHES = AttemptRow.select(AttemptRow.branch, AttemptRow.task).where(
    AttemptRow.branch.in_(listed("names")) & (AttemptRow.adopted == 0)
)
