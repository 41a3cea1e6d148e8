"""Examine and fix files in worktrees: context files, and copies of files that must stay private."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence

from git_agent import context
from git_agent.actions.attempts.provision import files_to_copy
from git_agent.actions.doctor.fix import not_as_seen, record_fix
from git_agent.actions.worktrees import write_context
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.errors import AgentError
from git_agent.git.locks import private_dir
from git_agent.git.worktrees import ignored, index, repair
from git_agent.store.attempts import Standing

_AT_ONCE = 4  # concurrent git processes: more of them need more open files than some systems allow (ulimit -n 20)


def examine_files(app: App, task: int | None = None) -> list[Finding]:
    """Examine the worktree of a live task, or of all, without changing anything or following links.

    task: its id, None for all
    """
    busy = {intent.task for intent in app.store.intents.pending()}
    standing = [each for each in app.store.attempts.standing(task) if each.working and each.task not in busy]
    there = [each for each in standing if repair.is_connected(app.repo, each.worktree)]
    source = app.repo.main_worktree
    secrets = files_to_copy(app, source) if source is not None and there else []
    found = list(_included(app, there))
    for at in range(0, len(there), _AT_ONCE):
        some = there[at : at + _AT_ONCE]
        asked = [_ask_tracked(app, each, [context.FILE, *secrets]) for each in some]
        for each, answer in zip(some, asked, strict=True):
            tracked = answer()
            found += [*_context(app, each, context.FILE in tracked), *_tracked(each, tracked & set(secrets))]
            found += _secrets(app, source or "", each, [path for path in secrets if path not in tracked])
    return found


def _ask_tracked(app: App, each: Standing, paths: Sequence[str]) -> Callable[[], set[str]]:
    """Start asking which of these paths are tracked. Asks git only where the index may contain one: 5 ms a task."""
    here = app.repo.checkout(each.worktree)  # refuses one that is not ours
    return ignored.ask_tracked(here, paths) if index.may_track(app.repo.admin_dir(each.admin), paths) else set


def _included(app: App, there: Sequence[Standing]) -> Iterator[Finding]:
    if not there or ignored.is_excluded(app.repo, context.EXCLUDE):
        return
    if not app.repo.ignored(there[0].worktree, [context.FILE]):
        says = f"{context.FILE} is not ignored: info/exclude of the repository lacks {context.EXCLUDE}"
        yield Finding("context-included", says, subject=context.EXCLUDE)


def _context(app: App, each: Standing, tracked: bool) -> Iterator[Finding]:
    path, says = os.path.join(each.worktree, context.FILE), f"task {each.task}: "
    data = {"worktree": each.worktree, "branch": each.branch}
    if tracked:
        hint = f"git -C {shlex.quote(each.worktree)} rm --cached {context.FILE}, then commit"
        return (yield Finding("context-tracked", f"{says}{path} is tracked", each.task, path, hint))
    try:
        worker = context.read(path)
    except context.NoContext:
        yield Finding("context-missing", f"{says}{path} is missing", each.task, path, data=data)
    except AgentError as error:
        code = "context-wrong" if error.code in ("context-damaged", "context-schema") else "context-foreign"
        yield Finding(code, f"{says}{error.message}", each.task, path, data=data)
    else:
        named = (worker.task_id, worker.branch, worker.worktree)
        if named != (each.task, each.branch, each.worktree):
            shown = f"task {worker.task_id}, branch '{worker.branch}', {worker.worktree}"
            yield Finding("context-wrong", f"{says}{path} names {shown}", each.task, path, data=data)
        elif (task := app.store.tasks.find(each.task)) and (worker.description, worker.base) != (task.title, task.base):
            yield Finding("context-wrong", f"{says}{path} has an old title or base", each.task, path, data=data)


def _tracked(each: Standing, paths: set[str]) -> Iterator[Finding]:
    for path in sorted(paths):
        hint = f"git -C {shlex.quote(each.worktree)} rm --cached {shlex.quote(path)}"
        says = f"task {each.task}: '{path}', a copy of an ignored file, is tracked or staged in {each.worktree}"
        yield Finding("secret-tracked", says, each.task, os.path.join(each.worktree, path), hint)


def _secrets(app: App, source: str, each: Standing, paths: Sequence[str]) -> Iterator[Finding]:
    here = [path for path in paths if os.path.isfile(os.path.join(each.worktree, path))]
    for path in sorted(set(here) - app.repo.ignored(each.worktree, here)):
        says = f"task {each.task}: '{path}', a copy of an ignored file, is not ignored in {each.worktree}"
        yield Finding("secret-unignored", says, each.task, os.path.join(each.worktree, path), data={"path": path})
    for path in here:
        copy = os.path.join(each.worktree, path)
        if not stat.S_ISREG(os.lstat(copy).st_mode):
            continue  # a link points to a file, so it is not a copy
        mode, wanted = _mode(copy), _mode(os.path.join(source, path))
        if mode & ~wanted & 0o077:
            says = f"task {each.task}: {copy} has mode {mode:04o}, its original {wanted:04o}"
            yield Finding("secret-open", says, each.task, copy, data={"mode": mode, "wanted": wanted})


def _mode(path: str) -> int:
    try:
        held = os.lstat(path)
    except OSError:
        return 0o777
    return stat.S_IMODE(held.st_mode) if stat.S_ISREG(held.st_mode) else 0o777


def fix_files(app: App, finding: Finding) -> str:
    """Fix one finding, if it is found again; return what was done. Raises AgentError or OSError on failure."""
    again = next((each for each in examine_files(app, finding.task) if each.key == finding.key), None)
    if again is None:
        raise not_as_seen()
    return _FIXES[again.code](app, again)


def _written(app: App, finding: Finding) -> str:
    """Write the context file again. Whatever has its name is moved aside first; the target of a link is not touched."""
    path, worktree, kept = finding.subject, finding.data["worktree"], None
    if os.path.lexists(path):
        kept = _aside(app, path, f"{app.store.now()}-{finding.task}-{context.FILE}")
    task = app.store.tasks.get(finding.task or 0)
    write_context(task, finding.data["branch"], worktree)
    text = "written again" + (f"; what was there is {kept}" if kept else "")
    return record_fix(app, finding, text, {"path": path, "kept": kept}, {"path": path})


def _aside(app: App, path: str, name: str) -> str:
    kept = os.path.join(private_dir(app.repo, "kept", "files"), name)
    if stat.S_ISREG(os.lstat(path).st_mode):
        with contextlib.suppress(OSError):
            os.link(path, kept, follow_symlinks=False)  # readers see the old file until the new one is there
            return kept
    try:
        os.rename(path, kept)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        kept = f"{path}.{name}"  # on the same file system, and our pattern keeps it out of commits
        os.rename(path, kept)
    return kept


def _fix_excluded(app: App, finding: Finding) -> str:
    ignored.exclude(app.repo, finding.subject)
    return record_fix(app, finding, "added to info/exclude", {}, {"pattern": finding.subject})


def _unignored(app: App, finding: Finding) -> str:
    pattern = ignored.pattern(finding.data["path"])
    ignored.exclude(app.repo, pattern)
    return record_fix(app, finding, f"added {pattern} to info/exclude", {}, {"pattern": pattern})


def _open(app: App, finding: Finding) -> str:
    mode, wanted = finding.data["mode"], finding.data["mode"] & finding.data["wanted"]
    file = os.open(finding.subject, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fchmod(file, wanted)
    finally:
        os.close(file)
    before, after = ({"path": finding.subject, "mode": each} for each in (mode, wanted))
    return record_fix(app, finding, f"mode {wanted:04o}", before, after)


_FIXES: Mapping[str, Callable[[App, Finding], str]] = {
    "context-missing": _written,
    "context-foreign": _written,
    "context-wrong": _written,
    "context-included": _fix_excluded,
    "secret-unignored": _unignored,
    "secret-open": _open,
}
