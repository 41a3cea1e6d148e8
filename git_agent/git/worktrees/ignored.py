"""Ignored files: edit info/exclude, and check whether files that must stay private could be committed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from git_agent.errors import AgentError
from git_agent.files import read_or_empty, replace_file
from git_agent.git.locks import creation_lock
from git_agent.git.place import Checkout
from git_agent.git.repo import Repo
from git_agent.git.worktree_state import ignored_paths

# A fixed name, written under our lock: the next writer overwrites what a killed one left, or delete_leftovers does.
TEMPORARY = "exclude.git-agent"


def pattern(path: str) -> str:
    """Return the pattern that matches exactly this path, relative to the top of a worktree (gitignore(5))."""
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path)


def exclude(repo: Repo, pattern: str) -> None:
    """Add a pattern to <common>/info/exclude unless it is there; the rest stays, byte for byte."""
    line = os.fsencode(pattern)
    if b"\n" in line:
        raise AgentError("bad-pattern", f"a pattern is one line: {pattern!a}", "git config agent.link <path>")
    with creation_lock(repo):
        path = _exclude_file(repo)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        held = read_or_empty(path)
        if line not in held.split(b"\n"):
            _rewrite(path, held + (b"" if held.endswith(b"\n") or not held else b"\n") + line + b"\n")


def unexclude(repo: Repo, pattern: str) -> None:
    """Remove a pattern of ours from <common>/info/exclude; the rest stays, byte for byte."""
    with creation_lock(repo):
        path = _exclude_file(repo)
        held = read_or_empty(path)
        left = b"".join(each for each in held.splitlines(True) if each.rstrip(b"\n") != os.fsencode(pattern))
        if left != held:
            _rewrite(path, left)


def _exclude_file(repo: Repo) -> str:
    return os.path.realpath(os.path.join(repo.common_dir, "info", "exclude"))


def _rewrite(path: str, content: bytes) -> None:
    replace_file(path, content, temporary=os.path.join(os.path.dirname(path), TEMPORARY), sync=True)


def ask_tracked(here: Checkout, paths: Sequence[str]) -> Callable[[], set[str]]:
    """Start asking which of these paths (relative) are in a worktree's index; return a function that waits."""
    done = here.start("--literal-pathspecs", "ls-files", "-z", "--", *paths)
    return lambda: {each for each in done().fields if each}


def holds(repo: Repo, rev: str, path: str) -> tuple[str | None, bool]:
    """Return the oid of a ref or oid (None when it does not exist), and whether that commit or tree contains a path."""
    asked = os.fsencode(f"{rev}\n{rev}:{path}\n")
    found, there = repo.git("cat-file", "--batch-check=%(objectname)", stdin=asked).text.split("\n")
    return None if found.endswith(" missing") else found, not there.endswith(" missing")


def is_excluded(repo: Repo, pattern: str) -> bool:
    """Tell whether <common>/info/exclude has a pattern as a line of its own."""
    try:
        with open(os.path.join(repo.common_dir, "info", "exclude"), "rb") as file:
            return os.fsencode(pattern) in file.read().split(b"\n")
    except OSError:
        return False


def matching(here: Checkout, patterns: Sequence[str], files: Sequence[str]) -> list[str]:
    """List the files of a worktree that match, and are untracked and ignored, as sorted relative paths.

    patterns: as in .gitignore.
    files: paths of files with such patterns; missing ones are skipped.
    Nested repositories are left out.
    """
    given = [f"--exclude={pattern}" for pattern in patterns]
    given += [f"--exclude-from={os.path.abspath(file)}" for file in files if os.path.isfile(file)]
    if not given:
        return []
    found = here.git("ls-files", "--others", "--ignored", "-z", *given).fields
    paths = [path for path in found if path and not path.endswith("/")]
    held = ignored_paths(here, paths)
    return sorted(path for path in paths if path in held)
