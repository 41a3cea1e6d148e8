"""Set up a repository, and remove everything again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from git_agent import context
from git_agent.actions.setup.agents_md import FILE, AgentsMd, agents_md
from git_agent.actions.setup.hooks import write_guard_files
from git_agent.app import App
from git_agent.errors import refused
from git_agent.git import versions
from git_agent.git.errors import explain_system_errors
from git_agent.git.hooks.install import install_hooks, installed_hooks, uninstall_hooks
from git_agent.git.sweeper import delete_tree
from git_agent.git.worktrees import ignored, repair
from git_agent.integrations import marked_block
from git_agent.proc import processes, program
from git_agent.record import Record
from git_agent.store import meta
from git_agent.store.store import Store


class Initialized(Record):
    """A repository that is set up.

    path: the store.
    made: the store was created; False when it existed.
    hooks: one line for each change of the hooks; None when they are turned off.
    manual: what the user must do.
    agents: the result for AGENTS.md; None when it was not requested.
    """

    path: str
    made: bool
    hooks: tuple[str, ...] | None
    manual: tuple[str, ...] = ()
    agents: AgentsMd | None = None


def init(app: App, *, hooks: bool = True, agents: bool = False) -> Initialized:
    """Create the store and install the hooks, or repair them.

    hooks: install the hooks; False removes them.
    agents: also write our part of AGENTS.md.
    Raises AgentError when git is too old or something else is in the store's place, and as agents_md does.
    """
    versions.require_git()
    part = agents_md(app) if agents else None
    app.creates = True
    made = not Store.stands_in(app.store_dir)
    store = app.store
    with explain_system_errors():
        ignored.exclude(app.repo, context.EXCLUDE)
    guard = hooks and app.config.switch("agent.guard")
    done = install_hooks(app.repo, program.own_path(), guard=guard) if hooks else uninstall_hooks(app.repo)
    with app.store.transaction():
        app.store.meta.put(meta.HOOKS, "off" if not hooks else "on+guard" if guard else "on")
    if guard:
        write_guard_files(app)
    return Initialized(store.path, made, done.changed if hooks else None, done.manual, part)


class Deinitialized(Record):
    """What was removed.

    hooks: one line for each change of the hooks.
    manual: what is left for the user to know or do.
    purged: the store was removed as well.
    """

    hooks: tuple[str, ...]
    manual: tuple[str, ...]
    purged: bool


def deinit(
    app: App,
    *,
    purge: bool = False,
    sure: bool = False,
    dry_run: bool = False,
    asks: Callable[[tuple[str, ...]], None] | None = None,
) -> Deinitialized:
    """Remove the hooks from this repository.

    purge: also remove the store with all tasks, events and messages.
    sure: purge even if there are unfinished tasks.
    dry_run: only check; change nothing.
    asks: called with the unfinished tasks when there are any and sure is False; raises to prevent the removal.
    Branches, worktrees and refs/git-agent/rescue/ stay.
    Raises AgentError (exit 3) when a task is running, or when there are unfinished tasks and asks is None.
    """
    there = Store.stands_in(app.store_dir)
    if purge and there:
        _refuse_running(app)
        if not sure:
            _ask_about_live(app, None if dry_run else asks)
    if dry_run:
        return Deinitialized(installed_hooks(app.repo), (), purge and there)
    if there:
        with app.store.transaction():
            app.store.meta.put(meta.HOOKS, "off")
    done = uninstall_hooks(app.repo)
    if purge and there:
        app.close()
        with explain_system_errors():
            ignored.unexclude(app.repo, context.EXCLUDE)  # under a lock of the store's directory
            _delete(app.store_dir)
    return Deinitialized(done.changed, (*done.manual, *_told(app), *(_kept(app) if purge else ())), purge and there)


_KEPT = "kept"  # copies of ignored files, made before their worktrees were removed


def _delete(directory: str) -> None:
    """Delete the store except the kept copies of people's files, which exist nowhere else."""
    # In reverse order, the database's companion files go before it: alone, a log would look like somebody else's.
    for entry in sorted(os.scandir(directory), key=lambda each: each.name, reverse=True):
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)
        elif entry.name != _KEPT:
            delete_tree(entry.path)
    with contextlib.suppress(OSError):
        os.rmdir(directory)


def _kept(app: App) -> tuple[str, ...]:
    there = os.path.join(app.store_dir, _KEPT)
    return (f"{there} stays: ignored files of worktrees that were removed",) if os.path.isdir(there) else ()


def _refuse_running(app: App) -> None:
    """Refuse (exit 3) while a supervisor is running: without the store it can't hand in its agent's work."""
    for session in app.store.sessions.unended():
        attempt = app.store.attempts.find(session.task, session.attempt) if session.attempt else None
        if attempt is not None and attempt.worktree and repair.claimed_elsewhere(app.repo, attempt.worktree):
            continue  # this store is a copy, and so is the session
        if not app.is_gone(session.owner, over=session.over):
            says = f"task {session.task} is run by {processes.named(session.owner)}"
            raise refused("running", f"cannot remove the store: {says}", f"git agent stop {session.task}")


def _told(app: App) -> tuple[str, ...]:
    """Tell the user about our part of AGENTS.md, if it is there. We do not remove it: the file belongs to its owner."""
    path = os.path.join(app.repo.worktree or "", FILE)
    if os.path.isfile(path):  # opening a FIFO would block
        with contextlib.suppress(OSError), open(path, encoding="latin-1") as file:
            if marked_block.BEGIN in file.read():
                return (f"{FILE} still tells agents about git agent: delete what is between its markers",)
    return ()


def _ask_about_live(app: App, asks: Callable[[tuple[str, ...]], None] | None) -> None:
    live = tuple(f"{t.id} {t.name} {t.state}" for t in app.store.tasks.unfinished())
    if live and asks is not None:
        asks(live)
        _refuse_running(app)  # one may have been started while the user was asked
    elif live:
        says = f"the store has unfinished tasks ({len(live)}): everything recorded about them would be deleted"
        raise refused("live-tasks", says, "git agent deinit --purge --yes; branches and worktrees stay", live)
