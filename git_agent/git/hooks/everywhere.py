"""What git runs for our events in many worktrees, with one question for all that share their configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from git_agent.git.hooks.install import Effective, effective_hooks
from git_agent.git.hooks.settings import CONDITION
from git_agent.git.repo import Repo

_OURS = f"includeif.{CONDITION}."


def hooks_everywhere(repo: Repo, worktrees: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[Effective]]]:
    """Yield the path of each worktree with what git runs there.

    worktrees: the path and the name under worktrees/ of each
    One question takes 2 ms. Answers differ only with a relative core.hooksPath, or with a condition of somebody else's
    in the configuration: no worktree may name its own hooks (git/place.py).
    Raises AgentError worktree-not-ours.
    """
    known: dict[str, list[Effective]] = {}
    alike = len(worktrees) > 1 and _is_alike(repo)
    for path, admin in worktrees:
        repo.checkout(path)  # refuses one that is not ours
        key = str(fnmatchcase(f"worktrees/{admin}", CONDITION.removeprefix("gitdir:"))) if alike else path
        if key not in known:
            known[key] = effective_hooks(repo, path)
        yield path, known[key]


def _is_alike(repo: Repo) -> bool:
    """Tell whether the configuration means the same in all worktrees, but for our own condition."""
    names = (r"^includeif\..*", r"core\.hookspath$")
    fields = repo.git("config", "--null", "--get-regexp", "|".join(names), ok=(0, 1)).fields
    for key, _, value in (each.partition("\n") for each in fields if each):
        if key.startswith("includeif."):
            if not key.startswith(_OURS):
                return False
        elif not value.startswith(("/", "~")):
            return False
    return True
