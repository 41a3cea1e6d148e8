"""Intents: what a command is about to do in git, and which process does it. Recording the result deletes the intent.

A process renews its intents. Where its pid can't be checked, another process may adopt an intent that was not renewed.
A process that was stopped for so long changes nothing more: `update` and `end` check that the intent is still its own.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.domain.process_id import ProcessId
from git_agent.errors import AgentError, Exit
from git_agent.store.locks import LOST
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import IntentRow

if TYPE_CHECKING:
    from git_agent.store.store import Store


LIMIT_S = 300.0
"""Seconds after which an intent that was not renewed is over."""


class Intent(NamedTuple):
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
        columns = {"kind": kind, "task": task, "data": json.dumps(dict(data)), "at": NOW_MS, **_held_by(owner)}
        try:
            intent = int(self._store.run(IntentRow.insert(**columns)))
        except peewee.IntegrityError as error:
            raise self.under_way_error(task, owner) from error
        self._own[intent] = owner
        return intent

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
        self._require(self._store.run(IntentRow.update(data=json.dumps(dict(data))).where(self._is_own(intent))))

    def adopt(self, intent: Intent, owner: ProcessId) -> bool:
        """Take over the intent of a dead process. Returns False when another process took it over first."""
        seen = (IntentRow.id == intent.id) & _is_held_by(intent.owner) & (intent.over == _OVER)
        adopted = bool(self._store.run(IntentRow.update(**_held_by(owner)).where(seen)))
        if adopted:
            self._own[intent.id] = owner
        return adopted

    def renew(self, owner: ProcessId) -> None:
        """Restart the time limit of the intents of a process. Call it inside a transaction."""
        self._store.run(IntentRow.update(expires_at=_LATER).where(_is_held_by(owner)))

    def end(self, intent: int) -> None:
        """Delete an intent, in the transaction that writes its result.

        Raises AgentError (exit 6) when another process took it over.
        """
        self._require(self._store.run(IntentRow.delete().where(self._is_own(intent))))

    def _is_own(self, intent: int) -> Any:
        return (IntentRow.id == intent) & _is_held_by(self._own[intent])

    @staticmethod
    def _require(changed: int) -> None:
        if not changed:
            says = "another command finished or rolled back what this one had begun, because it was silent for too long"
            raise AgentError(LOST, says, "run it again", exit=Exit.BUSY)

    def pending(self) -> list[Intent]:
        """List the intents under way; almost always none."""
        return [_intent(row) for row in self._store.sql(f"{_SELECT} ORDER BY id")]

    def of_task(self, task: int) -> Intent | None:
        """Return the intent under way for a task, or None."""
        found = self._store.sql(f"{_SELECT} WHERE task = ?", (task,))
        return _intent(found[0]) if found else None


_LATER = NOW_MS + int(LIMIT_S * 1000)
_OVER = peewee.fn.COALESCE(IntentRow.expires_at <= NOW_MS, 0)
_OWNER = tuple(getattr(IntentRow, name) for name in ProcessId._fields)
# As text: every command reads it, and peewee takes longer to build the query than SQLite to answer it.
_SELECT = f"""
    SELECT id, kind, task, data, at, COALESCE(expires_at <= {NOW_MS.sql}, 0), {", ".join(ProcessId._fields)} FROM intent
"""


def _held_by(owner: ProcessId) -> dict[str, Any]:
    return {**owner._asdict(), "expires_at": _LATER}


def _is_held_by(owner: ProcessId) -> Any:
    same = (column.is_null() if value is None else column == value for column, value in zip(_OWNER, owner, strict=True))
    return functools.reduce(operator.and_, same)


def _intent(row: tuple[Any, ...]) -> Intent:
    key, kind, task, data, at, over, *owner = row
    return Intent(key, kind, task, json.loads(data), ProcessId(*owner), at, bool(over))
