"""Examine every subject in turn; an examination that fails is itself a finding."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from git_agent.actions.doctor.config import examine_config
from git_agent.actions.doctor.files import examine_files
from git_agent.actions.doctor.git import examine_git
from git_agent.actions.doctor.hooks import examine_hooks
from git_agent.actions.doctor.messages import examine_messages
from git_agent.actions.doctor.store import examine_store
from git_agent.actions.doctor.tasks import examine_tasks
from git_agent.actions.removal.remove import finished_logs_size
from git_agent.actions.worktrees import worktree_root
from git_agent.app import App
from git_agent.domain.finding import RULES, Finding, Group
from git_agent.errors import AgentError
from git_agent.git import history
from git_agent.record import Record

_EXAMINERS: Mapping[Group, Callable[[App], list[Finding]]] = {
    Group.STORE: examine_store,
    Group.GIT: examine_git,
    Group.TASKS: examine_tasks,
    Group.HOOKS: examine_hooks,
    Group.MESSAGES: examine_messages,
    Group.FILES: examine_files,
    Group.CONFIGURATION: examine_config,
}
_UNSOUND = ("not-examined", "store-corrupt", "store-damaged")


class Examined(Record):
    """What is wrong. seen: what was examined, and how much of it; notes: what is worth knowing but not wrong."""

    findings: tuple[Finding, ...]
    seen: Mapping[str, int]
    notes: tuple[str, ...] = ()


def examine(app: App) -> Examined:
    """Find what is wrong, group by group, without changing anything.

    Reads every event that changed a state, the worktrees of live tasks, and the refs.
    A store that can't be opened is a finding; then only the groups that need no store report others.
    """
    found = _examined(app, Group.STORE)
    readable = _is_readable(app)
    if not readable:
        app.has_store = False
    for each in Group if readable else ():
        if each is not Group.STORE:
            app.progress(f"examining {each}")
            found += _examined(app, each)
    found = list({each.key: each for each in found}.values())  # a problem with the store stops several groups
    if not readable or any(each.code in _UNSOUND for each in found):
        app.worker_identities = ()  # asking the store for them would fail
        return Examined(tuple(found), {})
    return Examined(tuple(found), _seen(app), _notes(app))


def _is_readable(app: App) -> bool:
    try:
        return bool(app.store)
    except AgentError:
        return False


def _examined(app: App, group: Group) -> list[Finding]:
    """Report only what two examinations in a row have found, since other processes continue to work in the meantime."""
    first = {each.key for each in _looked(app, group)}
    return [each for each in _looked(app, group) if each.key in first] if first else []


def _looked(app: App, group: Group) -> list[Finding]:
    try:
        return _EXAMINERS[group](app)
    except AgentError as error:
        if error.code == "store-damaged":  # one row can't be read: the store as a whole needs no recovery
            says = f"{group} could not be examined completely: {error.message}"
            hint = "write that value again with sqlite3, or restore the store from a copy"
            return [Finding("not-examined", says, subject=str(group), hint=hint)]
        if error.code in RULES and RULES[error.code].group is Group.STORE:
            return [Finding(error.code, error.message, hint=error.hint, subject=app.store_dir)]
        says = f"{group} could not be examined completely: {error.message}"
        return [Finding("not-examined", says, subject=str(group), hint=error.hint or "git agent sync")]
    except (ValueError, TypeError, OSError) as error:
        # A flipped bit can turn a text in the store into a blob or invalid UTF-8, and SQLite's check still passes.
        says = f"{group} could not be examined completely: {type(error).__name__}: {error}"
        return [Finding("not-examined", says, subject=str(group), hint="git agent doctor --json, and report it")]


def _seen(app: App) -> dict[str, int]:
    counts = app.store.tasks.count_by_state()
    return {
        "tasks": sum(counts.values()),
        "worktrees": len(app.store.attempts.standing()),
        "events": app.store.events.newest(),
    }


_MANY_BYTES = 1 << 20


def _notes(app: App) -> tuple[str, ...]:
    """Return the notes; the configuration has been examined and is known to be readable."""
    names, main = app.config.untrusted, app.repo.main_worktree
    notes = [f"not trusted: {', '.join(names)} in .gitagent; git agent trust accepts them"] if names else []
    if main and not os.path.isdir(main):
        notes.append(f"the main worktree {main} is missing")
    if (size := finished_logs_size(app)) >= _MANY_BYTES:
        notes.append(f"the logs of finished tasks take {size >> 20} MB: git agent clean --logs deletes them")
    if history.lacks_commit_graph(app.repo.git, app.repo.common_dir):
        command = "git commit-graph write --reachable"
        notes.append(f"the history is long and has no commit-graph, so most commands take longer: {command}")
    return (*notes, *_full_disks(app))


_ROOM = 64 * 1024  # bytes; a commit of the store and a ref of git need less


def _full_disks(app: App) -> Iterator[str]:
    """Name full disks. Commands that only read work on them, and the others say so themselves."""
    devices = set()
    for path in (app.repo.common_dir, _existing(worktree_root(app))):
        found, device = os.statvfs(path), os.stat(path).st_dev
        blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
        full = blocks * found.f_frsize < _ROOM or (found.f_files and not found.f_ffree)
        if full and device not in devices:
            yield f"the disk of {path} is full, so nothing can be written there: df -h and df -i show it"
        devices.add(device)


def _existing(path: str) -> str:
    """Return the path, or the nearest directory above it that exists."""
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path
