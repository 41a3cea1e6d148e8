"""Whose path claims overlap with a task's: by what the pathspecs say, and by the files of the base that both match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from git_agent.app import App
from git_agent.domain.claim import Claim
from git_agent.domain.pathspec import may_meet, meeting
from git_agent.domain.task import LIVE, State
from git_agent.store import path_claims, tasks

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Overlap:
    """A claim that overlaps with another one. paths: the first one's pathspecs, or the files that both match."""

    claim: Claim
    other: Claim
    paths: tuple[str, ...]

    @property
    def shown(self) -> str:
        """Name the first few paths in a line."""
        more = len(self.paths) - _SHOWN
        return ", ".join(self.paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def overlaps(
    app: App, claim: Claim, after: Sequence[int] | None = None, among: Sequence[Claim] | None = None
) -> list[Overlap]:
    """List what overlaps with a claim among those of the live and OPEN tasks, but for what waits for one another.

    after: the tasks that this one waits for, where it is not recorded yet; among: these alone. Existing files are told
    exactly, by git; for files to come two patterns overlap only where one is the other, matches its path, or lies in
    its directory.
    """
    above = _above([claim.task or 0] if after is None else after) | set(after or ())
    others = [c for c in (_unfinished() if among is None else among) if c.task != claim.task and c.task not in above]
    free = [c for c in others if claim.task is None or claim.task not in _above([c.task or 0])]
    found = [Overlap(claim, other, _shared(app, claim, other)) for other in free]
    return [each for each in found if each.paths]


def _unfinished() -> list[Claim]:
    return path_claims.of_states(LIVE | {State.OPEN})


def _shared(app: App, one: Claim, other: Claim) -> tuple[str, ...]:
    if not may_meet(one.paths, other.paths):
        return ()
    if met := meeting(one.paths, other.paths):
        return met
    from git_agent.git import pathspecs

    heads = app.sighted_heads
    if one.base not in heads or other.base not in heads:
        return ()
    ours, theirs = (pathspecs.tracked(app.repo, heads[c.base], c.paths) for c in (one, other))
    return tuple(sorted(ours & theirs))


def _above(ids: Iterable[int]) -> set[int]:
    """Collect all that these tasks wait for, and what those wait for."""
    found: set[int] = set()
    waiting = list(ids)
    while waiting:
        waiting = sorted({p for parents in tasks.parents(waiting).values() for p in parents} - found)
        found.update(waiting)
    return found
