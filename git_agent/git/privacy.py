"""Whether files that must not be committed could be: tracked, staged, or not ignored."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from git_agent.git.repo import Repo
from git_agent.git.run import start


def ask_tracked(worktree: str, paths: Sequence[str]) -> Callable[[], set[str]]:
    """Start asking which of these paths (relative) are in a worktree's index; the returned function waits."""
    done = start("--literal-pathspecs", "ls-files", "-z", "--", *paths, cwd=worktree)
    return lambda: {each for each in done().fields if each}


def holds(repo: Repo, rev: str, path: str) -> tuple[str | None, bool]:
    """Return the oid that a ref or oid names, None for nothing, and whether that commit or tree has a path."""
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
