"""Prove that git works on this repository in a directory that a worker may have written.

A worker owns its worktree and the administrative directory `<common>/worktrees/<name>`. With a replaced `.git` or
`commondir`, or with a `config.worktree`, it would choose the configuration with which git runs there: filters, hooks
and other programs, for everybody who runs git in its worktree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from git_agent.errors import AgentError, refused
from git_agent.files import read_or_empty
from git_agent.git.discover import git_dir_of, is_admin_dir, linked
from git_agent.git.run import Done, GitError, git, start_git
from git_agent.record import Record

CONTEXT_FILE = ".worker-ctx.json"
"""The file that context.py writes. That module stands above this layer, and takes 10 ms to load."""
_SOME = 16384  # bytes, of a file that holds one path; git reads it all, so a longer one is refused
# What may be set for a single worktree: nothing here names a program, a directory or another file.
_HARMLESS = (
    r"(?:advice|author|branch|color|column|committer|index|log|pull|push|rebase|status|user)\..*"
    r"|commit\.(?:gpgsign|cleanup|status|verbose)"
    r"|core\.(?:abbrev|autocrlf|bare|checkroundtripencoding|checkstat|commentchar|eol|filemode|ignorecase|ignorestat"
    r"|logallrefupdates|longpaths|precomposeunicode|preloadindex|protecthfs|protectntfs|quotepath|safecrlf"
    r"|sparsecheckout|sparsecheckoutcone|splitindex|symlinks|trustctime|untrackedcache|whitespace)"
)


# git commands that run no hook as we run them: most of what is asked in a worktree, so that it costs nothing more.
_WITHOUT_HOOKS = frozenset(
    {"check-attr", "check-ignore", "config", "diff", "diff-files", "fmt-merge-msg", "ls-files", "status"}
)
NO_FETCH: Mapping[str, str] = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}


class Checkout(Record):
    """A worktree in which git may run. The functions below and Repo.checkout make one.

    path: its top level now.
    git_dir: its git directory, None to let git find it. For one that was renamed aside it must be named: otherwise git
        writes the new path into it when it is older than a day (setup.c).
    env: variables for every git that runs in it, None for none.
    hooks: returns the directory whose hooks git runs in the worktree with this path; None leaves it to git.
    """

    path: str
    git_dir: str | None = None
    env: Mapping[str, str] | None = None
    hooks: Callable[[str], str | None] | None = None

    def git(self, *args: str, env: Mapping[str, str] | None = None, **kw: Any) -> Done:
        """Run git in it."""
        added = {**(self.env or {}), **(env or {})}
        command = next(word for word in args if not word.startswith("--"))  # of `-c key=value command`, the -c
        directory = None if self.hooks is None or command in _WITHOUT_HOOKS else self.hooks(self.path)
        if directory is not None:
            args = ("-c", f"core.hooksPath={directory}", *args)
        if self.git_dir is None:
            return git(*args, cwd=self.path, env=added, **kw)
        return git(f"--work-tree={self.path}", *args, git_dir=self.git_dir, cwd=self.path, env=added, **kw)

    def start(self, *args: str, **kw: Any) -> Callable[[], Done]:
        """Start git in it; return a function that waits for it. Only for one that Repo.checkout made."""
        added = {**(self.env or {}), **(kw.pop("env", None) or {})}
        return start_git(*args, cwd=self.path, env=added, **kw)


def own_hooks(path: str | None, main: str, worktree: str) -> str | None:
    """Return the directory whose hooks git shall run in a linked worktree; None if that is not among its files.

    path: core.hooksPath as the main worktree has it, None when unset.
    main: the main worktree.
    With a relative path git runs the hooks of the branch, and none where the branch has no such directory. We run those
    of the main worktree instead, in the same cases.
    """
    if path is None or os.path.isabs(path):
        return None
    return os.path.join(main, path) if os.path.isdir(os.path.join(worktree, path)) else os.devnull


def renamed_checkout(path: str, git_dir: str) -> Checkout:
    """Return a worktree that was renamed aside or is half made, in which no hook runs.

    git_dir: its git directory.
    Raises AgentError worktree-not-ours.
    """
    require_registration(git_dir)
    return Checkout(path, git_dir, hooks=lambda _: os.devnull)


def nested_checkout(path: str) -> Checkout:
    """Return a repository inside a worktree, in which git runs no program that its configuration names.

    Nobody has looked at that configuration: a worker may have made the repository. Without its filters git compares the
    files as they are, so that one with filters looks modified. No protocol is allowed: with objects missing, git would
    fetch them, through whatever program the configuration names (GIT_NO_LAZY_FETCH exists since git 2.45).
    """
    listed = git("config", "--null", "--name-only", "--list", cwd=path, ok=(0, 1)).fields
    filters = {key.rpartition(".")[0] for key in listed if key.startswith("filter.")}
    pairs = [("core.hooksPath", os.devnull)]
    for name in sorted(filters):
        pairs += [(f"{name}.{end}", "") for end in ("clean", "smudge", "process")] + [(f"{name}.required", "false")]
    # Not with -c, which can't name a filter whose name contains `=`.
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    env = {**NO_FETCH, "GIT_CONFIG_COUNT": str(first + len(pairs))}
    for at, (key, value) in enumerate(pairs, first):
        env |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return Checkout(path, env=env)


def require_place(common_dir: str, main: str | None, path: str) -> None:
    """Refuse a directory in which git would not work on this repository as the repository is configured.

    common_dir: the common git directory.
    main: the main worktree, None where there is none or git can't tell.
    path: the top level of a worktree.
    Raises AgentError (exit 3) worktree-not-ours.
    """
    if why := place_fault(common_dir, main, path):
        raise not_ours(path, why)


def require_registration(git_dir: str) -> None:
    """Refuse the git directory of a linked worktree that names another repository, or programs of its own."""
    common = os.path.dirname(os.path.dirname(git_dir))
    if why := registration_fault(common, git_dir):
        raise not_ours(git_dir, why)


def require_found(common_dir: str, git_dir: str, worktree: str | None) -> None:
    """Refuse a repository that git found through files which a worker wrote in place of ours.

    git_dir, worktree: of the current worktree.
    Raises AgentError (exit 3) worktree-not-ours. A worktree that was moved by hand is accepted.
    """
    if git_dir == common_dir:
        if worktree is not None and _is_made_for_worker(worktree) and git_dir_of(worktree) == git_dir:
            raise not_ours(worktree, f"it was made for a worker, but its .git leads to {git_dir}")
        return
    place = worktree or git_dir
    if not is_admin_dir(common_dir, git_dir):
        raise not_ours(place, f"its .git leads to {git_dir}, which is not a worktree of {common_dir}")
    back = linked(git_dir)
    if worktree not in (None, back) and back is not None and git_dir_of(back) == git_dir and not _is_same(back, place):
        raise not_ours(place, f"its .git leads to {git_dir}, which belongs to {back}")


def _is_same(one: str, other: str) -> bool:
    """Tell whether two paths name one file or directory: some file systems ignore case."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _is_made_for_worker(worktree: str) -> bool:
    """Tell whether a worktree has a context file that names it."""
    path = os.path.join(worktree, CONTEXT_FILE)
    if not os.path.isfile(path):
        return False
    import json

    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(_SOME * 64))["worktree"]
        return bool(os.path.realpath(found) == worktree)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def not_ours(path: str, why: str) -> AgentError:
    """Make the error (exit 3) for a place that is not ours."""
    says = f"git is not run in {path}: {why}"
    return refused("worktree-not-ours", says, "in the main worktree, git agent doctor says what to do about it")


