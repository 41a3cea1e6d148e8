"""Read the state of worktrees: changes, ignored files, operations in progress."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Sequence

from git_agent.git.discover import admin_dirs, git_dir_of, linked
from git_agent.git.place import Checkout, nested_checkout
from git_agent.git.run import Done, decode, git
from git_agent.record import Record

_SIGNS = (
    ("rebase-merge", "rebase"),
    (os.path.join("rebase-apply", "applying"), "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)

IGNORED = "!!"
UNTRACKED = "??"
UNREADABLE = "?!"
"""Our own code, of a directory that git can't read: it says so as a warning only, and lists nothing."""

_CLOSED = r"(?m)^warning: could not open directory '(.+?)/?': "


class StatusEntry(Record):
    """One line of `git status --porcelain`. code: its two letters. path: relative to the worktree."""

    code: str
    path: str


def in_progress(worktree: str) -> str | None:
    """Name the operation in progress in a worktree; None when there is none, or no worktree."""
    git_dir = git_dir_of(worktree)
    if git_dir is None:
        return None
    for sign, name in _SIGNS:
        if os.path.exists(os.path.join(git_dir, sign)):
            return name
    if (several := _several(git_dir)) is not None:
        return several
    # The reftable backend keeps these two refs in tables, not in files.
    if os.path.isdir(os.path.join(git_dir, "reftable")):
        for ref, name in (("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")):
            if git("rev-parse", "--verify", "--quiet", ref, git_dir=git_dir, cwd=git_dir, ok=(0, 1)).status == 0:
                return name
    return None


def _several(git_dir: str) -> str | None:
    """Name what picks or reverts several commits: between two of them, or after one was committed by hand, this file is
    the only sign. git status reads the same from it.
    """
    word = _read(git_dir, "sequencer", "todo").partition(" ")[0]
    return {"pick": "cherry-pick", "p": "cherry-pick", "revert": "revert"}.get(word)


def end_of(busy: str, *, go_on: bool) -> str:
    """Return the subcommand and option that end an operation.

    busy: what in_progress returned.
    go_on: finish the operation where git can, instead of aborting it.
    """
    if busy == "bisect":
        return "bisect reset"
    return f"{busy} --continue" if go_on else f"{busy} --abort"


def ending_command(worktree: str, busy: str | None) -> str:
    """Return the command that finishes the operation in progress in a worktree. busy: what in_progress returned."""
    return f"git -C {shlex.quote(worktree)} {end_of(busy or 'rebase', go_on=True)}"


def rebasing(common_dir: str, main: str, branch: str) -> str | None:
    """Return the worktree that rebases or bisects a branch, None when there is none.

    main: what to call the main worktree.
    """
    if _holds(common_dir, branch):
        return main
    for git_dir in admin_dirs(common_dir):
        if _holds(git_dir, branch):
            return linked(git_dir) or git_dir
    return None


def read_status(here: Checkout, ignored: bool) -> list[StatusEntry]:
    """List the changes in a worktree; a renamed file is listed by its new path.

    ignored: list ignored files, too.
    Directories that git can't read are listed as UNREADABLE.
    """
    return _entries(here, here.git(*_status(here, ignored)))


def start_status(here: Checkout, *, refresh: bool) -> Callable[[], list[StatusEntry]]:
    """Start reading a status with ignored files, for read_status; return a function that waits for it.

    here: a checkout that Repo.checkout made.
    refresh: write to the index what git finds out. Until that is done, each status hashes the files that were written
        in the same second as the index. While the index is written, another git in the worktree may fail; while another
        one writes it, this one does not.
    """
    # A new index starts the hook post-index-change.
    options, env = (("-c", "core.hooksPath=/dev/null"), {"GIT_OPTIONAL_LOCKS": "1"}) if refresh else ((), {})
    asked = here.start(*options, *_status(here, True), env=env)
    return lambda: _entries(here, asked())


def _status(here: Checkout, ignored: bool) -> tuple[str, ...]:
    how = ("--ignored=matching",) if ignored else ()
    # git would run a status in each submodule, with the filters that are configured there. And a submodule's
    # core.worktree is relative: git can't examine it in a worktree that was renamed (measured).
    modules = "dirty" if here.git_dir is None else "all"
    return ("status", "--porcelain=v1", "-z", "--untracked-files=all", f"--ignore-submodules={modules}", *how)


