"""Mend files of workers' worktrees: the context file, and what git must ignore."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Mapping

from git_agent import context
from git_agent.actions.examine_files import examine_files
from git_agent.actions.not_as_seen import not_as_seen
from git_agent.actions.record_fix import record_fix
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.git import excludes
from git_agent.git.locks import private_dir
from git_agent.store import tasks


def fix_files(app: App, finding: Finding) -> str:
    """Mend one finding, if it is seen again; return what was done. Raises AgentError, OSError where that fails."""
    again = next((each for each in examine_files(app, finding.task) if each.key == finding.key), None)
    if again is None:
        raise not_as_seen()
    return _FIXES[again.code](app, again)


def _written(app: App, finding: Finding) -> str:
    """What stands there is moved aside, under its own name only: where a link leads nothing is touched."""
    path, worktree, kept = finding.subject, finding.data["worktree"], None
    if os.path.lexists(path):
        kept = _aside(app, path, f"{app.store.now()}-{finding.task}-{context.FILE}")
    task = tasks.get(finding.task or 0)
    made = context.create(
        task_id=task.id, branch=finding.data["branch"], worktree=worktree, base=task.base, description=task.title
    )
    context.write(made, worktree)
    text = "written again" + (f"; what was there is {kept}" if kept else "")
    return record_fix(app, finding, text, {"path": path, "kept": kept}, {"path": path})


def _aside(app: App, path: str, name: str) -> str:
    kept = os.path.join(private_dir(app.repo, "kept", "files"), name)
    if stat.S_ISREG(os.lstat(path).st_mode):
        with contextlib.suppress(OSError):
            os.link(path, kept, follow_symlinks=False)  # so that readers see the old file until the new one is there
            return kept
    try:
        os.rename(path, kept)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        kept = f"{path}.{name}"  # on the same file system, and kept out of commits by our pattern, too
        os.rename(path, kept)
    return kept


def _included(app: App, finding: Finding) -> str:
    excludes.exclude(app.repo, finding.subject)
    return record_fix(app, finding, "added to info/exclude", {}, {"pattern": finding.subject})


def _unignored(app: App, finding: Finding) -> str:
    pattern = excludes.pattern(finding.data["path"])
    excludes.exclude(app.repo, pattern)
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
    "context-included": _included,
    "secret-unignored": _unignored,
    "secret-open": _open,
}
