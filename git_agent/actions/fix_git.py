"""Mend branches and worktrees: make a lost branch again, connect and lock worktrees, move locks of git aside."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from git_agent.actions.examine_attempt import examine_attempt
from git_agent.actions.examine_locks import examine_locks
from git_agent.actions.examine_strays import examine_strays
from git_agent.actions.not_as_seen import not_as_seen
from git_agent.actions.record_fix import record_fix
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.errors import AgentError, refused
from git_agent.git import listing, lockfiles, refs, registered, worktrees
from git_agent.proc import holders
from git_agent.store import attempts, intents


def fix_git(app: App, finding: Finding) -> str:
    """Mend one finding, if it is seen again; return what was done. Raises AgentError, OSError where that fails."""
    return _FIXES[finding.code](app, _again(app, finding))


def _again(app: App, finding: Finding) -> Finding:
    """Look again, at what it is about alone. Raises AgentError (exit 6) when it is not so any more."""
    again = next((each for each in _seen(app, finding) if each.key == finding.key), None)
    if again is None:
        raise not_as_seen()
    return again


def _seen(app: App, finding: Finding) -> Iterable[Finding]:
    """Git is asked before the record is read."""
    if finding.code == "lock-stale":
        return examine_locks(app, registered.registered(app.repo), finding.subject)
    if finding.code == "worktree-half":
        there = registered.registration(app.repo, finding.data["admin"])
        return examine_strays(app, [there] if there else [])
    tips, busy = app.repo.start_tips()(), {intent.task for intent in intents.pending()}
    own = [each for each in attempts.standing(finding.task) if each.working and each.task not in busy]
    return chain.from_iterable(examine_attempt(app, each, tips) for each in own)


def _branch(app: App, finding: Finding) -> str:
    """Only made, never moved: somebody may have made it meanwhile."""
    branch, oid = finding.subject, finding.data["oid"]
    refs.branch(app.repo, branch, oid)
    return record_fix(app, finding, f"made again at {oid[:12]}", {}, {"branch": branch, "oid": oid})


def _connect(app: App, finding: Finding) -> str:
    path = finding.data["path"]
    with worktrees.creation_lock(app.repo):
        registered.repair(app.repo, path)
    return record_fix(app, finding, "connected again", {}, {"path": path})


def _point(app: App, finding: Finding) -> str:
    path = finding.data["path"]
    with worktrees.creation_lock(app.repo):
        registered.point_back(app.repo, finding.data["admin"], path)
    return record_fix(app, finding, "connected again", {}, {"path": path})


def _follow(app: App, finding: Finding) -> str:
    path = finding.data["path"]
    with worktrees.creation_lock(app.repo):
        registered.reconnect(app.repo, finding.data["admin"], path)
    text = record_fix(app, finding, "connected again", {}, {"path": path})
    from git_agent.actions.sync import sync

    for line in sync(app).lines:  # the record follows a worktree that was moved
        app.notice(line)
    return text


def _lock(app: App, finding: Finding) -> str:
    path, reason = finding.subject, worktrees.LOCK_REASON.format(task=finding.task)
    with worktrees.creation_lock(app.repo):
        seen = worktrees.observe(app.repo, path)
        if seen.locked not in (None, listing.INITIALIZING):
            raise refused("locked-meanwhile", f"{path} was locked meanwhile", "git worktree list")
        if seen.locked is not None:
            worktrees.unlock(app.repo, path)
        worktrees.lock(app.repo, path, reason)
    return record_fix(app, finding, "locked", {"locked": finding.data["locked"]}, {"path": path, "reason": reason})


def _half(app: App, finding: Finding) -> str:
    """Nobody was told of it; still, what is not as it was committed is somebody's, and then it stays."""
    path, admin = finding.data["path"], finding.data["admin"]
    left = registered.work_in(app.repo, admin, path) if os.path.isdir(path) and os.listdir(path) else []
    if left:
        raise AgentError("has-work", f"there is work in it: {', '.join(left[:5])}", "move it away")
    worktrees.discard(app.repo, path, task=finding.data["task"] or 0)
    return record_fix(app, finding, "taken back", {}, {"path": path})


def _lock_file(app: App, finding: Finding) -> str:
    path = finding.subject
    if not holders.known():
        raise AgentError("cannot-know", "who has it open can't be known here", f"when no git runs: rm {path}")
    kept = lockfiles.put_aside(app.repo, path)
    return record_fix(app, finding, f"moved to {kept}", {"path": path}, {"kept": kept})


_FIXES: Mapping[str, Callable[[App, Finding], str]] = {
    "branch-gone": _branch,
    "repository-moved": _connect,
    "worktree-moved": _follow,
    "worktree-unlinked": _point,
    "worktree-unlocked": _lock,
    "worktree-half": _half,
    "lock-stale": _lock_file,
}
