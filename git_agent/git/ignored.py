"""Find ignored files that a new worktree would miss (.env and the like)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_agent.git.run import git
from git_agent.git.state import ignored


def matching(worktree: str, patterns: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return the files of worktree that match and are untracked and ignored, as sorted relative paths.

    patterns: as in .gitignore; files: paths of files with such patterns (those that are missing count for nothing).
    Nested repositories are left out.
    """
    given = [f"--exclude={pattern}" for pattern in patterns]
    given += [f"--exclude-from={os.path.abspath(file)}" for file in files if os.path.isfile(file)]
    if not given:
        return []
    found = git("ls-files", "--others", "--ignored", "-z", *given, cwd=worktree).fields
    paths = [path for path in found if path and not path.endswith("/")]
    held = ignored(worktree, paths)
    return sorted(path for path in paths if path in held)
