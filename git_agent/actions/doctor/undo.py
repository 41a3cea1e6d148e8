"""Undo the fixes of one `doctor --fix`, newest first, where nothing has changed since."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from git_agent import context
from git_agent.app import App
from git_agent.domain.consistency import RecordedTask
from git_agent.domain.event import Event
from git_agent.domain.undo import NOT_UNDOABLE
from git_agent.errors import AgentError, Exit, refused
from git_agent.git import locks, refs
from git_agent.git.worktrees import ignored, registry

_Values = Mapping[str, Any]


def undo_fix(app: App, done: Sequence[Event]) -> list[str]:
    """Undo one fix; return a line that says what is restored.

    done: its event alone, as it was read
    The undo is recorded as an event, `doctor.unfixed`.
    Raises AgentError: exit 3 when the fixed state no longer holds, or when there is nothing to undo.
    """
    (event,) = done
    code, before, after = event.data["code"], event.data["before"], event.data["after"]
    if code in NOT_UNDOABLE:
        raise refused("nothing-to-undo", f"there is nothing to undo: {NOT_UNDOABLE[code]}", "git agent doctor")
    with app.store.transaction():
        _require_standing(app, event)
        if code in _IN_STORE:
            return _record(app, event, _IN_STORE[code](app, event.task or 0, before, after))
    try:
        text = _OUTSIDE[code](app, before, {**after, "task": event.task})
    except FileNotFoundError as error:
        raise _changed(f"{error.filename} no longer exists") from error
    with app.store.transaction():
        _require_standing(app, event)  # another undo may have been faster
        return _record(app, event, text)


def _require_standing(app: App, event: Event) -> None:
    if not app.store.events.numbered([event.seq]):
        raise refused("undone-already", f"fix {event.seq} is already undone", "git agent doctor")


def _record(app: App, event: Event, text: str) -> list[str]:
    data = {"undoes": event.seq, "code": event.data["code"], "text": text}
    app.store.events.append("doctor.unfixed", app.speaker.actor, task=event.task, data=data)
    return [text]


def _changed(what: str) -> AgentError:
    return refused("changed-since", what, "git agent doctor")


def _state(app: App, task: int, before: _Values, after: _Values) -> str:
    was, now = RecordedTask.of(task, *before["row"]), RecordedTask.of(task, *after["row"])
    if not app.store.audit.set_row(task, now, was):
        raise _changed(f"task {task} has changed since")
    return f"task {task} is {was.state} again, although its events say otherwise"


def _put_row_back(app: App, task: int, before: _Values, after: _Values) -> str:
    table, values = before["table"], before["values"]
    if not app.store.integrity.put_back(table, values):
        raise _changed(f"what the row of {table} belonged to is gone, or has another row")
    return f"the row of {table} is restored"


def _attempt(app: App, task: int, before: _Values, after: _Values) -> str:
    found = app.store.attempts.find(task, after["number"])
    if found is None or not found.removed:
        raise _changed(f"attempt {after['number']} has changed since")
    app.store.attempts.bring_back(task, after["number"], before["worktree"], before["admin"])
    return f"attempt {after['number']} is recorded as present again"


def _journal(app: App, before: _Values, after: _Values) -> str:
    if app.store.integrity.set_journal(before["mode"]) != before["mode"]:
        raise _changed("other processes have the store open")
    return f"the journal is {before['mode']} again"


def _branch(app: App, before: _Values, after: _Values) -> str:
    kept = refs.keep_rescue(app.repo, after["task"], after["oid"])
    try:
        refs.delete_ref(app.repo, f"refs/heads/{after['branch']}", after["oid"])
    except refs.RefMoved as error:
        raise _changed(f"'{after['branch']}' has moved since") from error
    return f"branch '{after['branch']}' is removed again; its commits are kept under {kept}"


def _lock(app: App, before: _Values, after: _Values) -> str:
    there = registry.registration_at(app.repo, after["path"])
    if there is None or there.locked != after["reason"]:
        raise _changed(f"{after['path']} is no longer locked as it was")
    registry.unlock_worktree(app.repo, after["path"])
    return f"worktree {after['path']} is unlocked again"


def _lock_file(app: App, before: _Values, after: _Values) -> str:
    locks.move_lock_back(after["kept"], before["path"])
    return f"{before['path']} is restored"


def _context(app: App, before: _Values, after: _Values) -> str:
    path, kept = after["path"], before["kept"]
    if not _is_ours(path, after["task"]) or (kept and not os.path.lexists(kept)):
        raise _changed(f"{path} has changed since")
    os.replace(kept, path) if kept else os.unlink(path)
    return f"{path} is as it was before the fix"


def _is_ours(path: str, task: int) -> bool:
    with contextlib.suppress(AgentError):
        return context.read(path).task_id == task
    return False


def _exclude(app: App, before: _Values, after: _Values) -> str:
    ignored.unexclude(app.repo, after["pattern"])
    return f"{after['pattern']} is removed from info/exclude"


_IN_STORE: Mapping[str, Callable[[App, int, _Values, _Values], str]] = {
    "state-differs": _state,
    "lease-stray": _put_row_back,
    "attempt-bare": _attempt,
}
_OUTSIDE: Mapping[str, Callable[[App, _Values, _Values], str]] = {
    "store-journal": _journal,
    "branch-gone": _branch,
    "worktree-unlocked": _lock,
    "lock-stale": _lock_file,
    "context-missing": _context,
    "context-foreign": _context,
    "context-wrong": _context,
    "context-included": _exclude,
    "secret-unignored": _exclude,
}


def undo_fixes(app: App, done: Sequence[Event], *, dry_run: bool) -> list[str]:
    """Undo several fixes; return a line for each, which begins with `left` if it can't be undone or no longer can.

    done: the fixes' events, the oldest first
    dry_run: only report
    Each fix counts as undone afterwards, so that none blocks the undo of earlier operations.
    Raises AgentError: exit 3 when another process has already undone all of them.
    """
    if dry_run:
        return [_would(event, _named(event, done)) for event in reversed(done)]
    lines, gone = list[str](), list[AgentError]()
    for event in reversed(done):
        try:
            lines += undo_fix(app, [event])
        except AgentError as error:
            if error.exit is not Exit.REFUSED:
                raise
            if error.code == "undone-already":
                gone.append(error)
            else:
                lines.append(_leave(app, event, _named(event, done), error.message))
    if gone and not lines:
        raise gone[0]
    return lines


def _named(event: Event, done: Sequence[Event]) -> str:
    """Return what the fix did, for one of several; the line above names a single fix already."""
    return f": {event.data['text']}" if len(done) > 1 else ""


def _would(event: Event, named: str) -> str:
    if why := NOT_UNDOABLE.get(event.data["code"]):
        return f"would leave as it is{named} ({why})"
    return f"would undo, unless it changed since{named}"


def _leave(app: App, event: Event, named: str, why: str) -> str:
    says = f"left as it is{named} ({why})"
    with app.store.transaction():
        if app.store.events.numbered([event.seq]):
            data = {"undoes": event.seq, "code": event.data["code"], "text": says}
            app.store.events.append("doctor.unfixed", app.speaker.actor, task=event.task, data=data)
    return says
