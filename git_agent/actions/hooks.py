"""Which hooks are effective here, ours and the user's."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.heal import FACT
from git_agent.app import App
from git_agent.git import hookfiles
from git_agent.git.hookfiles import Effective
from git_agent.store import attempts, facts


@dataclass(frozen=True, slots=True)
class Hooks:
    """What git runs. wanted: the user wants hooks; here: in this worktree; workers: in a worker's, None without one."""

    wanted: bool
    place: str
    here: tuple[Effective, ...]
    workers: tuple[Effective, ...] | None


def hooks(app: App) -> Hooks:
    """Ask git what it would run for each event, in this worktree and in a worker's."""
    place = app.repo.worktree or app.repo.common_dir
    wanted = app.has_store and facts.get(FACT) != "off"
    standing = [each.worktree for each in attempts.standing() if each.working] if app.has_store else []
    other = next((path for path in standing if path != place), None)
    workers = tuple(hookfiles.effective(app.repo, other)) if other and app.repo.admin is None else None
    return Hooks(wanted, place, tuple(hookfiles.effective(app.repo, place)), workers)
