"""Intents: what a command is about to do in git, with the process that does it. The result deletes the intent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.errors import AgentError, Exit
from git_agent.store.engine import NOW_MS, peewee
from git_agent.store.schema import IntentRow, dicts

if TYPE_CHECKING:
    from git_agent.domain.process_id import ProcessId


class Intent(NamedTuple):
    """A step under way. kind: spawn, merge, remove or undo; data: what a reader needs to finish it or take it back."""

    id: int
    kind: str
    task: int
    data: Mapping[str, Any]
    owner: ProcessId
    at: int


def write(kind: str, task: int, owner: ProcessId, data: Mapping[str, Any]) -> int:
    """Record an intent; call it inside the transaction that starts the work.

    Raises AgentError (exit 6) when another command is at work on the task.
    """
    try:
        return int(
            IntentRow.insert(
                kind=kind,
                task=task,
                data=json.dumps(dict(data)),
                host=owner.host,
                boot_id=owner.boot_id,
                pid=owner.pid,
                pid_start=owner.pid_start,
                at=NOW_MS,
            ).execute()
        )
    except peewee.IntegrityError as error:
        raise under_way_error(task) from error


def under_way_error(task: int) -> AgentError:
    """Make the error of a task that another command is at work on."""
    other = of_task(task)
    what = f"{other.kind} by pid {other.owner.pid} on {other.owner.host}" if other else "another command"
    return AgentError(
        "under-way",
        f"task {task} is busy: {what} is under way",
        "try again when it has ended",
        exit=Exit.BUSY,
    )


def update(intent: int, data: Mapping[str, Any]) -> None:
    """Record how far the work came."""
    IntentRow.update(data=json.dumps(dict(data))).where(IntentRow.id == intent).execute()


def adopt(intent: Intent, owner: ProcessId) -> bool:
    """Take over a dead process's intent; False when somebody else was quicker."""
    mine = {"host": owner.host, "boot_id": owner.boot_id, "pid": owner.pid, "pid_start": owner.pid_start}
    theirs = (IntentRow.boot_id == intent.owner.boot_id) & (IntentRow.pid == intent.owner.pid)
    same = (IntentRow.id == intent.id) & theirs & (IntentRow.pid_start == intent.owner.pid_start)
    return bool(IntentRow.update(**mine).where(same).execute())


def end(intent: int) -> None:
    """Delete an intent, in the transaction that writes its result."""
    IntentRow.delete().where(IntentRow.id == intent).execute()


def pending() -> list[Intent]:
    """List what is under way; almost always nothing."""
    return [_intent(row) for row in dicts(IntentRow.select().order_by(IntentRow.id))]


def of_task(task: int) -> Intent | None:
    """Find what is under way for a task."""
    return next((_intent(r) for r in dicts(IntentRow.select().where(IntentRow.task == task))), None)


def _intent(row: dict[str, Any]) -> Intent:
    from git_agent.domain.process_id import ProcessId

    owner = ProcessId(row["host"], row["boot_id"], row["pid"], row["pid_start"])
    return Intent(row["id"], row["kind"], row["task"], json.loads(row["data"]), owner, row["at"])
