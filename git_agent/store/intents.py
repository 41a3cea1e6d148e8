"""Intents: what a command is about to do in git, and which process does it. Recording the result deletes the intent.

A process renews its intents. Where its pid can't be checked, another process may adopt an intent that was not renewed.
A process that was stopped for so long changes nothing more: `update` and `end` check that the intent is still its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.record import Record
from git_agent.store import errors, statements
from git_agent.store.locks import LOST

if TYPE_CHECKING:
    from git_agent.store.store import Store


LIMIT_S = 300.0
"""Seconds after which an intent that was not renewed is over."""
_LIMIT_MS = int(LIMIT_S * 1000)


class Intent(Record):
    """A step under way.

    kind: spawn, merge, remove or undo
    data: what recovery needs to finish the step or roll it back
    at: ms since the epoch
    over: it was not renewed in time
    """

    id: int
    kind: str
    task: int
    data: Mapping[str, Any]
    owner: ProcessId
    at: int
    over: bool


class Intents:
    """The steps that commands have under way in git."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._own: dict[int, ProcessId] = {}  # the owner under which this process wrote or adopted each intent

    def write(self, kind: str, task: int, owner: ProcessId, data: Mapping[str, Any]) -> int:
        """Record an intent and return its id. Call it inside the transaction that starts the work.

        Raises AgentError (exit 6) when another command is working on the task.
        """
        try:
            ((intent,),) = self._store.rows(statements.WRITE_INTENT, **_columns(kind, owner, data), task=task)
        except errors.Violation as error:
            raise self.under_way_error(task, owner) from error
        self._own[intent] = owner
        return int(intent)

    def reserve(
        self, kind: str, tasks: Sequence[Task], owner: ProcessId, data: Mapping[str, Any], *, max_attempts: int
    ) -> tuple[Task, int] | None:
        """Record an intent for the first of these tasks that is in the queue and as it was read.

        Returns the task and the id of the intent; None if all have left the queue or were changed.

        tasks: tasks of the queue as they were read, in the order in which to try them
        max_attempts: as for Queue.ready
        Call it inside a transaction. One statement decides who gets which task, without reading the queue again.
        """
        seen = json.dumps([(task.id, task.version) for task in tasks])
        given = _columns(kind, owner, data)
        for intent, task in self._store.rows(statements.RESERVE_TASK, **given, seen=seen, attempts=max_attempts):
            self._own[intent] = owner
            return next(each for each in tasks if each.id == task), int(intent)
        return None

    def under_way_error(self, task: int, me: ProcessId | None = None) -> AgentError:
        """Return the error for a task that another command is working on, or that a dead one left half done.

        me: this process, which took over what dead ones left and could not finish it
        """
        other = self.of_task(task)
        if other is not None and other.owner == me:
            says = f"task {task} is busy: an interrupted {other.kind} can't be recovered yet"
            return AgentError("under-way", says, "git agent doctor, which says why", exit=Exit.BUSY)
        what = f"{other.kind} by pid {other.owner.pid} on {other.owner.host}" if other else "another command"
        return AgentError(
            "under-way",
            f"task {task} is busy: {what} is under way",
            "try again when it has ended",
            exit=Exit.BUSY,
        )

    def update(self, intent: int, data: Mapping[str, Any]) -> None:
        """Record the progress of the work. Raises AgentError (exit 6) when another process took it over."""
        self._change_own(intent, statements.UPDATE_INTENT, data=json.dumps(dict(data)))

    def adopt(self, intent: Intent, owner: ProcessId) -> bool:
        """Take over the intent of a dead process. Returns False when another process took it over first."""
        seen = {"intent": intent.id, "over": int(intent.over), **_was(intent.owner)}
        adopted = self._store.change(statements.ADOPT_INTENT, **seen, **owner._asdict(), limit_ms=_LIMIT_MS)
        if adopted:
            self._own[intent.id] = owner
        return bool(adopted)

    def renew(self, owner: ProcessId) -> None:
        """Restart the time limit of the intents of a process. Call it inside a transaction."""
        self._store.change(statements.RENEW_INTENTS, **_was(owner), limit_ms=_LIMIT_MS)

    def end(self, intent: int) -> None:
        """Delete an intent, in the transaction that writes its result.

        Raises AgentError (exit 6) when another process took it over.
        """
        self._change_own(intent, statements.END_INTENT)

    def _change_own(self, intent: int, statement: str, **params: Any) -> None:
        if not self._store.change(statement, intent=intent, **_was(self._own[intent]), **params):
            says = "another command finished or rolled back what this one had begun, because it was silent for too long"
            raise AgentError(LOST, says, "run it again", exit=Exit.BUSY)

    def pending(self) -> list[Intent]:
        """List the intents under way; almost always none."""
        return [_intent(row) for row in self._store.rows(statements.INTENTS)]

    def of_task(self, task: int) -> Intent | None:
        """Return the intent under way for a task, or None."""
        found = self._store.rows(statements.INTENT_OF_TASK, task=task)
        return _intent(found[0]) if found else None


def _columns(kind: str, owner: ProcessId, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "data": json.dumps(dict(data)), **owner._asdict(), "limit_ms": _LIMIT_MS}


def _was(owner: ProcessId) -> dict[str, Any]:
    return {f"was_{name}": value for name, value in owner._asdict().items()}


def _intent(row: tuple[Any, ...]) -> Intent:
    key, kind, task, data, at, over, *owner = row
    return Intent(key, kind, task, json.loads(data), ProcessId(*owner), at, bool(over))
