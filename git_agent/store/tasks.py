"""Tasks: read as frozen values, and changed only by compare-and-swap, with the event in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.domain import names
from git_agent.domain.task import FINISHED, Hold, Move, State, Task, event_kind
from git_agent.errors import AgentError, refused
from git_agent.store import errors, statements
from git_agent.store.deliveries import MOST_UNACKNOWLEDGED
from git_agent.store.sql import NOW, assigned, decode_path, encode_path

if TYPE_CHECKING:
    from git_agent.store.store import Store

_STATE, _HOLD, _WORKTREE = map(Task.__match_args__.index, ("state", "hold", "worktree"))
_PATHS = frozenset(("worktree", "amiss"))
_MANY = 500  # for more values, scan the table: SQLite accepts 32,766 parameters, but parsing them costs more


class Changed(Exception):  # noqa: N818 - it says what happened
    """The task is no longer as it was read; read it again."""


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
        names, marks = ", ".join(filled), ", ".join(f":{name}" for name in filled)
        text = f"INSERT INTO task ({names}, state, created_at, state_at) VALUES ({marks}, :state, {NOW}, {NOW})"
        ((key,),) = self._store.rows(f"{text} RETURNING id", **_encoded(filled), state=state)
        return self.get(key)

    def delete(self, task: Task) -> bool:
        """Delete a task that was never announced: its row and all dependent rows.

        Returns False, deleting nothing, when other tasks wait for it by now.
        """
        if self.children(task.id):
            return False
        self._store.change(statements.DELETE_TASK, task=task.id)
        return True

    def find(self, task: int) -> Task | None:
        """Return a task by id, or None."""
        return next(iter(self._select(statements.TASK, task=task)), None)

    def get(self, task: int) -> Task:
        """Return a task by id. Raises AgentError (exit 1) when there is none."""
        found = self.find(task)
        if found is None:
            raise AgentError("unknown-task", f"there is no task {task}", "git agent list --all")
        return found

    def to_change(self, task: int) -> tuple[Task, bool]:
        """Return a task by id, and whether some command has work under way for it. Raises AgentError as get does."""
        rows = self._store.rows(statements.TASK_TO_CHANGE, task=task)
        if not rows:
            return self.get(task), False
        *row, under_way = rows[0]
        return self._task(tuple(row)), bool(under_way)

    def by_name(self, key: str) -> list[Task]:
        """List the unfinished tasks of a name, or the finished ones if there are no unfinished ones.

        key: the key of the name
        """
        found = self._select(statements.TASKS_BY_NAME, key=key)
        return [t for t in found if t.state not in FINISHED] or found

    def by_branch(self, branch: str) -> list[Task]:
        """List the tasks whose current attempt has the branch."""
        return self._select(statements.TASKS_BY_BRANCH, branch=branch)

    def listing(self, states: Collection[State] | None = None) -> list[Task]:
        """List tasks, ordered by priority and id.

        states: None for all states
        """
        if states is None:
            return self._select(statements.TASKS)
        return self._select(statements.TASKS_IN_STATES, states=list(states))

    def unfinished(self) -> list[Task]:
        """List the tasks that are neither completed nor cancelled, by priority and id. A partial index serves this."""
        return self._select(statements.UNFINISHED_TASKS)

    def merged_as(self, oid: str) -> list[Task]:
        """List the completed tasks whose merge, or whose own last commit, is this commit."""
        return self._select(statements.TASKS_MERGED_AS, oid=oid)

    def merged_lately(self, base: str, limit: int) -> list[Task]:
        """List the most recently completed tasks of a base, at most limit."""
        return self._select(statements.TASKS_MERGED_LATELY, base=base, limit=limit)

    def reverted_by(self, oid: str) -> list[Task]:
        """List the completed tasks whose merge this commit reverted."""
        return self._select(statements.TASKS_REVERTED_BY, oid=oid)

    def with_remains(self, states: Collection[State]) -> list[Task]:
        """List the tasks in these states that have an attempt which was not removed."""
        return self._select(statements.TASKS_WITH_REMAINS, states=list(states))

    def count_by_state(self) -> dict[State, int]:
        """Count the tasks in each state."""
        return {State(state): number for state, number in self._store.rows(statements.NUMBER_OF_TASKS_BY_STATE)}

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
        new = {"state": made.target, "hold": made.hold, "epoch": epoch, "version": task.version + 1, **columns}
        text = (
            f"UPDATE task SET {assigned(new)}, state_at = {NOW}"
            " WHERE id = :task AND state = :was_state AND version = :was_version AND epoch = :was_epoch"
            f" RETURNING {', '.join(Task._fields)}"
        )
        was = {"was_state": task.state, "was_version": task.version, "was_epoch": task.epoch}
        moved = self._select(text, **_encoded(new), **was, task=task.id)
        if not moved:
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
            self._store.change(statements.RECOUNT_PARENTS_OF_CHILDREN, task=task.id)
        return moved[0]

    def put(self, task: int, **columns: Any) -> None:
        """Record observed or edited values. State, hold, version and epoch change by move only."""
        if set(columns) & {"state", "hold", "version", "epoch"}:
            raise ValueError("state, hold, version and epoch change by move only")
        self._store.change(f"UPDATE task SET {assigned(columns)} WHERE id = :task", **_encoded(columns), task=task)

    def read_ahead(self, tasks: Sequence[Task], *, summary: bool = False, events: int | None = None) -> None:
        """Read with one statement what belongs to tasks that are shown: parents, paths, leases, unread messages.

        summary: also what a summary of all tasks shows beside them
        events: also what is shown of a single task, with so many of its events
        """
        ids = [task.id for task in tasks]
        if not ids or len(ids) > _MANY or self._store.known(statements.PARENTS, tasks=ids) is not None:
            return
        params: dict[str, Any] = {"tasks": ids, "recipients": [str(each) for each in ids]}
        if summary:
            self._store.read_together(statements.OF_STATUS, **params, limit=MOST_UNACKNOWLEDGED)
        elif events:
            self._store.read_together(statements.OF_ONE_TASK, **params, task=ids[0], after=0, limit=events)
        else:
            self._store.read_together(statements.OF_VIEWS, **params)

    def parents(self, ids: Iterable[int]) -> dict[int, list[int]]:
        """Map each task to the tasks that it waits for, in order."""
        return self._groups(statements.PARENTS, statements.PARENTS_OF_ALL, list(ids))

    def blockers(self, ids: Iterable[int]) -> dict[int, dict[int, State]]:
        """Map each task to its parents that are not COMPLETED or no longer in their base, and these to their states."""
        wanted = list(ids)
        groups: dict[int, dict[int, State]] = {task: {} for task in wanted}
        for task, parent, state in self._of(statements.BLOCKERS, statements.BLOCKERS_OF_ALL, wanted):
            if task in groups:
                groups[task][parent] = State(state)
        return groups

    def children(self, task: int) -> list[int]:
        """List the ids of the tasks that wait for this one."""
        return [row[0] for row in self._store.rows(statements.CHILDREN, task=task)]

    def set_parents(self, task: int, wanted: Iterable[int]) -> None:
        """Replace the tasks that a task waits for. Raises AgentError (exit 3) when that would close a cycle."""
        ids = list(dict.fromkeys(wanted))
        for parent in ids:
            self.get(parent)
            self._refuse_cycle(task, parent)
        self._store.change(statements.DELETE_PARENTS, task=task)
        for parent in ids:
            self._store.change(statements.ADD_PARENT, task=task, parent=parent)
        self._store.change(statements.RECOUNT_PARENTS, task=task)

    def paths(self, ids: Iterable[int]) -> dict[int, list[str]]:
        """Map each task to its pathspecs."""
        return self._groups(statements.PATHS, statements.PATHS_OF_ALL, list(ids))

    def set_paths(self, task: int, pathspecs: Iterable[str]) -> None:
        """Replace a task's pathspecs."""
        self._store.change(statements.DELETE_PATHS, task=task)
        for pathspec in dict.fromkeys(pathspecs):
            self._store.change(statements.ADD_PATH, task=task, pathspec=pathspec)

    def _select(self, statement: str, **params: Any) -> list[Task]:
        return self.of_rows(self._store.rows(statement, **params))

    def of_rows(self, rows: Iterable[tuple[Any, ...]]) -> list[Task]:
        """Return the tasks in rows that have all columns of a task."""
        return [self._task(row) for row in rows]

    def _task(self, row: tuple[Any, ...]) -> Task:
        values = list(row)
        if bytes in map(type, row):
            raise errors.damaged(self._store.path, f"a blob in the row of task {row[0]}")
        values[_STATE] = State(row[_STATE])
        values[_HOLD] = Hold(row[_HOLD]) if row[_HOLD] else None
        values[_WORKTREE] = decode_path(row[_WORKTREE])
        return Task(*values)

    def _of(self, some: str, every: str, tasks: list[int]) -> list[tuple[Any, ...]]:
        return self._store.rows(every) if len(tasks) > _MANY else self._store.rows(some, tasks=tasks)

    def _groups(self, some: str, every: str, wanted: list[int]) -> dict[int, list[Any]]:
        groups: dict[int, list[Any]] = {task: [] for task in wanted}
        for task, found in self._of(some, every, wanted):
            if task in groups:
                groups[task].append(found)
        return groups

    def _refuse_cycle(self, task: int, parent: int) -> None:
        above, seen = [parent], {parent}
        while above:
            step = above.pop()
            if step == task:
                says = f"task {task} can't wait for task {parent}: that would close a cycle"
                raise refused("dependency-cycle", says, f"git agent show {parent}")
            for one in self.parents([step])[step]:
                if one not in seen:
                    seen.add(one)
                    above.append(one)


def _encoded(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: encode_path(value) if name in _PATHS else value for name, value in columns.items()}


def stale(task: Task) -> AgentError:
    """Return the error for a task that another process changed at the same time."""
    return refused("changed-meanwhile", f"{task.label} was changed by somebody else", f"git agent show {task.id}")
