"""What is wrong with the files in workers' worktrees: the context file, and copies of what must stay private."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator, Sequence

from git_agent import context
from git_agent.actions.copied import copied
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.errors import AgentError
from git_agent.git import privacy, registered
from git_agent.store import attempts, intents
from git_agent.store.attempts import Standing

_AT_ONCE = 4  # gits that run at the same time: more need more open files than some systems allow (ulimit -n 20)


def examine_files(app: App, task: int | None = None) -> list[Finding]:
    """Examine the worktree of a live task, or of all; nothing is changed, and no link is followed."""
    busy = {intent.task for intent in intents.pending()}
    standing = [each for each in attempts.standing(task) if each.working and each.task not in busy]
    there = [each for each in standing if registered.works(app.repo, each.worktree)]
    source = app.repo.main_worktree
    secrets = copied(source, app.config) if source is not None and there else []
    found = list(_included(app, there))
    for at in range(0, len(there), _AT_ONCE):
        some = there[at : at + _AT_ONCE]
        asked = [privacy.ask_tracked(each.worktree, [context.FILE, *secrets]) for each in some]
        for each, answer in zip(some, asked, strict=True):
            tracked = answer()
            found += [*_context(each, context.FILE in tracked), *_tracked(each, tracked & set(secrets))]
            found += _secrets(app, source or "", each, [path for path in secrets if path not in tracked])
    return found


def _included(app: App, there: Sequence[Standing]) -> Iterator[Finding]:
    if not there or privacy.is_excluded(app.repo, context.EXCLUDE):
        return
    if not app.repo.ignored(there[0].worktree, [context.FILE]):
        says = f"{context.FILE} is not ignored: info/exclude of the repository lacks {context.EXCLUDE}"
        yield Finding("context-included", says, subject=context.EXCLUDE)


def _context(each: Standing, tracked: bool) -> Iterator[Finding]:
    path, says = os.path.join(each.worktree, context.FILE), f"task {each.task}: "
    data = {"worktree": each.worktree, "branch": each.branch}
    if tracked:
        helps = f"git -C {shlex.quote(each.worktree)} rm --cached {context.FILE}, then commit"
        return (yield Finding("context-tracked", f"{says}{path} is tracked", each.task, path, helps))
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


def _tracked(each: Standing, paths: set[str]) -> Iterator[Finding]:
    for path in sorted(paths):
        helps = f"git -C {shlex.quote(each.worktree)} rm --cached {shlex.quote(path)}"
        says = f"task {each.task}: '{path}', a copy of an ignored file, is tracked or staged in {each.worktree}"
        yield Finding("secret-tracked", says, each.task, os.path.join(each.worktree, path), helps)


def _secrets(app: App, source: str, each: Standing, paths: Sequence[str]) -> Iterator[Finding]:
    here = [path for path in paths if os.path.isfile(os.path.join(each.worktree, path))]
    for path in sorted(set(here) - app.repo.ignored(each.worktree, here)):
        says = f"task {each.task}: '{path}', a copy of an ignored file, is not ignored in {each.worktree}"
        yield Finding("secret-unignored", says, each.task, os.path.join(each.worktree, path), data={"path": path})
    for path in here:
        copy = os.path.join(each.worktree, path)
        if not stat.S_ISREG(os.lstat(copy).st_mode):
            continue  # a link leads to a file that is no copy
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
