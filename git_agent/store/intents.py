"""Intents: what a command is about to do in git, and which process does it. Recording the result deletes the intent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.errors import AgentError, Exit
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import IntentRow

if TYPE_CHECKING:
    from git_agent.domain.process_id import ProcessId
    from git_agent.store.store import Store


class Intent(NamedTuple):
    """A step under way.

    kind: spawn, merge, remove or undo
    data: what recovery needs to finish the step or roll it back
    at: ms since the epoch
    """

    id: int
    kind: str
    task: int
    data: Mapping[str, Any]
    owner: ProcessId
    at: int


class Intents:
    """The steps that commands have under way in git."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, kind: str, task: int, owner: ProcessId, data: Mapping[str, Any]) -> int:
        """Record an intent and return its id. Call it inside the transaction that starts the work.

        Raises AgentError (exit 6) when another command is working on the task.
        """
        try:
            return int(
                self._store.run(
                    IntentRow.insert(
                        kind=kind,
                        task=task,
                        data=json.dumps(dict(data)),
                        host=owner.host,
                        boot_id=owner.boot_id,
                        pid=owner.pid,
                        pid_start=owner.pid_start,
                        at=NOW_MS,
                    )
                )
            )
        except peewee.IntegrityError as error:
            raise self.under_way_error(task, owner) from error

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
        """Record the progress of the work."""
        self._store.run(IntentRow.update(data=json.dumps(dict(data))).where(IntentRow.id == intent))

    def adopt(self, intent: Intent, owner: ProcessId) -> bool:
        """Take over the intent of a dead process. Returns False when another process took it over first."""
        mine = {"host": owner.host, "boot_id": owner.boot_id, "pid": owner.pid, "pid_start": owner.pid_start}
        theirs = (IntentRow.boot_id == intent.owner.boot_id) & (IntentRow.pid == intent.owner.pid)
        same = (IntentRow.id == intent.id) & theirs & (IntentRow.pid_start == intent.owner.pid_start)
        return bool(self._store.run(IntentRow.update(**mine).where(same)))

    def end(self, intent: int) -> None:
        """Delete an intent, in the transaction that writes its result."""
        self._store.run(IntentRow.delete().where(IntentRow.id == intent))

    def pending(self) -> list[Intent]:
        """List the intents under way; almost always none."""
        return [_intent(row) for row in self._store.dicts(IntentRow.select().order_by(IntentRow.id))]

    def of_task(self, task: int) -> Intent | None:
        """Return the intent under way for a task, or None."""
        return next((_intent(r) for r in self._store.dicts(IntentRow.select().where(IntentRow.task == task))), None)


def _intent(row: dict[str, Any]) -> Intent:
    from git_agent.domain.process_id import ProcessId

    owner = ProcessId(row["host"], row["boot_id"], row["pid"], row["pid_start"])
    return Intent(row["id"], row["kind"], row["task"], json.loads(row["data"]), owner, row["at"])
