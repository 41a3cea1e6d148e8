"""Clones that others made: dependencies that a build fetched, of which the remote has all."""

from __future__ import annotations

import contextlib
import os
import re
from urllib.parse import urlsplit

from git_agent.errors import AgentError
from git_agent.git.run import decode, git
from git_agent.git.state import in_progress

_SCHEMES = frozenset({"https", "http", "ssh", "git", "git+ssh", "ssh+git", "ftps", "ftp"})
_HERE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
# What leads to commits that were there: not `pull: Merge made by`.
_LOOKS = re.compile(r"clone: |checkout: moving |reset: moving |(?:pull|fetch)\b.*: (?:[Ff]ast-forward|storing head$)")
_DEPENDENT = ("worktrees", "modules")  # what others stand on, and repositories of their own


def has_nothing_own(path: str) -> bool:
    """Tell whether a repository may go because its remotes have all of it.

    path: its top level. So it is where its files are as committed (tracked files, those that git was told to overlook
    among them, and untracked ones; what it ignores does not count), every commit that a ref, HEAD, a stash or a reflog
    names is in a remote-tracking ref or came as a tag, nothing is under way, no other worktree and no submodule lies in
    its git directory, and every remote is on another host. What can't be told is taken for own. Repositories inside of
    it are the caller's to look for.
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
            and _are_elsewhere(path)
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
    args = ("rev-list", "--max-count=1", "--all", "--reflog", "--stdin", "--not", "--remotes")
    known = "".join(f"^{oid}\n" for oid in _cloned_tags(os.path.join(path, ".git")))
    return not git(*args, cwd=path, stdin=known.encode()).out


def _cloned_tags(git_dir: str) -> list[str]:
    """Return what came as tags: a build checks out a release that is on no remote branch (CMake's FetchContent).

    `git clone` packs what it fetched, and a tag that is made or fetched later is a file until refs are packed.
    """
    if not _only_looked(os.path.join(git_dir, "logs", "HEAD")):
        return []
    with contextlib.suppress(FileNotFoundError), open(os.path.join(git_dir, "packed-refs"), "rb") as file:
        lines = [decode(line).split() for line in file]
        return [line[0] for line in lines if len(line) == 2 and line[1].startswith("refs/tags/")]
    return []


def _only_looked(log: str) -> bool:
    """Say whether HEAD's log reaches back to the clone, and shows that nothing was ever committed."""
    try:
        with open(log, "rb") as file:
            did = [decode(line).partition("\t")[2] for line in file]
    except FileNotFoundError:
        return False
    return did[:1] != [] and did[0].startswith("clone: ") and all(map(_LOOKS.match, did))


def _are_elsewhere(path: str) -> bool:
    """A directory of this machine may be gone tomorrow, with all that it has: it is nobody's other copy."""
    done = git("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$", cwd=path, ok=(0, 1))
    urls = [field.partition("\n")[2] for field in done.fields if field]
    return bool(urls) and all(map(_names_a_host, urls))


def _names_a_host(url: str) -> bool:
    """Tell whether a URL is of another host, as git reads it: git-clone(1), GIT URLS."""
    if "://" in url:
        found = urlsplit(url)
        return found.scheme in _SCHEMES and (found.hostname or "localhost") not in _HERE
    host, colon, path = url.partition(":")  # host:path, but not helper::address
    return bool(colon) and "/" not in host and not path.startswith(":") and host.rpartition("@")[2] not in _HERE
