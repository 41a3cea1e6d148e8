"""Provision a new worktree: the context file, copied and linked files, and the setup commands."""

from __future__ import annotations

import os

from git_agent import context
from git_agent.actions.setup.config import INCLUDE_FILE, untrusted_include
from git_agent.actions.worktrees import write_context
from git_agent.app import App
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git.worktrees import ignored
from git_agent.proc import shell


def provision(app: App, task: Task, place: AttemptPlan) -> None:
    """Write the context file, copy and link the configured untracked files, and run the setup commands.

    task: the task of the worktree.
    place: the planned attempt, whose worktree exists.
    Raises AgentError: exit 3 for a tracked context file or a path that leads outside the worktree, exit 1 for a setup
    command that fails.
    """
    ignored.exclude(app.repo, context.EXCLUDE)
    if app.repo.tracked(place.worktree, context.FILE):
        raise refused(
            "context-tracked",
            f"{context.FILE} is tracked in this repository, but must not be",
            f"git rm --cached {context.FILE}, commit, then try again",
        )
    write_context(task, place.branch, place.worktree)
    if app.repo.main_worktree is not None:
        _hide(app, app.repo.main_worktree, place.worktree)
        if untrusted_include(app, app.repo.main_worktree):
            app.notice(f"not trusted, so nothing is copied for it: {INCLUDE_FILE}; git agent trust accepts it")
        _copy(app, app.repo.main_worktree, place.worktree)
        _link(app, app.repo.main_worktree, place.worktree)
    _set_up(app, task, place)


def _hide(app: App, main: str, worktree: str) -> None:
    """Ignore a worktree inside the main worktree, which `git add --all` would add.

    Its parent directory is ignored instead if nothing in it is tracked.
    """
    inside = os.path.relpath(os.path.realpath(worktree), main)
    if inside.split(os.sep)[0] == os.pardir:
        return
    directory = os.path.dirname(inside)
    path = directory if directory and not app.repo.tracked(main, directory) else inside
    ignored.exclude(app.repo, ignored.pattern(path) + "/")


def _copy(app: App, source: str, target: str) -> None:
    for path in files_to_copy(app, source):
        there = os.path.join(target, path)
        if not os.path.lexists(there):
            make_parents(target, path)
            import shutil

            shutil.copy2(os.path.join(source, path), there, follow_symlinks=False)


def _link(app: App, source: str, target: str) -> None:
    for path in app.config.several("agent.link"):
        here, there = os.path.join(source, path), os.path.normpath(os.path.join(target, path))
        inside = os.path.relpath(there, target).split(os.sep)
        if inside[0] in ("..", ".", ".git"):
            says = f"agent.link '{path}' is not a path inside the worktree"
            raise refused("bad-link", says, "give a path inside the repository")
        if os.path.lexists(here) and not os.path.lexists(there):
            make_parents(target, path)
            os.symlink(here, there)
            if not app.repo.ignored(target, [path]):
                ignored.exclude(app.repo, ignored.pattern(path.strip("/")))


def _set_up(app: App, task: Task, place: AttemptPlan) -> None:
    commands = app.config.several("agent.setup")
    env = {"GIT_AGENT_TASK": str(task.id), "GIT_AGENT_WORKTREE": place.worktree}
    if app.repo.main_worktree:
        env["GIT_AGENT_MAIN_WORKTREE"] = app.repo.main_worktree
    for command in commands:
        app.progress(f"setup: {command}")
        ran = shell.run_shell(command, place.worktree, env, app.progress, leaves=True)
        if ran.status != 0:
            raise AgentError(
                "setup-failed",
                f"the setup command failed with {ran.status}: {command}",
                "git config agent.setup COMMAND, then try again",
                details=ran.tail,
            )


def files_to_copy(app: App, source: str) -> list[str]:
    """List the files that `agent.copy` and `.worktreeinclude` select, relative to the main worktree.

    source: the main worktree.
    Runs git only if agent.copy is set or .worktreeinclude exists.
    """
    include = os.path.join(source, INCLUDE_FILE)
    files = [include] if os.path.isfile(include) and not untrusted_include(app, source) else []
    patterns = app.config.several("agent.copy")
    return ignored.matching(app.repo.checkout(source), patterns, files) if files or patterns else []


def make_parents(target: str, path: str) -> None:
    """Create the parent directories of a file.

    target: the worktree.
    path: the file, relative to the worktree.
    Raises AgentError (exit 3) when a committed symbolic link would lead outside the worktree.
    """
    directory, root = os.path.dirname(os.path.join(target, path)), os.path.realpath(target)
    if os.path.commonpath([os.path.realpath(directory), root]) != root:
        says = f"'{path}' would be written outside the worktree, through a symbolic link"
        raise refused("leads-outside", says, "remove it from agent.copy, agent.link and .worktreeinclude")
    os.makedirs(directory, exist_ok=True)
