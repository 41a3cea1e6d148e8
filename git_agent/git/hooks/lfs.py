"""Git LFS: whether a repository uses it, and whether pre-push runs it, without which a push uploads no files."""

from __future__ import annotations

import os

from git_agent.files import read_or_empty
from git_agent.git.hooks import scripts
from git_agent.git.hooks.install import effective_hooks
from git_agent.git.repo import Repo

_EVENT = "pre-push"
_OTHERS = ("post-checkout", "post-commit", "post-merge", _EVENT)  # what `git lfs install` writes
_ELSEWHERE = (b"lfs", b"lefthook", b"husky", b"pre-commit", b"hook-impl")  # may run git-lfs out of our sight


def stores_files(repo: Repo) -> bool:
    """Return whether files of this repository are stored with Git LFS. Lists one directory."""
    try:
        return any(len(name) == 2 for name in os.listdir(os.path.join(repo.common_dir, "lfs", "objects")))
    except OSError:
        return False


def tracks_files(repo: Repo) -> bool:
    """Return whether the main worktree has files with the attribute filter=lfs. Reads the whole index."""
    if repo.main_worktree is None:
        return False
    return bool(repo.git_in(repo.main_worktree, "ls-files", "-z", "--", ":(top,attr:filter=lfs)", ok=(0, 128)).out)


def explain_missing(repo: Repo) -> tuple[str, str] | None:
    """Return the hook that does not run git-lfs at a push, and the command that changes that; None if it runs it.

    An older git has room for one file for each hook, and git-lfs does not put its part beside ours, nor says so.
    """
    place = repo.main_worktree or repo.common_dir
    hook = next(each for each in effective_hooks(repo, place) if each.event == _EVENT)
    path = hook.beside or hook.path
    texts = [read_or_empty(each) for each in (hook.path, hook.beside) if each is not None]
    if any(word in text for word in _ELSEWHERE for text in texts) or _configured(repo):
        return None
    return path or _EVENT, _command(repo)


def _configured(repo: Repo) -> bool:
    """Return whether git's configuration runs git-lfs (git 2.54 and newer)."""
    return b"lfs" in repo.git("config", "--get-regexp", r"^hook\..*\.command$", ok=(0, 1)).out


def _command(repo: Repo) -> str:
    """Return what puts git-lfs into the hooks. --force replaces what is there, so it suits only files of ours."""
    where = repo.git("rev-parse", "--path-format=absolute", "--git-path", "hooks").text
    held = [read_or_empty(os.path.join(where, event)) for event in _OTHERS]
    if all(not text or (scripts.hook_kind(text) == "own" and not scripts.remove_block(text)) for text in held):
        return "git lfs update --force, then git agent init"
    return "git lfs update --manual, which says what to add to your hooks"
