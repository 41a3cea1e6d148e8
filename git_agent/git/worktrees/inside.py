"""What a worktree holds besides its files: nested repositories, clones, submodules, and objects lent to others."""

from __future__ import annotations

import contextlib
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from git_agent.errors import AgentError
from git_agent.git.place import NO_FETCH, Checkout, nested_checkout
from git_agent.git.refs import directories_above
from git_agent.git.repo import Repo
from git_agent.git.run import decode, git
from git_agent.git.worktree_state import IGNORED, UNTRACKED, StatusEntry, ignored_directories, in_progress, read_status
from git_agent.git.worktrees.index import read_index

_SCHEMES = frozenset({"https", "http", "ssh", "git", "git+ssh", "ssh+git", "ftps", "ftp"})
_HERE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
# What moves HEAD to existing commits: not `pull: Merge made by`.
_LOOKS = r"clone: |checkout: moving |reset: moving |(?:pull|fetch)\b.*: (?:[Ff]ast-forward|storing head$)"
_DEPENDENT = ("worktrees", "modules")  # other worktrees depend on it, and repositories of their own


def is_clean_clone(path: str) -> bool:
    """Tell whether a repository may be deleted because its remotes have all of it.

    path: its top level.
    All of these must hold: its files are as committed (tracked ones, including those with assume-unchanged or
    skip-worktree, and no untracked ones; ignored ones do not count); every commit that a ref, HEAD, a stash or a reflog
    names is in a remote-tracking ref or came as a tag; no operation is in progress; its git directory has no other
    worktree and no submodule; every remote is on another host. When in doubt the answer is no. Repositories inside it
    are up to the caller.
    """
    git_dir = os.path.join(path, ".git")
    if os.path.islink(git_dir) or not os.path.isdir(git_dir) or in_progress(path) is not None:
        return False
    try:
        here = nested_checkout(path)
        return (
            not any(_entries(os.path.join(git_dir, name)) for name in _DEPENDENT)
            and here.git("rev-parse", "--show-toplevel").text == os.path.realpath(path)  # not an enclosing one
            and _overlooks_nothing(here)
            and _remotes_have_all(here)
            and _are_elsewhere(here)
        )
    except (AgentError, OSError):
        return False


def alternates(repo: Repo) -> str:
    """Return the path of the file that names other directories of objects (gitrepository-layout(5))."""
    return os.path.join(repo.common_dir, "objects", "info", "alternates")


def lent_objects(repo: Repo, worktree: str) -> list[str]:
    """List the directories in a worktree from which the repository borrows objects.

    worktree: its top level.
    Starts git only in a repository that borrows any.
    """
    if not os.path.isfile(alternates(repo)):
        return []
    lines = repo.git("count-objects", "--verbose").text.splitlines()
    paths = [line.removeprefix("alternate: ") for line in lines if line.startswith("alternate: ")]
    root = os.path.realpath(worktree)
    return [path for path in map(_unquoted, paths) if os.path.realpath(path).startswith(f"{root}/")]


def _unquoted(path: str) -> str:
    """Return a path that git may have quoted as in C, since it has a quote, a backslash or a control character."""
    if not path.startswith('"'):
        return path
    raw = path[1:-1].encode("utf-8", "surrogateescape")
    return decode(raw.decode("unicode_escape").encode("latin-1"))


