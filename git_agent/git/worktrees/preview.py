"""A scratch worktree in which checks run, with one commit after another checked out."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType

from git_agent.errors import AgentError
from git_agent.git.hooks.disabled import without_hooks
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo
from git_agent.git.sweeper import mounts_below
from git_agent.git.worktrees.index import read_index
from git_agent.git.worktrees.scratch import scratch


class Preview:
    """`with Preview(repo) as preview:` checks commits out; the worktree is created on first use, removed at the end."""

    def __init__(self, repo: Repo) -> None:
        self._repo, self._stack, self._path = repo, ExitStack(), ""

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def at(self, oid: str) -> str:
        """Check out a commit (full oid), detached; return the path of the worktree.

        No file that a check left remains, not even an ignored one: a commit is judged in a fresh checkout. Only files
        that differ are written. Measured: 20,000 files take 1.7 s the first time, 0.12 s after that.
        Submodules are not populated; if a check populates one, everything is written again. No hook of the user's runs.
        """
        if self._path:
            try:
                self._turn(oid)
            except AgentError:  # whatever a check may leave: an index.lock, directories without permissions
                self._give_up()
        if not self._path:
            self._path = self._made(oid)
        return self._path

    def staged(self, oid: str, tree: str) -> str:
        """Check out a commit (full oid), then a tree on top of it as staged changes; return the path of the worktree.

        The files are those of the tree, as before a commit of the tree is made.
        """
        path = self.at(oid)
        self._repo.git_in(path, *self._hookless, "read-tree", "-m", "-u", "--no-recurse-submodules", "HEAD", tree)
        return path

    @property
    def index(self) -> str:
        """Return the path of the worktree's index."""
        return os.path.join(self._repo.admin_dir(os.path.basename(self._path)), "index")

    @cached_property
    def _hookless(self) -> tuple[str, ...]:
        return without_hooks(self._repo)

    def _give_up(self) -> None:
        self._stack.close()
        self._path = ""

    def _made(self, oid: str) -> str:
        path = self._stack.enter_context(scratch(self._repo))
        with creation_lock(self._repo):
            how = ("--detach", "--no-checkout", "--lock", "--reason", "git-agent: scratch")
            self._repo.git(*self._hookless, "worktree", "add", *how, "--", path, oid)
        self._repo.git_in(path, *self._hookless, "reset", "--hard", "--quiet", "--no-recurse-submodules")
        return path

    def _turn(self, oid: str) -> None:
        # To git, the files of a submodule are neither untracked nor ignored: clean leaves them there.
        # And it would delete what a check mounted and left there.
        here = self._repo.checkout(self._path)
        links = read_index(here).links
        if mounts_below(self._path) or any(_filled(os.path.join(self._path, link)) for link in links):
            self._give_up()
            return
        here.git("clean", "-ffdxq", patient=False)
        # --detach: a check may have switched to a branch, which must not move.
        checkout = ("checkout", "--quiet", "--force", "--detach", "--no-recurse-submodules")
        here.git(*self._hookless, *checkout, oid, "--", patient=False)


def _filled(directory: str) -> bool:
    try:
        return bool(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):  # git repairs that
        return False
    except OSError:
        return True
