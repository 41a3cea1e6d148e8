"""A scratch worktree for checks to run in, which is laid out with one commit after the other."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

from git_agent.errors import AgentError
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo
from git_agent.git.run import git
from git_agent.git.scratch import scratch

# A check may have switched to a branch: what follows must not move it, and no hook of the user's has a part in this.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")


class Preview:
    """`with Preview(repo) as preview:` ask for commits; the worktree is made at the first, and removed at the end."""

    def __init__(self, repo: Repo) -> None:
        self._repo, self._stack, self._path = repo, ExitStack(), ""

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def at(self, oid: str) -> str:
        """Lay out a commit (full oid), detached; return the path.

        Nothing that a check left there stays, ignored files neither: what a commit is worth is seen from a fresh
        checkout. Only files that differ are written: measured, 20,000 files take 1.7 s the first time and 0.12 s then.
        """
        if self._path:
            try:
                self._turn(oid)
            except AgentError:  # an index.lock, directories without permissions: whatever a check may leave
                self._stack.close()
                self._path = ""
        if not self._path:
            self._path = self._made(oid)
        return self._path

    def _made(self, oid: str) -> str:
        path = self._stack.enter_context(scratch(self._repo))
        with creation_lock(self._repo):
            how = ("--detach", "--no-checkout", "--lock", "--reason", "git-agent: scratch")
            self._repo.git("worktree", "add", *how, "--", path, oid)
        git("reset", "--hard", "--quiet", "--no-recurse-submodules", cwd=path)
        return path

    def _turn(self, oid: str) -> None:
        git("clean", "-ffdxq", cwd=self._path, patient=False)
        checkout = ("checkout", "--quiet", "--force", "--detach", "--no-recurse-submodules")
        git(*_QUIET, *checkout, oid, "--", cwd=self._path, patient=False)