def _entries(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.lexists(directory) else []


def _overlooks_nothing(here: Checkout) -> bool:
    """Tell whether no file is marked as unchanged or left out: git status ignores what is in those."""
    return all(not field or field.startswith("H ") for field in here.git("ls-files", "-v", "-z").fields)


def _remotes_have_all(here: Checkout) -> bool:
    # --all includes HEAD and refs/stash, --reflog the other stashes and what was amended or reset away.
    args = ("rev-list", "--max-count=1", "--all", "--reflog", "--stdin", "--not", "--remotes")
    known = "".join(f"^{oid}\n" for oid in _cloned_tags(os.path.join(here.path, ".git")))
    return not here.git(*args, stdin=known.encode()).out


def _cloned_tags(git_dir: str) -> list[str]:
    """Return what came as tags: a build checks out a release that is on no remote branch (CMake's FetchContent).

    `git clone` packs what it fetched; a tag that is created or fetched later is a file until refs are packed.
    """
    if not _only_looked(os.path.join(git_dir, "logs", "HEAD")):
        return []
    with contextlib.suppress(FileNotFoundError), open(os.path.join(git_dir, "packed-refs"), "rb") as file:
        lines = [decode(line).split() for line in file]
        return [line[0] for line in lines if len(line) == 2 and line[1].startswith("refs/tags/")]
    return []


def _only_looked(log: str) -> bool:
    """Tell whether HEAD's log reaches back to the clone and shows that nothing was ever committed."""
    try:
        with open(log, "rb") as file:
            did = [decode(line).partition("\t")[2] for line in file]
    except FileNotFoundError:
        return False
    return did[:1] != [] and did[0].startswith("clone: ") and all(re.match(_LOOKS, each) for each in did)


def _are_elsewhere(here: Checkout) -> bool:
    """Tell whether every remote is on another host: a directory of this machine may be gone tomorrow."""
    done = here.git("config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$", ok=(0, 1))
    urls = [field.partition("\n")[2] for field in done.fields if field]
    return bool(urls) and all(map(_names_a_host, urls))


def _names_a_host(url: str) -> bool:
    """Tell whether a URL names another host, as git reads it: git-clone(1), GIT URLS."""
    if "://" in url:
        found = urlsplit(url)
        return found.scheme in _SCHEMES and (found.hostname or "localhost") not in _HERE
    host, colon, path = url.partition(":")  # host:path, but not helper::address
    return bool(colon) and "/" not in host and not path.startswith(":") and host.rpartition("@")[2] not in _HERE


# Entries; reading 50,000 takes 40 ms, and deleting them ten times as long (measured). The walk is breadth first: what a
# person cloned lies near the top.
_LIMIT = 500_000


def nested_repositories(worktree: str, changes: Sequence[StatusEntry], links: Sequence[str]) -> list[str]:
    """List repositories inside a worktree that are no submodules, bare ones included, as `sub/`, sorted.

    worktree: its top level; symbolic links are not followed.
    changes: its status, including ignored files.
    links: the paths that the index has as repositories.
    Of ignored directories, the first 500,000 entries are examined. A repository that was added as it is (its `.git` is
    a directory, so it lies in the worktree) counts. A clone in an ignored directory without anything of its own, nor in
    clones inside it, does not: builds fetch dependencies that way.
    """
    found = {name for name in links if os.path.isdir(os.path.join(worktree, name, ".git"))}
    paths = [c.path for c in changes if c.code != IGNORED]
    parents = {parent for path in paths for parent in directories_above(path)}.difference(links)
    found |= {name for name in parents if os.path.lexists(os.path.join(worktree, name, ".git"))}
    fresh = {parent for c in changes if c.code == UNTRACKED for parent in directories_above(c.path)}
    found |= {name for name in fresh if _is_git_directory(os.path.join(worktree, name))}
    ignored = [name.rstrip("/") for name in ignored_directories(changes)]
    found |= {name for name in _below(worktree, ignored) if not _is_fetched(os.path.join(worktree, name))}
    return sorted(f"{name}/" for name in found)


def _is_fetched(path: str) -> bool:
    if not is_clean_clone(path):
        return False
    try:
        here = nested_checkout(path)
        changes = read_status(here, ignored=True)
        return all(c.code == IGNORED for c in changes) and not nested_repositories(
            path, changes, read_index(here).links
        )
    except AgentError:
        return False


def _is_git_directory(path: str) -> bool:
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        return _has_git_directory({e.name: e.is_dir() for e in entries})
    return False


def _has_git_directory(inside: Mapping[str, bool]) -> bool:
    """Tell whether this is a git directory by git's own test, whatever its name; gitrepository-layout(5).

    inside: the entries, and which of them are directories.
    """
    return "HEAD" in inside and all(inside.get(name, False) for name in ("objects", "refs"))


def _below(worktree: str, directories: Sequence[str]) -> Iterator[str]:
    waiting, seen = deque(directories), 0
    while waiting and seen < _LIMIT:
        name = waiting.popleft()
        try:
            with os.scandir(os.path.join(worktree, name)) as entries:
                inside = [(e.name, e.is_dir(follow_symlinks=False)) for e in entries]
        except OSError:
            continue
        seen += len(inside)
        if any(entry == ".git" for entry, _ in inside) or _has_git_directory(dict(inside)):
            yield name
        else:
            waiting.extend(f"{name}/{entry}" for entry, is_directory in inside if is_directory)


def unpushed_submodules(repo: Repo, admin: str) -> list[str]:
    """Name the initialised submodules of a worktree that have commits on no remote.

    admin: the worktree's name under worktrees/.
    """
    root = os.path.join(repo.admin_dir(admin), "modules")
    found = []
    for path, directories, _ in os.walk(root):
        if {"objects", "refs"} <= set(directories):
            directories[:] = [name for name in directories if name == "modules"]
            if _has_own(path):
                found.append(os.path.relpath(path, root))
    return found


def changed_submodules(worktree: str, changes: Sequence[StatusEntry], links: Sequence[str]) -> list[str]:
    """Name the submodules of a worktree that have uncommitted or untracked files.

    changes: the worktree's status.
    links: the paths that its index has as repositories.
    """
    names = {c.path.rstrip("/") for c in changes if os.path.isfile(os.path.join(worktree, c.path, ".git"))}
    modules = ((name, nested_checkout(os.path.join(worktree, name))) for name in links if name in names)
    return [name for name, here in modules if read_status(here, ignored=False)]


def _has_own(git_dir: str) -> bool:
    # A pattern, since --glob=refs/stash would match only what is below it.
    args = ("rev-list", "--max-count=1", "HEAD", "--branches", "--glob=refs/stas[h]", "--not", "--remotes", "--")
    # The submodule's core.worktree is a relative path that may no longer exist; nothing in it is read.
    done = git("--work-tree=.", *args, git_dir=git_dir, cwd=git_dir, env=NO_FETCH, ok=(0, 128))
    return done.status != 0 or bool(done.out)