def place_fault(common_dir: str, main: str | None, path: str) -> str | None:
    """Return what is wrong with a worktree's connection to this repository, None when nothing is. Arguments as above.

    Reads three small files; starts git only where the worktree has a configuration of its own.
    """
    if path in (main, common_dir) or (real := os.path.realpath(path)) in (main, common_dir):  # the person's own
        return None
    home = git_dir_of(real)
    if home is None:
        return "its .git file is missing or can't be read"
    if home == common_dir and main is None:  # git can't tell where the main worktree is
        return None
    if not is_admin_dir(common_dir, home):
        return f"its .git leads to {home}"
    if (back := linked(home)) != real and not _is_same(back or "", real):
        return f"its .git leads to {home}, which belongs to {back or 'no worktree'}"
    return registration_fault(common_dir, home)


def registration_fault(common_dir: str, git_dir: str) -> str | None:
    """Return what is wrong with the git directory of a linked worktree, None when nothing is."""
    if why := _misled(common_dir, git_dir):
        return why
    keys = own_programs(common_dir, git_dir)
    return f"{git_dir}/config.worktree sets {', '.join(keys[:5])}" if keys else None


def misled_registration(common_dir: str, git_dir: str, path: str, back: str | None) -> str | None:
    """Return where the git directory of a linked worktree leads instead of to its repository and to its worktree.

    path: the worktree's top level.
    back: what its `gitdir` says.
    """
    if why := _misled(common_dir, git_dir):
        return why
    return None if back == path or _is_same(back or "", path) else f"{git_dir}/gitdir leads to {back}"


def _misled(common_dir: str, git_dir: str) -> str | None:
    if os.path.islink(git_dir) or not is_admin_dir(common_dir, git_dir):
        return f"{git_dir} is a symbolic link"
    pointer = os.path.join(git_dir, "commondir")
    text = os.fsdecode(read_or_empty(pointer) if os.path.isfile(pointer) else b"").rstrip("\r\n")
    if not text or "\0" in text or len(text) > _SOME:
        return f"{pointer} names no repository"
    # What git writes needs no resolving, which takes 40 us (measured): every command does this for every live task.
    found = common_dir if text == "../.." else os.path.realpath(os.path.join(git_dir, text))
    return None if found == common_dir else f"{pointer} leads to {found}"


def own_programs(common_dir: str, git_dir: str) -> list[str]:
    """Name the settings of a worktree's own configuration that may name programs, or that can't be read.

    Starts git only for a file with anything but plain harmless settings, as `git sparse-checkout` writes them.
    """
    path = os.path.join(git_dir, "config.worktree")
    if not os.path.lexists(path):
        return []
    if os.path.islink(path) or not os.path.isfile(path):  # reading a FIFO would block
        return ["what can't be read"]
    if _is_plainly_harmless(os.fsdecode(read_or_empty(path))):
        return []
    try:
        asked = ("config", "--file", path, "--no-includes", "--null", "--name-only", "--list")
        listed = git(*asked, git_dir=common_dir, cwd=common_dir).fields
    except GitError:
        return ["what git can't read"]
    return sorted({key for key in listed if key and not re.fullmatch(_HARMLESS, key)})


def _is_plainly_harmless(text: str) -> bool:
    section = ""
    for line in text.splitlines():
        if header := re.fullmatch(r"\s*\[([A-Za-z]+)\]\s*", line):
            section = header[1]
        elif line.strip():
            key = re.fullmatch(r"\s*([A-Za-z]+) = [\w./-]*", line)
            if key is None or not re.fullmatch(_HARMLESS, f"{section}.{key[1]}".lower()):
                return False
    return True
