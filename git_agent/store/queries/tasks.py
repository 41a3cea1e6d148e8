"""Queries for tasks, their dependencies, names and paths, and for what was last seen of their branches and bases."""

from __future__ import annotations

from git_agent.domain.task import FINISHED, LIVE, State, Task
from git_agent.store.last_seen import Sight
from git_agent.store.orm import IS_UNFINISHED, all_given, columns, given, listed, peewee
from git_agent.store.schema import AttemptRow, DependencyRow, IntentRow, PathClaimRow, TaskRow

_TASK = TaskRow.select(*columns(TaskRow, *Task.__match_args__))
_ORDER = (TaskRow.priority, TaskRow.id)
_COMPLETED = TaskRow.state == State.COMPLETED
_ATTEMPTED = AttemptRow.select(AttemptRow.task).where(AttemptRow.removed == 0)

TASK = _TASK.where(TaskRow.id == given("task"))
TASK_TO_CHANGE = TaskRow.select(
    *columns(TaskRow, *Task._fields),
    peewee.fn.EXISTS(IntentRow.select(IntentRow.id).where(IntentRow.task == TaskRow.id)),
).where(TaskRow.id == given("task"))
TASKS = _TASK.order_by(*_ORDER)
TASKS_IN_STATES = _TASK.where(TaskRow.state.in_(listed("states"))).order_by(*_ORDER)
UNFINISHED_TASKS = _TASK.where(IS_UNFINISHED).order_by(*_ORDER)
TASKS_BY_NAME = _TASK.where(TaskRow.name_key == given("key"))
TASKS_BY_BRANCH = _TASK.where(TaskRow.branch == given("branch"))
TASKS_MERGED_AS = _TASK.where(_COMPLETED & ((TaskRow.merged_oid == given("oid")) | (TaskRow.head_oid == given("oid"))))
TASKS_MERGED_LATELY = _TASK.where(
    TaskRow.id.in_(
        (lately := TaskRow.alias())
        .select(lately.id)
        .where((lately.state == State.COMPLETED) & (lately.base == given("base")))
        .order_by(lately.state_at.desc())
        .limit(given("limit"))
    )
)
TASKS_REVERTED_BY = _TASK.where(_COMPLETED & (TaskRow.reverted_oid == given("oid")))
TASKS_WITH_REMAINS = _TASK.where(TaskRow.state.in_(listed("states")) & TaskRow.id.in_(_ATTEMPTED)).order_by(*_ORDER)
NUMBER_OF_TASKS_BY_STATE = TaskRow.select(TaskRow.state, peewee.fn.COUNT(TaskRow.id)).group_by(TaskRow.state)

DELETE_TASK = TaskRow.delete().where(TaskRow.id == given("task"))

# A task that an undo restores is unfinished again when the undo ends, so its name stays reserved meanwhile.
_undone = TaskRow.id.in_(IntentRow.select(IntentRow.task).where(IntentRow.kind == "undo"))
NAME_OWNERS = TaskRow.select(TaskRow.id, TaskRow.name).where(
    (TaskRow.name_key == given("key"))
    & (TaskRow.id != given("but"))
    & (TaskRow.state.not_in(sorted(map(str, FINISHED))) | _undone)
)

_parent = TaskRow.alias()
_PARENTS = DependencyRow.select(DependencyRow.task, DependencyRow.parent).order_by(
    DependencyRow.task, DependencyRow.parent
)
PARENTS = _PARENTS.where(DependencyRow.task.in_(listed("tasks")))
PARENTS_OF_ALL = _PARENTS
CHILDREN = (
    DependencyRow.select(DependencyRow.task).where(DependencyRow.parent == given("task")).order_by(DependencyRow.task)
)
_BLOCKERS = (
    DependencyRow.select(DependencyRow.task, DependencyRow.parent, TaskRow.state)
    .join(TaskRow, on=(TaskRow.id == DependencyRow.parent))
    .where((TaskRow.state != State.COMPLETED) | TaskRow.reverted_oid.is_null(False))
    .order_by(DependencyRow.task, DependencyRow.parent)
)
BLOCKERS = _BLOCKERS.where(DependencyRow.task.in_(listed("tasks")))
BLOCKERS_OF_ALL = _BLOCKERS
DELETE_PARENTS = DependencyRow.delete().where(DependencyRow.task == given("task"))
ADD_PARENT = DependencyRow.insert(**all_given("task", "parent"))

_unresolved = (
    DependencyRow.select(peewee.fn.COUNT(DependencyRow.parent))
    .join(_parent, on=(_parent.id == DependencyRow.parent))
    .where((DependencyRow.task == TaskRow.id) & (_parent.state != State.COMPLETED))
)
_RECOUNT = TaskRow.update(unresolved=_unresolved)
RECOUNT_PARENTS = _RECOUNT.where(TaskRow.id == given("task"))
RECOUNT_PARENTS_OF_CHILDREN = _RECOUNT.where(
    TaskRow.id.in_(DependencyRow.select(DependencyRow.task).where(DependencyRow.parent == given("task")))
)

_PATHS = PathClaimRow.select(PathClaimRow.task, PathClaimRow.pathspec).order_by(
    PathClaimRow.task, PathClaimRow.pathspec
)
PATHS = _PATHS.where(PathClaimRow.task.in_(listed("tasks")))
PATHS_OF_ALL = _PATHS
DELETE_PATHS = PathClaimRow.delete().where(PathClaimRow.task == given("task"))
ADD_PATH = PathClaimRow.insert(**all_given("task", "pathspec"))
_PATH_CLAIMS = (
    PathClaimRow.select(PathClaimRow.task, TaskRow.state, TaskRow.base, PathClaimRow.pathspec)
    .join(TaskRow, on=(TaskRow.id == PathClaimRow.task))
    .order_by(PathClaimRow.task, PathClaimRow.pathspec)
)
PATH_CLAIMS_OF_UNFINISHED = _PATH_CLAIMS.where(IS_UNFINISHED)
# The condition of a partial index is repeated, so that the claims of other OPEN tasks are not read.
PATH_CLAIMS_OF_LIVE_AND = _PATH_CLAIMS.where(
    (IS_UNFINISHED & TaskRow.state.in_(sorted(map(str, LIVE))))
    | ((TaskRow.state == State.OPEN) & TaskRow.id.in_(peewee.SQL("(SELECT value FROM json_each(:tasks))")))
)

# What was last seen of the branches and bases of unfinished tasks.
SIGHTS = TaskRow.select(*columns(TaskRow, *Sight._fields)).where(IS_UNFINISHED)
ALL_BASES = TaskRow.select(TaskRow.base).distinct()
UNFINISHED_OF_BASE = TaskRow.select(TaskRow.id).where(IS_UNFINISHED & (TaskRow.base == given("base")))
RENAME_BASE = TaskRow.update(base=given("new")).where(TaskRow.base == given("base"))
TIPS = TaskRow.select(TaskRow.head_oid, TaskRow.settled_oid, TaskRow.reviewed_oid, TaskRow.pushed_oid)

_below = TaskRow.alias()
STACKED_ON_MERGED = (
    TaskRow.select(TaskRow.id, _below.id)
    .join(_below, on=(_below.branch == TaskRow.base))
    .where((_below.state == State.COMPLETED) & TaskRow.state.not_in(sorted(map(str, FINISHED))))
)
