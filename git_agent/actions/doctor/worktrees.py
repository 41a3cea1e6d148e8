"""Examine and fix worktrees: attempts, registrations that belong to no task, and git's lock files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from git_agent.actions.doctor.fix import not_as_seen, record_fix
from git_agent.actions.reconcile.drift import find_drift, find_moved_worktree
from git_agent.actions.worktrees import worktree_root
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.errors import AgentError, refused
from git_agent.git import locks, refs
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Tips
from git_agent.git.worktrees import registry, repair
from git_agent.git.worktrees.registry import Registration
from git_agent.git.worktrees.remove import discard_worktree
from git_agent.proc import open_files
from git_agent.store.attempts import Standing


def fix_git(app: App, finding: Finding) -> str:
    """Fix one finding, if it is found again; return what was done. Raises AgentError or OSError on failure."""
    return _FIXES[finding.code](app, _again(app, finding))


def _again(app: App, finding: Finding) -> Finding:
    """Examine the finding's subject again, and nothing else. Raises AgentError (exit 6) if it no longer holds."""
    again = next((each for each in _seen(app, finding) if each.key == finding.key), None)
    if again is None:
        raise not_as_seen()
    return again


def _seen(app: App, finding: Finding) -> Iterable[Finding]:
    """Ask git before reading the record."""
    if finding.code == "lock-stale":
        return examine_locks(app, registry.registrations(app.repo), finding.subject)
    if finding.code == "worktree-half":
        return examine_strays(app, [r for r in registry.registrations(app.repo) if r.admin == finding.data["admin"]])
    tips, busy = app.repo.start_tips()(), {intent.task for intent in app.store.intents.pending()}
    own = [each for each in app.store.attempts.standing(finding.task) if each.working and each.task not in busy]
    return chain.from_iterable(examine_attempt(app, each, tips) for each in own)


def _branch(app: App, finding: Finding) -> str:
    """Make the branch, but never move it: somebody may have made it in the meantime."""
    branch, oid = finding.subject, finding.data["oid"]
    refs.create_branch(app.repo, branch, oid)
    return record_fix(app, finding, f"recreated at {oid[:12]}", {}, {"branch": branch, "oid": oid})


def _connect(app: App, finding: Finding) -> str:
    path = finding.data["path"]
    with creation_lock(app.repo):
        repair.repair_pointers(app.repo, path)
    return record_fix(app, finding, "reconnected", {}, {"path": path})


def _point(app: App, finding: Finding) -> str:
    path = finding.data["path"]
    with creation_lock(app.repo):
        repair.point_back(app.repo, finding.data["admin"], path)
    return record_fix(app, finding, "reconnected", {}, {"path": path})


def _register(app: App, finding: Finding) -> str:
    path = finding.data["path"]
    with creation_lock(app.repo):
        repair.register_again(app.repo, finding.data["admin"], path)
    return record_fix(app, finding, "reconnected", {}, {"path": path})


def _follow(app: App, finding: Finding) -> str:
    path = finding.data["path"]
    with creation_lock(app.repo):
        repair.reconnect(app.repo, finding.data["admin"], path)
    text = record_fix(app, finding, "reconnected", {}, {"path": path})
    from git_agent.actions.reconcile.reconcile import sync

    for line in sync(app).lines:  # the record follows a worktree that was moved
        app.notice(line)
    return text


def _lock(app: App, finding: Finding) -> str:
    path, reason = finding.subject, registry.LOCK_REASON.format(task=finding.task)
    with creation_lock(app.repo):
        seen = registry.registration_at(app.repo, path)
        if seen is not None and seen.locked not in (None, registry.INITIALIZING):
            raise refused("locked-meanwhile", f"{path} was locked in the meantime", "git worktree list")
        if seen is not None and seen.locked is not None:
            registry.unlock_worktree(app.repo, path)
        registry.lock_worktree(app.repo, path, reason)
    return record_fix(app, finding, "locked", {"locked": finding.data["locked"]}, {"path": path, "reason": reason})


def _half(app: App, finding: Finding) -> str:
    """Discard a half-made worktree that was never announced; refuse if it has changes, which are somebody's work."""
    path, admin = finding.data["path"], finding.data["admin"]
    left = repair.work_in(app.repo, admin, path) if os.path.isdir(path) and os.listdir(path) else []
    if left:
        raise AgentError("has-work", f"it contains work: {', '.join(left[:5])}", "move it away")
    discard_worktree(app.repo, path, task=finding.data["task"] or 0)
    return record_fix(app, finding, "rolled back", {}, {"path": path})


def _lock_file(app: App, finding: Finding) -> str:
    path = finding.subject
    if not open_files.is_supported():
        raise AgentError(
            "cannot-know", "this system does not show which process has it open", f"if no git is running: rm {path}"
        )
    kept = locks.move_lock_aside(app.repo, path)
    return record_fix(app, finding, f"moved to {kept}", {"path": path}, {"kept": kept})


_FIXES: Mapping[str, Callable[[App, Finding], str]] = {
    "branch-gone": _branch,
    "repository-moved": _connect,
    "worktree-moved": _follow,
    "worktree-unlinked": _point,
    "worktree-misled": _register,
    "worktree-unlocked": _lock,
    "worktree-half": _half,
    "lock-stale": _lock_file,
}


