"""Set a repository up, and remove everything again."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from git_agent import context
from git_agent.actions.setup.agents_md import FILE, AgentsMd, agents_md
from git_agent.actions.setup.hooks import FACT, write_guard_files
from git_agent.app import App
from git_agent.errors import refused
from git_agent.git import versions
from git_agent.git.errors import explain_system_errors
from git_agent.git.hooks.install import install_hooks, uninstall_hooks
from git_agent.git.worktrees import ignored, repair
from git_agent.integrations import marked_block
from git_agent.proc import processes, program
from git_agent.store.store import Store


@dataclass(frozen=True, slots=True)
class Initialized:
    """A repository that is ready. path: of the store; made: it was not there before; hooks: what was done to them, None
    when none are wanted; manual: what is left to the user; agents: what became of AGENTS.md, None when not asked for.
    """

    path: str
    made: bool
    hooks: tuple[str, ...] | None
    manual: tuple[str, ...] = ()
    agents: AgentsMd | None = None


def init(app: App, *, hooks: bool = True, agents: bool = False) -> Initialized:
    """Make the store and install the hooks where they are missing, and mend what is not as it should be.

    hooks: False takes out those that are there; agents: also write our part of AGENTS.md. Raises AgentError for a git
    that is too old, for anything else in the store's place, and as agents_md does.
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
        app.store.meta.put(FACT, "off" if not hooks else "on+guard" if guard else "on")
    if guard:
        write_guard_files(app)
    return Initialized(store.path, made, done.changed if hooks else None, done.manual, part)


@dataclass(frozen=True, slots=True)
class Deinitialized:
    """What was taken out: hooks, one line for each change; manual: what is left to the user; purged: the store, too."""

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
    """Take the hooks out of this repository.

    purge: remove the store with all tasks, events and messages; sure: although tasks are live; dry_run: only look;
    asks: called with the live tasks, where there are any and nobody is sure; what it raises prevents the removal.
    Branches, worktrees and refs/git-agent/rescue/ are left alone. Raises AgentError (exit 3) for live tasks when there
    is nobody to ask.
    """
    there = Store.stands_in(app.store_dir)
    if purge and there:
        _refuse_running(app)
        if not sure:
            _ask_about_live(app, None if dry_run else asks)
    if dry_run:
        return Deinitialized((), (), purge and there)
    if there:
        with app.store.transaction():
            app.store.meta.put(FACT, "off")
    done = uninstall_hooks(app.repo)
    if purge and there:
        app.close()
        with explain_system_errors():
            ignored.unexclude(app.repo, context.EXCLUDE)  # under a lock of the store's directory
            _delete(app.store_dir)
    return Deinitialized(done.changed, (*done.manual, *_told(app), *(_kept(app) if purge else ())), purge and there)


_KEPT = "kept"  # copies of ignored files, made before their worktrees went


def _delete(directory: str) -> None:
    """Delete the store, but not what it keeps of people's work: that is nowhere else."""
    # What belongs to the database before the database: a log alone would be taken for somebody else's.
    for entry in sorted(os.scandir(directory), key=lambda each: each.name, reverse=True):
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)
        elif entry.name != _KEPT:
            shutil.rmtree(entry.path)
    with contextlib.suppress(OSError):
        os.rmdir(directory)


def _kept(app: App) -> tuple[str, ...]:
    there = os.path.join(app.store_dir, _KEPT)
    return (f"{there} stays: ignored files of worktrees that were removed",) if os.path.isdir(there) else ()


def _refuse_running(app: App) -> None:
    """A supervisor whose store is gone can't hand in what its agent does."""
    for session in app.store.sessions.unended():
        attempt = app.store.attempts.find(session.task, session.attempt) if session.attempt else None
        if attempt is not None and attempt.worktree and repair.claimed_elsewhere(app.repo, attempt.worktree):
            continue  # this store is a copy, and so is the session
        if not processes.is_gone(session.owner):
            says = f"task {session.task} is run by process {session.owner.pid}"
            raise refused("running", f"cannot remove the store: {says}", f"git agent stop {session.task}")


def _told(app: App) -> tuple[str, ...]:
    """What stands in AGENTS.md is committed, and its owner's."""
    path = os.path.join(app.repo.worktree or "", FILE)
    if os.path.isfile(path):  # a FIFO would be waited for
        with contextlib.suppress(OSError), open(path, encoding="latin-1") as file:
            if marked_block.BEGIN in file.read():
                return (f"{FILE} still tells agents about git agent: delete what is between its markers",)
    return ()


def _ask_about_live(app: App, asks: Callable[[tuple[str, ...]], None] | None) -> None:
    live = tuple(f"{t.id} {t.name} {t.state}" for t in app.store.tasks.unfinished())
    if live and asks is not None:
        asks(live)
        _refuse_running(app)  # one may have been started while the question stood there
    elif live:
        says = f"the store has unfinished tasks ({len(live)}): with it everything known of them goes"
        raise refused("live-tasks", says, "git agent deinit --purge --yes; branches and worktrees stay", live)
