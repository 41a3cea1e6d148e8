"""Tasks: read as frozen values, and changed only by compare-and-swap, with the event in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from git_agent.domain import names
from git_agent.domain.task import FINISHED, Hold, Move, State, Task, event_kind
from git_agent.errors import AgentError, refused
from git_agent.store import errors, ready
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import AttemptRow, DependencyRow, PathClaimRow, TaskRow

if TYPE_CHECKING:
    from git_agent.store.store import Store

_COLUMNS = tuple(getattr(TaskRow, name) for name in Task.__match_args__)
_STATE, _HOLD, _WORKTREE = map(Task.__match_args__.index, ("state", "hold", "worktree"))
# Literals, not parameters: SQLite uses a partial index only if the query contains the condition of the index.
UNFINISHED_SQL = peewee.SQL("state NOT IN ('COMPLETED','CANCELLED')")


class Changed(Exception):  # noqa: N818 - it says what happened
    """The task is no longer as it was read; read it again."""


_MANY = 500  # for more values, scan the table: SQLite accepts 32,766 parameters, but parsing them costs more


class Tasks:
    """The tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def insert(self, values: Mapping[str, Any], state: State) -> Task:
        """Insert a task and return it. Call it inside a transaction.

        values: the columns by name
        state: the initial state
        Raises AgentError (exit 3) when the name is taken.
        """
        if self._store.names.taken(values["name_key"]):
            raise self._store.names.taken_error(values["name"], values["name_key"])
        filled = {"body": "", "attempt": 0, "epoch": 0, "version": 0, "unresolved": 0, "worked": 0, **values}
        key = self._store.run(TaskRow.insert(**filled, state=state, created_at=NOW_MS, state_at=NOW_MS))
        return self.get(key)

    def delete(self, task: Task) -> bool:
        """Delete a task that was never announced: its row and all dependent rows.

        Returns False, deleting nothing, when other tasks wait for it by now.
        """
        if self._store.exists(DependencyRow.select().where(DependencyRow.parent == task.id)):
            return False
        self._store.run(TaskRow.delete().where(TaskRow.id == task.id))
        return True

    def find(self, task: int) -> Task | None:
        """Return a task by id, or None."""
        return next(map(self._task, self._store.sql(_by_id(), (task,))), None)

    def get(self, task: int) -> Task:
        """Return a task by id. Raises AgentError (exit 1) when there is none."""
        found = self.find(task)
        if found is None:
            raise AgentError("unknown-task", f"there is no task {task}", "git agent list --all")
        return found

    def by_name(self, key: str) -> list[Task]:
        """List the unfinished tasks of a name, or the finished ones if there are no unfinished ones.

        key: the key of the name
        """
        found = self._select(TaskRow.name_key == key)
        return [t for t in found if t.state not in FINISHED] or found

    def by_branch(self, branch: str) -> list[Task]:
        """List the tasks whose current attempt has the branch."""
        return self._select(TaskRow.branch == branch)

    def listing(self, states: Collection[State] | None = None) -> list[Task]:
        """List tasks, ordered by priority and id.

        states: None for all states
        """
        return self._select(None if states is None else TaskRow.state.in_([str(s) for s in states]), ordered=True)

    def unfinished(self) -> list[Task]:
        """List the tasks that are neither completed nor cancelled, by priority and id. A partial index serves this."""
        return self._select(UNFINISHED_SQL, ordered=True)

    def merged_as(self, oid: str) -> list[Task]:
        """List the completed tasks whose merge, or whose own last commit, is this commit."""
        return self._select(
            (TaskRow.state == State.COMPLETED) & ((TaskRow.merged_oid == oid) | (TaskRow.head_oid == oid))
        )

    def merged_lately(self, base: str, limit: int) -> list[Task]:
        """List the most recently completed tasks of a base, at most limit."""
        mine = (TaskRow.state == State.COMPLETED) & (TaskRow.base == base)
        last = TaskRow.select(TaskRow.id).where(mine).order_by(TaskRow.state_at.desc()).limit(limit)
        return self._select(TaskRow.id.in_([row[0] for row in self._store.tuples(last)]))

    def reverted_by(self, oid: str) -> list[Task]:
        """List the completed tasks whose merge this commit reverted."""
        return self._select((TaskRow.state == State.COMPLETED) & (TaskRow.reverted_oid == oid))

    def with_remains(self, states: Collection[State]) -> list[Task]:
        """List the tasks in these states that have an attempt which was not removed."""
        placed = AttemptRow.select(AttemptRow.task).where(AttemptRow.removed == 0)
        return self._select(TaskRow.state.in_([str(s) for s in states]) & TaskRow.id.in_(placed), ordered=True)

    def count_by_state(self) -> dict[State, int]:
        """Count the tasks in each state."""
        rows = self._store.tuples(TaskRow.select(TaskRow.state, peewee.fn.COUNT(TaskRow.id)).group_by(TaskRow.state))
        return {State(state): number for state, number in rows}

    def ready(self) -> list[Task]:
        """List the OPEN tasks that can be claimed now, the next one first. Tasks with an intent are left out."""
        return ready.in_order(self._store, self._select(ready.can_be_claimed()))

    def move(
        self,
        task: Task,
        made: Move,
        actor: str,
        *,
        data: Mapping[str, Any] | None = None,
        kind: str | None = None,
        **columns: Any,
    ) -> Task:
        """Make one move of the state machine and append its event. Call it inside a transaction.

        Recounts the dependents, and acknowledges messages that announced the old state.

        task: the task as it was read
        data: the data of the event
        kind: the kind of the event, if it differs from the step's
        columns: other columns to change
        Raises Changed when the task is no longer as it was read; AgentError (exit 3) when it was finished and another
        task has its name now.
        """
        if task.state in FINISHED and made.target not in FINISHED:
            self._store.names.require(task.name, names.name_key(task.name), task.id)
        epoch = task.epoch + 1 if made.fences else task.epoch
        changed = self._store.run(
            TaskRow.update(
                state=made.target,
                hold=made.hold,
                epoch=epoch,
                version=task.version + 1,
                state_at=NOW_MS,
                **columns,
            ).where(
                (TaskRow.id == task.id)
                & (TaskRow.state == task.state)
                & (TaskRow.version == task.version)
                & (TaskRow.epoch == task.epoch)
            )
        )
        if changed != 1:
            raise Changed
        self._store.events.append(
            kind or event_kind(made.step),
            actor,
            task=task.id,
            source=task.state,
            target=made.target,
            epoch=epoch,
            version=task.version + 1,
            data=data,
        )
        self._store.deliveries.settle(task.id, made.target, made.hold)
        if (task.state is State.COMPLETED) != (made.target is State.COMPLETED):
            self._recount(DependencyRow.select(DependencyRow.task).where(DependencyRow.parent == task.id))
        return self.get(task.id)

    def put(self, task: int, **columns: Any) -> None:
        """Record observed or edited values. State, hold, version and epoch change by move only."""
        if set(columns) & {"state", "hold", "version", "epoch"}:
            raise ValueError("state, hold, version and epoch change by move only")
        self._store.run(TaskRow.update(**columns).where(TaskRow.id == task))

    def parents(self, ids: Iterable[int]) -> dict[int, list[int]]:
        """Map each task to the tasks that it waits for, in order."""
        return self._pairs(DependencyRow.task, DependencyRow.parent, list(ids))

    def blockers(self, ids: Iterable[int]) -> dict[int, dict[int, State]]:
        """Map each task to its parents that are not COMPLETED or no longer in their base, and these to their states."""
        wanted = list(ids)
        query = (
            DependencyRow.select(DependencyRow.task, DependencyRow.parent, TaskRow.state)
            .join(TaskRow, on=(TaskRow.id == DependencyRow.parent))
            .where((TaskRow.state != State.COMPLETED) | TaskRow.reverted_oid.is_null(False))
            .order_by(DependencyRow.task, DependencyRow.parent)
        )
        query = query if len(wanted) > _MANY else query.where(DependencyRow.task.in_(wanted))
        groups: dict[int, dict[int, State]] = {task: {} for task in wanted}
        for task, parent, state in self._store.tuples(query):
            if task in groups:
                groups[task][parent] = State(state)
        return groups

    def children(self, task: int) -> list[int]:
        """List the ids of the tasks that wait for this one."""
        rows = self._store.tuples(DependencyRow.select(DependencyRow.task).where(DependencyRow.parent == task))
        return sorted(row[0] for row in rows)

    def set_parents(self, task: int, wanted: Iterable[int]) -> None:
        """Replace the tasks that a task waits for. Raises AgentError (exit 3) when that would close a cycle."""
        ids = list(dict.fromkeys(wanted))
        for parent in ids:
            self.get(parent)
            self._refuse_cycle(task, parent)
        self._store.run(DependencyRow.delete().where(DependencyRow.task == task))
        for parent in ids:
            self._store.run(DependencyRow.insert(task=task, parent=parent))
        self._recount([task])

    def paths(self, ids: Iterable[int]) -> dict[int, list[str]]:
        """Map each task to its pathspecs."""
        return self._pairs(PathClaimRow.task, PathClaimRow.pathspec, list(ids))

    def set_paths(self, task: int, pathspecs: Iterable[str]) -> None:
        """Replace a task's pathspecs."""
        self._store.run(PathClaimRow.delete().where(PathClaimRow.task == task))
        for pathspec in dict.fromkeys(pathspecs):
            self._store.run(PathClaimRow.insert(task=task, pathspec=pathspec))

    def _select(self, where: Any, *, ordered: bool = False) -> list[Task]:
        query = TaskRow.select(*_COLUMNS)
        if where is not None:
            query = query.where(where)
        if ordered:
            query = query.order_by(TaskRow.priority, TaskRow.id)
        return [self._task(row) for row in self._store.tuples(query)]

    def _task(self, row: tuple[Any, ...]) -> Task:
        values = list(row)
        if bytes in map(type, row):
            raise errors.damaged(self._store.path, f"a blob in the row of task {row[0]}")
        values[_STATE] = State(row[_STATE])
        values[_HOLD] = Hold(row[_HOLD]) if row[_HOLD] else None
        values[_WORKTREE] = TaskRow.worktree.python_value(row[_WORKTREE])
        return Task(*values)

    def _pairs(self, key: Any, value: Any, wanted: list[int]) -> dict[int, list[Any]]:
        query = key.model.select(key, value).order_by(key, value)
        query = query if len(wanted) > _MANY else query.where(key.in_(wanted))
        groups: dict[int, list[Any]] = {task: [] for task in wanted}
        for task, found in self._store.tuples(query):
            if task in groups:
                groups[task].append(found)
        return groups

    def _recount(self, tasks: Any) -> None:
        unresolved = (
            DependencyRow.select(peewee.fn.COUNT(DependencyRow.parent))
            .join(parent := TaskRow.alias(), on=(parent.id == DependencyRow.parent))
            .where((DependencyRow.task == TaskRow.id) & (parent.state != State.COMPLETED))
        )
        self._store.run(TaskRow.update(unresolved=unresolved).where(TaskRow.id.in_(tasks)))

    def _refuse_cycle(self, task: int, parent: int) -> None:
        above, seen = [parent], {parent}
        while above:
            step = above.pop()
            if step == task:
                says = f"task {task} can't wait for task {parent}: that would close a cycle"
                raise refused("dependency-cycle", says, f"git agent show {parent}")
            for one in self._pairs(DependencyRow.task, DependencyRow.parent, [step])[step]:
                if one not in seen:
                    seen.add(one)
                    above.append(one)


@cache
def _by_id() -> str:
    # Every change runs this twice under the lock, and peewee takes longer to build it than SQLite to answer it.
    return str(TaskRow.select(*_COLUMNS).where(TaskRow.id == 0).sql()[0])


def stale(task: Task) -> AgentError:
    """Return the error for a task that another process changed at the same time."""
    return refused("changed-meanwhile", f"{task.label} was changed by somebody else", f"git agent show {task.id}")
