"""What a branch changed outside of what its task claimed, or inside of what another live task claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_agent.app import App
from git_agent.domain.claim import Claim
from git_agent.domain.pathspec import may_match
from git_agent.domain.task import LIVE, Task
from git_agent.store import path_claims


@dataclass(frozen=True, slots=True)
class Outside:
    """Files that a task's branch changed. claimed_by: the other task that claims them, None: the task's own claim does
    not have them.
    """

    task: int
    claimed_by: int | None
    paths: tuple[str, ...]

    @property
    def whose(self) -> str:
        """Say whose files they are: `task 1 changed what ...`."""
        return "its own paths do not have" if self.claimed_by is None else f"task {self.claimed_by} claims"


def outside(app: App, task: Task, claims: Sequence[Claim] | None = None) -> list[Outside]:
    """Compare what a task's branch changed since it left its base with the claims of the live tasks.

    What its own claim has is its own, whoever else claims it. claims: those, if they were read already. Asks git
    nothing where there are none.
    """
    claims = path_claims.of_states(LIVE) if claims is None else claims
    if not claims:
        return []
    heads = app.sighted_heads
    base, tip = heads.get(task.base), heads.get(task.branch or "")
    start = app.repo.merge_base(base, tip) if base and tip else None
    if start is None or tip is None:
        return []
    from git_agent.git import pathspecs

    changed = pathspecs.changed(app.repo, start, tip)

    def inside(claim: Claim) -> frozenset[str]:
        near = may_match(changed, claim.paths)
        return pathspecs.changed(app.repo, start, tip, claim.paths) if near else frozenset()

    own = [inside(claim) for claim in claims if claim.task == task.id]
    beyond = changed.difference(*own)
    found = [Outside(task.id, c.task, tuple(sorted(inside(c) & beyond))) for c in claims if c.task != task.id]
    found += [Outside(task.id, None, tuple(sorted(beyond)))] if own else []
    return [each for each in found if each.paths]
