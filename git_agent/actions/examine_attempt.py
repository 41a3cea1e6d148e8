"""What is wrong with the branch and the worktree of one live attempt."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

from git_agent.actions.amiss import amiss
from git_agent.actions.moved_along import moved_along
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.git import listing, places
from git_agent.git.repo import Tips
from git_agent.store.attempts import Standing


def examine_attempt(app: App, each: Standing, tips: Tips) -> Iterator[Finding]:
    """Examine what is recorded of a live attempt; nothing is changed. tips: asked of git before the record was read."""
    found = amiss(app, each, tips)
    if found is None:
        return (yield from _unlocked(app, each))
    subject = each.branch if found.code.startswith("branch") else each.worktree
    says = f"task {each.task}: {found.says}"
    if found.code == "branch-gone":
        oid = _last_commit(app, each)
        code = "branch-gone" if oid else "branch-lost"
        yield Finding(
            code, f"{says}; it was at {(oid or each.head_oid or '')[:12]}", each.task, subject, data={"oid": oid}
        )
    elif found.code == "worktree-moved":
        data = {"path": moved_along(app, each), "admin": each.admin}
        yield Finding("worktree-moved", says, each.task, subject, data=data)
    elif found.code == "repository-copied":
        admin = os.path.join(app.repo.common_dir, "worktrees", each.admin)
        data = {"path": each.worktree}
        yield Finding(found.code, says, each.task, subject, f"rm -r {shlex.quote(admin)}", data)
    else:
        helps = found.helps + (found.more if found.more.startswith(",") else "")
        if found.code == "worktree-gone":
            helps += ", or git worktree repair PATH where it was moved to"
        yield Finding(found.code, says, each.task, subject, helps, {"path": each.worktree, "admin": each.admin})


def _last_commit(app: App, each: Standing) -> str | None:
    """The worktree's own log of HEAD is newer than our last look, if HEAD still is on the branch."""
    spot = places.spot(app.repo.common_dir, each.admin)
    known = [each.head_oid, *_rescued(app, each.task)]
    if spot is not None and spot.head == each.branch:
        known.insert(0, places.last_head(app.repo.common_dir, each.admin))
    return next((oid for oid in known if oid and app.repo.resolve(oid)), None)


def _rescued(app: App, task: int) -> list[str]:
    kept = app.repo.refs(f"refs/git-agent/rescue/{task}/")
    return [kept[ref] for ref in sorted(kept, key=lambda ref: int(ref.rpartition("/")[2]), reverse=True)]


def _unlocked(app: App, each: Standing) -> Iterator[Finding]:
    locked = listing.reason(os.path.join(app.repo.common_dir, "worktrees", each.admin))
    if locked in (None, listing.INITIALIZING):
        says = f"task {each.task}: worktree {each.worktree} is " + (f"locked as '{locked}'" if locked else "not locked")
        yield Finding("worktree-unlocked", says, each.task, each.worktree, data={"locked": locked})
