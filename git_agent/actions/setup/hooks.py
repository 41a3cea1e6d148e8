"""Install, repair and describe the hooks, and write the files that agent.guard reads."""

from __future__ import annotations

import os
import shlex
import zlib
from typing import TYPE_CHECKING

from git_agent.app import App
from git_agent.domain.task import LIVE
from git_agent.files import ensure_file
from git_agent.git.discover import is_whole
from git_agent.git.hooks.stamp import hooks_are_intact, read_stamp
from git_agent.record import Record
from git_agent.store import meta

if TYPE_CHECKING:
    from git_agent.git.hooks.install import Effective

_TRIES = 10


def write_guard_files(app: App) -> None:
    """Write the files that hooks/refuse and hooks/claimed read, if agent.guard is on and they are out of date.

    The bases of unfinished tasks are protected. A worker's own branch never is. Every reconciliation, and every command
    that changes a task, ends with this. It reads the store again after writing, so that among concurrent processes the
    last one to write has seen the newest state.
    """
    if not (app.store.meta.get(meta.HOOKS) or "").endswith("guard"):
        return
    for _ in range(_TRIES):
        app.store.events.take_news()
        texts = {"protected": _protected(app), "claims": _claims(app)}
        if not any(_put(app, name, text) for name, text in texts.items()):
            return


def _put(app: App, name: str, text: str) -> bool:
    return ensure_file(os.path.join(app.store_dir, name), text.encode("utf-8", "surrogateescape"), 0o600)


def _protected(app: App) -> str:
    seen = app.store.last_seen.listing()
    refs = {f"refs/heads/{s.base}" for s in seen} - {f"refs/heads/{s.branch}" for s in seen}
    return "".join(f"{ref}\n" for ref in sorted(refs))


def _claims(app: App) -> str:
    """Return the text of the claims file. It is empty without claims: the hook then starts no program."""
    claims = app.store.path_claims.of_states(LIVE)
    if not claims or (mode := app.config.path_claims) == "off":
        return ""
    lines = [line for c in claims for line in (f"task {c.task}", *(f"path {path}" for path in c.paths))]
    return "".join(f"{line}\n" for line in (mode, *lines))


def ensure_hooks(app: App) -> list[str]:
    """Install or repair the hooks, unless the user turned them off; return the lines to show.

    Every command calls this. If another hook manager is installed after us, git is upgraded or the repository is moved,
    changes are noticed late until the next command, but nothing else is lost.
    """
    wanted = app.store.meta.get(meta.HOOKS)
    app.guards = (wanted or "").endswith("guard")
    if wanted == "off" or app.env.get("GIT_AGENT_HOOKS") == "0" or not os.access(app.store_dir, os.W_OK):
        return []
    from git_agent.proc import program

    guard, lines = (wanted or "").endswith("guard"), list[str]()
    # Keep the recorded program while it exists: otherwise two installations would repair each other's hooks forever.
    path = program.usable_path(app.store_dir) or program.own_path()
    if wanted is None or not hooks_are_intact(app.repo, path, guard=guard):
        guard = app.config.switch("agent.guard")
        if not is_whole(app.repo.common_dir):
            return []  # somebody is deleting the repository
        from git_agent.git.hooks.install import install_hooks

        done = install_hooks(app.repo, path, guard=guard)
        with app.store.transaction():
            app.store.meta.put(meta.HOOKS, "on+guard" if guard else "on")
        lines = [*([_said(wanted)] if done.changed or wanted is None else []), *done.manual]
    app.guards = guard
    if guard:
        write_guard_files(app)
    return [*lines, *_without_lfs(app)]


def _without_lfs(app: App) -> list[str]:
    """Say once for each state of the hooks that pushes upload no LFS files. Costs a system call without Git LFS."""
    if not os.path.isdir(os.path.join(app.repo.common_dir, "lfs")):
        return []
    from git_agent.git.hooks import lfs

    state = str(zlib.crc32(read_stamp(app.repo)))
    if not lfs.stores_files(app.repo) or app.store.meta.get(meta.HOOKS_WITH_LFS) == state:
        return []
    missing = lfs.explain_missing(app.repo)
    with app.store.transaction():
        app.store.meta.put(meta.HOOKS_WITH_LFS, state)
    return [f"pushes upload no LFS files, because {missing[0]} does not run git-lfs: {missing[1]}"] if missing else []


def _said(wanted: str | None) -> str:
    if wanted is None:
        return "hooks are installed: git agent hooks shows them, git agent deinit removes them"
    return "the hooks were repaired: git agent hooks shows them"


class Hooks(Record):
    """The hooks that git runs.

    wanted: the user has not turned the hooks off.
    place: this worktree, or the git directory outside of any.
    here: the hooks in effect in this worktree.
    workers: the hooks in effect in a worker's worktree; None when there is none.
    silent: what explain_silent() says about the worker's worktree; None for nothing.
    """

    wanted: bool
    place: str
    here: tuple[Effective, ...]
    workers: tuple[Effective, ...] | None
    silent: str | None = None


def hooks(app: App) -> Hooks:
    """Return the hooks that git would run, in this worktree and in a worker's."""
    from git_agent.git.hooks.install import effective_hooks

    place = app.repo.worktree or app.repo.common_dir
    wanted = app.has_store and app.store.meta.get(meta.HOOKS) != "off"
    standing = [each.worktree for each in app.store.attempts.standing() if each.working] if app.has_store else []
    other = next((path for path in standing if path != place), None)
    workers = tuple(effective_hooks(app.repo, other)) if other and app.repo.admin is None else None
    silent = explain_silent(app, place if app.repo.admin else other) if app.repo.admin or other else None
    return Hooks(wanted, place, tuple(effective_hooks(app.repo, place)), workers, silent)


def explain_silent(app: App, worktree: str | None) -> str | None:
    """Return which of the user's hooks do not run in a worker's worktree, and the command that helps; None for none."""
    from git_agent.git.hooks.silent import silent_directory

    path = None if worktree is None else silent_directory(app.repo, worktree)
    if path is None:
        return None
    says = f"your hooks in {path} do not run in {worktree}, which has no such directory"
    return f"{says}; for new worktrees: git config --add agent.link {shlex.quote(path)}"
