"""Clones that others made: dependencies that a build fetched, of which the remote has all."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from git_agent.errors import AgentError
from git_agent.git.run import git
from git_agent.git.state import in_progress

_DEPENDENT = ("worktrees", "modules")  # what others stand on, and repositories of their own


def has_nothing_own(path: str, within: str) -> bool:
    """Tell whether a repository may go because its remotes have all of it.

    path: its top level; within: the worktree that goes with it. So it is where its files are as committed (tracked
    files, those that git was told to overlook among them, and untracked ones; what it ignores does not count), every
    commit that a ref, HEAD, a stash or a reflog names is in a remote-tracking ref, nothing is under way, no other
    worktree and no submodule lies in its git directory, and every remote is elsewhere. What can't be told is taken for
    own. Repositories inside of it are the caller's to look for.
    """
    git_dir = os.path.join(path, ".git")
    if os.path.islink(git_dir) or not os.path.isdir(git_dir) or in_progress(path) is not None:
        return False
    try:
        return (
            not any(_entries(os.path.join(git_dir, name)) for name in _DEPENDENT)
            and git("rev-parse", "--show-toplevel", cwd=path).text == os.path.realpath(path)  # not of what is around it
            and _overlooks_nothing(path)
            and _remotes_have_all(path)
            and _are_elsewhere(path, within)
        )
    except (AgentError, OSError):
        return False


def _entries(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.lexists(directory) else []


def _overlooks_nothing(path: str) -> bool:
    """For files marked as unchanged or left out git status is silent, whatever is in them."""
    return all(not field or field.startswith("H ") for field in git("ls-files", "-v", "-z", cwd=path).fields)


def _remotes_have_all(path: str) -> bool:
    # --all has HEAD and refs/stash, too, and --reflog the other stashes and what was amended or reset away.
    args = ("rev-list", "--max-count=1", "--all", "--reflog", "--not", "--remotes", "--")
    return not git(*args, cwd=path).out


def _are_elsewhere(path: str, within: str) -> bool:
    done = git("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$", cwd=path, ok=(0, 1))
    urls = [field.partition("\n")[2] for field in done.fields if field]
    places = [os.path.realpath(os.path.join(path, place)) for url in urls if (place := _local(url)) is not None]
    root = os.path.realpath(within)
    inside = [place for place in places if place == root or place.startswith(root + os.sep)]
    return bool(urls) and not inside and all(map(os.path.exists, places))


def _local(url: str) -> str | None:
    """Return the path that a URL names on this machine, None for one elsewhere; git-clone(1), GIT URLS."""
    if "://" in url:
        return unquote(urlsplit(url).path) if url.startswith("file://") else None
    host, colon, _ = url.partition(":")
    return None if colon and "/" not in host else url
