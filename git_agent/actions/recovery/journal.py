"""The journal: an intent is written before git is changed, and rolled back when the command fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from git_agent.actions.recovery.recover import NOT_YET, recover_intent
from git_agent.actions.recovery.renewal import renewed
from git_agent.app import App
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import Task
from git_agent.errors import AgentError
from git_agent.git.errors import system_error
from git_agent.git.worktrees.scratch import delete_leftovers
from git_agent.proc import processes


def record_intent(app: App, kind: str, task: int, owner: ProcessId, data: Mapping[str, Any]) -> int:
    """Write an intent of this command, in the transaction that starts the work; return its id.

    kind: a key of recover.WRITERS
    task: the task's id
    owner: this process, described before the transaction
    data: what recovery needs
    `rollback_on_error` knows the id before the transaction commits, so that an interruption finds it.
    Raises AgentError (exit 6) when another command is working on the task.
    """
    intent = app.store.intents.write(kind, task, owner, data)
    app.begun.add(intent)
    return intent


def reserve_first(
    app: App, kind: str, tasks: Sequence[Task], owner: ProcessId, data: Mapping[str, Any], *, max_attempts: int
) -> tuple[Task, int] | None:
    """Write an intent as record_intent does, for the first of these tasks that is still in the queue and unchanged.

    tasks: tasks of the queue as they were read
    max_attempts: agent.maxAttempts
    Returns the task and the id of the intent, or None.
    """
    reserved = app.store.intents.reserve(kind, tasks, owner, data, max_attempts=max_attempts)
    if reserved is not None:
        app.begun.add(reserved[1])
    return reserved


@contextmanager
def rollback_on_error(app: App) -> Iterator[None]:
    """Run the work that intents were written for; if it is interrupted, finish it or roll it back as after a crash.

    Put this around the transaction that writes the intent, too: an interruption may come right after it.
    Raises AgentError in place of an OSError. What can't be recovered now is left to the next command.
    """
    try:
        with renewed(app):
            yield
    except AgentError as error:
        error.details = (*error.details, *_recover_own(app))
        raise
    except BaseException as error:
        _recover_own(app)
        delete_leftovers(app.repo)  # an interruption may have stopped a deletion
        if isinstance(error, OSError):
            raise system_error(error) from error
        raise


def _recover_own(app: App) -> list[str]:
    """Return a line for each thing that can't be recovered now."""
    lines = list[str]()
    if not app.begun:
        return lines
    with contextlib.suppress(AgentError, OSError):
        app.reopen()
        me = processes.myself()
        with renewed(app):
            for intent in app.store.intents.pending():
                if intent.id in app.begun and intent.owner == me:
                    lines += [line for line in recover_intent(app, intent) if NOT_YET in line]
    return lines


LIMIT_S = 300.0  # the longest wait for a holder that is on another host or stopped


@contextmanager
def under_lock(app: App, name: str, *, limit_s: float = LIMIT_S) -> Iterator[int | None]:
    """Hold a lock while the block runs; yield the lock's fence, or None when another process holds it.

    name: the lock
    limit_s: seconds after which a holder that has not finished loses the lock
    Each change in the block calls `locks.require` with the fence, in its transaction.
    """
    me = processes.myself()
    with app.store.transaction():
        fence = app.store.locks.take(name, me, app.is_gone, limit_s)
    try:
        yield fence
    finally:
        if fence is not None:
            with contextlib.suppress(AgentError), app.store.transaction():
                app.store.locks.release(name, fence)


def new_operation() -> str:
    """Return a unique name for an operation; events with the same one in their data are undone together."""
    return os.urandom(8).hex()
