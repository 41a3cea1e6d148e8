"""Rebase in a scratch worktree that holds only the files that matter."""

from __future__ import annotations

import os

from git_agent.git.hooks.disabled import without_hooks
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo
from git_agent.git.run import GitError
from git_agent.git.signing import signer_error
from git_agent.git.worktrees.scratch import scratch
from git_agent.record import Record

# Writes only attributes and the files that a commit touches. Set on the command line: extensions.worktreeConfig would
# lock other programs out of the repository.
_SPARSE = ("-c", "core.sparseCheckout=true", "-c", "core.sparseCheckoutCone=false")
_QUIET = (
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "rerere.enabled=false",
)
_PLAIN = (
    "--merge",
    "--no-autosquash",
    "--no-autostash",
    "--no-update-refs",
    "--no-fork-point",
    "--no-rebase-merges",
)


class Conflict(Record):
    """A merge or rebase that a person must finish: the conflicting paths, relative to the top level."""

    paths: tuple[str, ...]


def rebase(repo: Repo, base_oid: str, tip_oid: str, start: str | None = None) -> str | Conflict:
    """Rebase what tip has and base lacks onto base (full oids); return the new tip, or what conflicts.

    start: rebase only what comes after this commit, a full oid.
    Commits that base has already are dropped, as git does. Signing follows the configuration; no hooks run.
    """
    off = without_hooks(repo)
    with scratch(repo) as path:
        with creation_lock(repo):
            how = ("--detach", "--no-checkout", "--lock", "--reason", "git-agent: scratch")
            repo.git(*off, "worktree", "add", *how, "--", path, tip_oid)
        _materialise(repo, path, off)
        try:
            args = (
                *_SPARSE,
                *_QUIET,
                *off,
                "rebase",
                *_PLAIN,
                "--empty=drop",
                "--onto",
                base_oid,
                start or base_oid,
            )
            repo.git_in(path, *args, patient=False)
        except GitError as error:
            paths = _unmerged(repo, path)
            if not paths:
                raise signer_error(repo.git, error) or error from error
            return Conflict(paths)
        return repo.git_in(path, "rev-parse", "--verify", "HEAD").text


def _materialise(repo: Repo, path: str, off: tuple[str, ...]) -> None:
    info = os.path.dirname(
        repo.git_in(path, "rev-parse", "--path-format=absolute", "--git-path", "info/sparse-checkout").text
    )
    os.makedirs(info, exist_ok=True)
    with open(os.path.join(info, "sparse-checkout"), "w", encoding="utf-8") as file:
        file.write(".gitattributes\n")
    repo.git_in(path, *off, *_SPARSE, "read-tree", "-m", "-u", "HEAD")


def _unmerged(repo: Repo, path: str) -> tuple[str, ...]:
    fields = repo.git_in(path, *_SPARSE, "ls-files", "--unmerged", "-z").fields
    return tuple(dict.fromkeys(field.partition("\t")[2] for field in fields if field))
