"""Bring the store up to date with what git says now, where a ref moved since the last look."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.beats import beats
from git_agent.actions.follow_base import follow_base
from git_agent.actions.notice import notice
from git_agent.actions.upstreams import upstreams
from git_agent.app import App
from git_agent.git.repo import Tips
from git_agent.store import attempts, facts, sights
from git_agent.store.sights import Sight


@dataclass(frozen=True, slots=True)
class Synced:
    """What was noticed: one line each."""

    lines: tuple[str, ...]


def sync(app: App, tips: Tips | None = None) -> Synced:
    """Look at every unfinished task's branch, base and worktree, and record what changed since the last look.

    tips: where branches are, when git was asked just now. Costs one for-each-ref and a few queries where no ref moved.
    """
    tips = app.sighted = app.repo.start_tips()() if tips is None else tips
    lines = follow_base(app, tips)
    while lines_now := _look(app, tips):
        lines += lines_now
        followed = follow_base(app, tips)
        if not followed:
            break
        lines += followed
    standing = attempts.standing()
    lines += notice(app, standing, tips)
    beats(app, standing)
    return Synced(tuple(lines))


def _look(app: App, tips: Tips) -> list[str]:
    """One look at all branches and bases; what was merged into a branch of a stack may be merged on with it."""
    seen, lines = sights.listing(), list[str]()
    follows = upstreams(app, {s.base for s in seen})
    moved = [s for s in seen if _moved(s, tips, follows)]
    if moved:
        from git_agent.actions.catch_up import catch_up

        lines += catch_up(app, moved, follows)
    scanned = {s.base: s.base_seen or s.base_oid or "" for s in seen} | facts.under(facts.SCANNED)
    if any(tips.heads.get(base, oid) != oid for base, oid in scanned.items()):
        from git_agent.actions.look_for_reverts import look_for_reverts

        lines += look_for_reverts(app, scanned, tips)
    return lines


def _moved(sight: Sight, tips: Tips, follows: dict[str, str]) -> bool:
    # A branch that was deleted is judged by its last tip: people merge and clean up before anybody looks.
    tip, base = tips.heads.get(sight.branch, sight.head_oid), tips.heads.get(sight.base)
    if tip is None or base is None:
        return False
    upstream = tips.remotes.get(follows[sight.base])
    if (tip, base) != (sight.head_oid, sight.base_seen) or upstream not in (None, sight.upstream_seen):
        return True
    if sight.pushed_ref is not None and sight.pushed_ref not in tips.remotes and sight.pushed_ref.startswith("refs/"):
        return True
    return sight.pushed_oid != tip and tip in tips.arrived
