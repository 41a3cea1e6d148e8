"""The worktrees of all tasks: where they go, their locks, their context files, and what is left in old ones."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterable

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git.place import CONTEXT_FILE
from git_agent.git.repo import Repo
from git_agent.git.worktrees import registry
from git_agent.record import Record

_BESIDE = ("objects", "refs", "reftable", "logs", "info", "hooks", "branches", "lfs")
_GITS_OWN = frozenset((*_BESIDE, "worktrees", "modules", "git-agent"))


def worktree_root(app: App) -> str:
    """Return the absolute path of the directory that holds the tasks' worktrees; it may not exist yet."""
    repo = app.repo
    where = repo.main_worktree or _home_of_bare(repo.common_dir)
    given = app.config.text("agent.worktreeDir")
    chosen = os.path.expanduser(given) if given else f"../{os.path.basename(where).removesuffix('.git')}.worktrees"
    return os.path.normpath(os.path.join(where, chosen))


def allowed_root(app: App) -> str:
    """Return worktree_root(), or raise AgentError (exit 3) if it is not allowed.

    Inside the git directory, worktrees would be in git's way; in a bare repository, they are common and allowed beside
    git's own directories. And a committed file may not choose a directory elsewhere: its author's code would be
    written where the person's programs load theirs from.
    """
    key, repo, directory = "agent.worktreeDir", app.repo, worktree_root(app)
    inside, *_ = os.path.relpath(os.path.realpath(directory), repo.common_dir).split(os.sep)
    if inside != os.pardir and not (repo.bare and inside not in _GITS_OWN):
        fault = f"{key} is inside the git directory: {directory}"
    elif app.config.is_teams(key) and not _is_near(repo, directory):
        fault = f"{key} is neither inside nor directly beside the repository: {directory}"
    else:
        return directory
    raise app.config.explain(key, refused("bad-worktree-dir", fault, f"git config {key} DIRECTORY"))


def _is_near(repo: Repo, directory: str) -> bool:
    """Return whether a directory is inside the main worktree or directly beside it, with symbolic links resolved."""
    where = os.path.realpath(repo.main_worktree or _home_of_bare(repo.common_dir))
    real = os.path.realpath(directory)
    beside = os.path.dirname(real) == os.path.dirname(where)
    return real != where and (beside or os.path.commonpath([real, where]) == where)


def _home_of_bare(common_dir: str) -> str:
    """Return the directory that contains a hidden bare repository (`project/.bare`), which stands for the project."""
    hidden = os.path.basename(common_dir).startswith(".")
    return os.path.dirname(common_dir) if hidden else common_dir


def unlock_worktrees(app: App, task: Task) -> None:
    """Unlock the worktrees of a finished task; leave one that is missing or that somebody else has locked."""
    ours = registry.LOCK_REASON.format(task=task.id)
    for attempt in app.store.attempts.present(task.id):
        there = registry.registration_at(app.repo, attempt.worktree) if attempt.worktree is not None else None
        if attempt.worktree is not None and there is not None and there.locked == ours:
            with contextlib.suppress(OSError):
                registry.unlock_worktree(app.repo, attempt.worktree)


def may_have_submodules(checkouts: Iterable[str]) -> bool:
    """Return whether any of these directories has the file in which git lists submodules."""
    return any(os.path.lexists(os.path.join(path, ".gitmodules")) for path in checkouts)


def note_submodules(app: App, task: Task, start: str, tip: str) -> None:
    """Add a notice for each submodule that a branch sets back to an older commit.

    start, tip: where the branch begins and ends, full oids
    Costs one or two system calls in a repository without submodules.
    """
    checkouts = [path for path in (task.worktree, app.repo.main_worktree) if path is not None]
    if not may_have_submodules(checkouts):
        return
    from git_agent.git.submodules import pointers_back

    for back in pointers_back(app.repo, start, tip, checkouts):
        says = f"{task.label} sets the submodule '{back.path}' back from {back.old[:12]} to {back.new[:12]}"
        undo = f"git -C {shlex.quote(task.worktree or '')} checkout {start[:12]} -- {shlex.quote(back.path)}"
        app.notice(f"{says}; unless that is intended: {undo}, then commit it")