def _entries(here: Checkout, done: Done) -> list[StatusEntry]:
    fields, found = iter(done.fields), unreadable(done)
    for field in fields:
        if not field:
            continue
        found.append(StatusEntry(field[:2], field[3:]))
        if "R" in field[:2] or "C" in field[:2]:
            next(fields, None)
    same = _as_committed(here, {each.path for each in found if each.code == " M"})
    found = [each for each in found if each.code != " M" or each.path not in same]
    return found if here.git_dir else found + _changed_inside(here, {each.path for each in found} | same)


def _as_committed(here: Checkout, paths: set[str]) -> set[str]:
    """Return those paths whose bytes are exactly those that are committed: nobody has changed them.

    git lists them as modified because committing them again would convert them. That is so from the start for a file
    with CRLF that was committed before it got `eol=lf`.
    """
    if not paths:
        return set()
    fields = here.git("diff-files", "--raw", "-z", "--no-abbrev", "--ignore-submodules=all").fields
    entries = {path: meta.split() for meta, path in zip(fields[::2], fields[1::2], strict=False)}
    return {path for path in paths & entries.keys() if _holds_blob(os.path.join(here.path, path), *entries[path][:3])}


def _holds_blob(path: str, before: str, after: str, oid: str) -> bool:
    if before.removeprefix(":") != after or not after.startswith("100"):
        return False  # the mode changed, or it is not a regular file
    import hashlib

    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            digest = hashlib.new("sha1" if len(oid) == 40 else "sha256", usedforsecurity=False)
            digest.update(f"blob {os.fstat(file.fileno()).st_size}\0".encode())
            while data := file.read(1 << 20):
                digest.update(data)
    except OSError:
        return False
    return digest.hexdigest() == oid


def _changed_inside(here: Checkout, listed: set[str]) -> list[StatusEntry]:
    """List submodules with changes inside that are not listed yet: as `git status` does, but without their filters."""
    links = [path for path in populated_links(here) if path not in listed]
    return [
        StatusEntry(" M", path)
        for path in links
        if read_status(nested_checkout(os.path.join(here.path, path)), ignored=False)
    ]


def populated_links(here: Checkout, index: str | None = None) -> list[str]:
    """List the repositories that are in the index of a worktree, and there: submodules, and others that were added.

    index: the path of another index.
    Starts git only if the index may have some: such an entry has the mode 0160000, in four bytes (gitformat-index(5)).
    A split index has its entries in another file.
    """
    path = index or os.path.join(here.git_dir or git_dir_of(here.path) or "", "index")
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError:
        return []
    if b"\0\0\xe0\0" not in raw and b"link" not in raw:
        return []
    env = {"GIT_INDEX_FILE": index} if index else None
    entries = [field.partition("\t") for field in here.git("ls-files", "--stage", "-z", env=env).fields]
    names = dict.fromkeys(name for mode, _, name in entries if mode.startswith("160000 "))
    return [name for name in names if os.path.lexists(os.path.join(here.path, name, ".git"))]


def unreadable(status: Done) -> list[StatusEntry]:
    """List the directories that git could not read. status: what `git status` said."""
    return [StatusEntry(UNREADABLE, f"{path}/") for path in dict.fromkeys(re.findall(_CLOSED, status.err))]


def ignored_directories(changes: Sequence[StatusEntry]) -> list[str]:
    """List the directories whose whole content git ignores: builds, dependencies, caches.

    changes: a status that includes ignored files.
    """
    return [c.path for c in changes if c.code == IGNORED and c.path.endswith("/")]


def ignored_paths(here: Checkout, paths: Sequence[str]) -> set[str]:
    """Return the paths that git ignores in a worktree; tracked files never are."""
    if not paths:
        return set()
    asked = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    done = here.git("check-ignore", "-z", "--stdin", stdin=asked, ok=(0, 1))
    return {each for each in done.fields if each}


def _holds(git_dir: str, branch: str) -> bool:
    ref = "refs/heads/" + branch
    heads = (_read(git_dir, where, "head-name") for where in ("rebase-merge", "rebase-apply"))
    # `git rebase --update-refs` moves other branches, too; the file has three lines for each: ref, before, after.
    also = _read(git_dir, "rebase-merge", "update-refs").split("\n")
    start = _read(git_dir, "BISECT_START")
    return ref in heads or ref in also[::3] or start in (branch, ref)


def _read(*parts: str) -> str:
    try:
        with open(os.path.join(*parts), "rb") as file:
            return decode(file.read()).strip("\n")
    except OSError:
        return ""