def examine_attempt(app: App, each: Standing, tips: Tips) -> Iterator[Finding]:
    """Examine the record of a live attempt, without changing anything.

    tips: asked of git before the record was read
    """
    found = find_drift(app, each, tips)
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
        data = {"path": find_moved_worktree(app, each), "admin": each.admin}
        yield Finding("worktree-moved", says, each.task, subject, data=data)
    elif found.code == "repository-copied":
        admin = app.repo.admin_dir(each.admin)
        data = {"path": each.worktree}
        yield Finding(found.code, says, each.task, subject, f"rm -r {shlex.quote(admin)}", data)
    else:
        hint = found.hint + (found.more if found.more.startswith(",") else "")
        if found.code == "worktree-gone":
            hint += ", or git worktree repair PATH, if it was moved to PATH"
        yield Finding(found.code, says, each.task, subject, hint, {"path": each.worktree, "admin": each.admin})


def _last_commit(app: App, each: Standing) -> str | None:
    """Return the last known commit; the worktree's reflog is newer than the record if HEAD is still on the branch."""
    there = registry.registration(app.repo, each.admin)
    known = [each.head_oid, *_rescued(app, each.task)]
    if there is not None and there.head == each.branch:
        known.insert(0, registry.last_head(app.repo.common_dir, each.admin))
    return next((oid for oid in known if oid and app.repo.resolve(oid)), None)


def _rescued(app: App, task: int) -> list[str]:
    kept = app.repo.refs(f"refs/git-agent/rescue/{task}/")
    return [kept[ref] for ref in sorted(kept, key=lambda ref: int(ref.rpartition("/")[2]), reverse=True)]


def _unlocked(app: App, each: Standing) -> Iterator[Finding]:
    there = registry.registration(app.repo, each.admin)
    locked = there.locked if there is not None else None
    if locked in (None, registry.INITIALIZING):
        says = f"task {each.task}: worktree {each.worktree} is " + (f"locked as '{locked}'" if locked else "not locked")
        yield Finding("worktree-unlocked", says, each.task, each.worktree, data={"locked": locked})


_STRAY_OLD_S = 600.0  # a process that was killed while creating it died long before
_MADE_S = 60.0  # a registration keeps changing while its worktree is being created


def examine_strays(app: App, there: Sequence[Registration]) -> Iterator[Finding]:
    """Examine registrations, without changing anything.

    there: the registrations as they were before the record is read
    """
    busy = {intent.data["place"]["worktree"] for intent in app.store.intents.pending() if intent.data.get("place")}
    owned, recorded = app.store.attempts.admins(), {task.worktree for task in app.store.tasks.unfinished()}
    for each in there:
        if each.admin not in owned and each.age_s >= _MADE_S and not _is_registered(each):
            yield _empty(each)
            continue
        if (
            (each.half_made and each.age_s < _MADE_S)
            or each.admin in owned
            or each.path in recorded
            or each.path is None
            or each.path in busy
            or each.path.startswith(app.repo.common_dir + os.sep)
        ):
            continue
        quoted = shlex.quote(each.path)
        data = {"path": each.path, "admin": each.admin, "task": each.task}
        made_here = each.task is not None or os.path.dirname(each.path) == worktree_root(app)
        abandoned = each.initializing and made_here and each.age_s > _STRAY_OLD_S
        if each.half_made and (each.task is not None or abandoned):
            yield Finding("worktree-half", f"worktree {each.path} was left incomplete", None, each.path, data=data)
        elif each.task is not None and os.path.isdir(each.path):
            says, hint = (
                f"worktree {each.path} belongs to no task",
                f"git worktree unlock {quoted}, then git worktree remove",
            )
            yield Finding("worktree-orphan", says, None, each.path, f"{hint} {quoted}")


def _is_registered(each: Registration) -> bool:
    """Tell whether git can use a registration; a killed program may have written less (libgit2 writes HEAD last)."""
    return each.path is not None and os.path.isfile(os.path.join(each.git_dir, "HEAD"))


def _empty(each: Registration) -> Finding:
    missing, where = ("HEAD", f" of {each.path}") if each.path else ("gitdir", "")
    hint = f"rm -r {shlex.quote(each.git_dir)}"
    if each.path is not None and os.path.isdir(each.path):
        hint += f"; then move what you need out of {shlex.quote(each.path)} and delete it"
    elif each.locked is None:
        hint = "git worktree prune"
    says = f"git's registration{where} in {each.git_dir} has no {missing}"
    return Finding("worktree-empty", says, None, each.git_dir, hint)


_LOCK_OLD_S = 600.0  # git holds a lock for milliseconds, but `git commit` holds one while its editor is open


def examine_locks(app: App, there: Sequence[Registration], path: str | None = None) -> Iterator[Finding]:
    """Examine git's lock files, or a single one, without changing anything.

    there: the worktrees in which a git may be running
    path: the absolute path of a single lock file, None for all
    """
    old = locks.stale_locks([path] if path is not None else locks.lock_files(app.repo), _LOCK_OLD_S)
    if not old:
        return
    held = open_files.find_holders({each.path for each in old})
    where = [app.repo.common_dir, app.repo.main_worktree, *(each.path for each in there)]
    gits = open_files.find_git_processes([path for path in where if path])
    for each in old:
        age = f"{each.path} is {int(each.age_s / 60)} min old"
        by = held.get(each.path) or gits
        stopped = next((one for one in by if one.stopped), None)
        if stopped is not None:
            says = f"{age}; process {stopped.pid} ({stopped.name}), which is stopped, " + (
                "has it open" if each.path in held else "runs here"
            )
            yield Finding("lock-stopped", says, None, each.path, f"kill -CONT {stopped.pid}, or kill {stopped.pid}")
        elif not by:
            known = "no process has it open" if open_files.is_supported() else "no git should still be running here"
            yield Finding("lock-stale", f"{age}, and {known}", None, each.path)