def write_context(task: Task, branch: str, worktree: str) -> None:
    """Write the context file of a task's worktree.

    branch, worktree: those of the attempt, which the task may not name yet.
    Raises AgentError when the file can't be written.
    """
    from git_agent import context  # loaded only here

    made = context.create(task_id=task.id, branch=branch, worktree=worktree, base=task.base, description=task.title)
    context.write(made, worktree)


def renew_context(app: App, task: Task) -> None:
    """Write the context file of a live task again, in a worktree that is still ours. A failure is only reported."""
    attempt = app.store.attempts.find(task.id, task.attempt)
    there = registry.registration_at(app.repo, task.worktree) if task.worktree else None
    if task.worktree is None or task.branch is None or there is None or attempt is None or attempt.admin != there.admin:
        return  # there is no worktree, or what stands in its place is not ours
    try:
        write_context(task, task.branch, task.worktree)
    except AgentError as error:
        app.notice(f"its context file is out of date: {error.message}; git agent doctor --fix")


class FilesLeft(Record):
    """The files that an attempt left uncommitted. The next attempt starts from its last commit, so it lacks them."""

    attempt: int
    worktree: str
    files: tuple[str, ...]

    @property
    def words(self) -> str:
        """Name the first files and the place: `attempt 1 left files that are not committed: a, b, in /w`."""
        more = f" and {len(self.files) - _NAMED} more" if len(self.files) > _NAMED else ""
        shown = ", ".join(self.files[:_NAMED])
        return f"attempt {self.attempt} left files that are not committed: {shown}{more}, in {self.worktree}"


_NAMED = 5


def files_left(app: App, task: Task) -> list[FilesLeft]:
    """List what the attempts before the current or the next one left uncommitted; one git process for each of them.

    For a task that nobody has, the next attempt counts, so what its last one left is listed, too.
    """
    attempts = app.store.attempts.present(task.id)
    earlier = [a for a in attempts if a.worktree and (a.number < task.attempt or not task.live)]
    found = (FilesLeft(a.number, a.worktree or "", uncommitted(app, a.worktree or "")) for a in earlier)
    return [each for each in found if each.files]


def uncommitted(app: App, worktree: str) -> tuple[str, ...]:
    """Return the changed and untracked files of a worktree; none if it is no longer there."""
    try:
        return tuple(change.path for change in app.repo.status(worktree)) if os.path.isdir(worktree) else ()
    except AgentError:
        return ()  # no longer a worktree; `git agent show` says what is wrong


def note_files_left(app: App, task: Task) -> None:
    """Queue a notice for each attempt that left files, where a new attempt begins or will begin."""
    for left in files_left(app, task):
        app.notice(f"{task.label}: {left.words}")


def find_committed_context(app: App, task: Task, rev: str) -> tuple[str | None, AgentError | None]:
    """Look for the context file in the work that a task hands in or would land.

    rev: a branch's full ref, or the oid of a commit or tree
    Returns the oid of rev, None if there is no such object, and the error (exit 3) if it contains the file.
    Costs one git process, and one more when the file is there.
    """
    # Loaded only here: few commands need it, but every command needs the rest of this module.
    from git_agent.git.worktrees import ignored

    oid, there = ignored.holds(app.repo, rev, CONTEXT_FILE)
    if not there:
        return oid, None
    says = f"{task.label} would bring {CONTEXT_FILE}, its worktree's own file, into '{task.base}'"
    takes_out = f"git rm --cached {CONTEXT_FILE}, then git commit --message 'Remove it'"
    if ignored.holds(app.repo, f"refs/heads/{task.branch}", CONTEXT_FILE)[1]:
        hint = f"in {task.worktree}: {takes_out} (or --amend), then git agent done"
    else:
        hint = f"'{task.base}' has it; there: {takes_out}, then try again"
    return oid, refused("context-tracked", says, hint)
