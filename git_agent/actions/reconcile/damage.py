"""Branches that git can't read, such as after a power cut: they are reported, and nothing else fails for them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from git_agent.actions.reconcile.catch_up import catch_up
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.git.damage import are_readable, broken_file, complaint, damaged_file, last_good
from git_agent.git.repo import HEADS, Tips
from git_agent.git.run import GitError
from git_agent.store.attempts import Standing
from git_agent.store.last_seen import Sight


def catch_up_readable(app: App, moved: Sequence[Sight], follows: Mapping[str, str], tips: Tips) -> list[str]:
    """Catch up with the tasks that moved. If git fails, catch up with those whose branch and base can be read.

    moved, follows: as for catch_up
    tips: where the branches are
    Only a failure costs anything.
    """
    try:
        return catch_up(app, moved, follows)
    except GitError:
        bases = {s.base: complaint(app.repo, tips.heads[s.base]) for s in moved if s.base in tips.heads}
        good = [s for s in moved if bases.get(s.base) is None and not _damaged(app, s, tips)]
        if len(good) == len(moved):
            raise
    return catch_up(app, good, follows) if good else []


def _damaged(app: App, sight: Sight, tips: Tips) -> bool:
    """Check a branch whose base can be read, and remember what git says."""
    tip = tips.heads.get(sight.branch) or sight.head_oid or ""
    says = complaint(app.repo, tip, tips.heads.get(sight.base)) if sight.branch in tips.heads else None
    if says is not None:
        app.damaged[sight.id] = says
    return says is not None


def examine_damage(app: App, standing: Sequence[Standing], tips: Tips) -> None:
    """Check the branches of live attempts, and remember which can't be read.

    standing: the attempts
    tips: where the branches are
    """
    by_base: dict[str | None, dict[int, str]] = {}
    for each in standing:
        tip = tips.heads.get(each.branch)
        if tip is not None and each.working:
            by_base.setdefault(tips.heads.get(each.base), {})[each.task] = tip
    for base, own in by_base.items():
        readable = _readable(app, base)
        # All at once: one process for each took 5 ms a task. Only if git complains, it is asked which one it is.
        if readable and len(own) > 1 and are_readable(app.repo, own.values(), readable):
            continue
        for task, tip in own.items():
            if says := complaint(app.repo, tip, readable):
                app.damaged[task] = says


def _readable(app: App, oid: str | None) -> str | None:
    return oid if oid and app.repo.resolve(oid) else None


def is_damaged(app: App, task: Task) -> bool:
    """Check whether git can't read a task's branch or its base, and remember it of the branch."""
    heads = app.sighted_heads
    tip, base = heads.get(task.branch or ""), heads.get(task.base)
    if base is not None and complaint(app.repo, base) is not None:
        return True
    if tip is not None and (says := complaint(app.repo, tip, _readable(app, base))):
        app.damaged[task.id] = says
    return task.id in app.damaged


def describe_damage(app: App, each: Standing, tips: Tips) -> tuple[str, str] | None:
    """Say why a branch can't be read, and what sets it back to its last good commit; None if it is not known to be so.

    each: the attempt
    tips: where the branches are
    """
    path = broken_file(app.repo, each.branch) if each.branch not in tips.heads else None
    says = app.damaged.get(each.task) if path is None else f"git can't read {path}"
    if says is None:
        return None
    known = (each.seen, each.head_oid, tips.handed_in.get(each.task), each.base_oid)
    good = last_good(app.repo, each.branch, _readable(app, tips.heads.get(each.base)), known)
    bad = path or damaged_file(says)
    says = f"branch '{each.branch}' can't be read ({says})"
    if good is None:
        return f"{says}, and none of its earlier commits can", f"git fsck; git agent reassign {each.task}"
    away = f"rm -f {shlex.quote(bad)}; " if bad else ""
    # Without the reset, the next commit would take the damaged directories from the index.
    back = f"git update-ref {shlex.quote(HEADS + each.branch)} {good}; git -C {shlex.quote(each.worktree)} reset"
    return f"{says}; its last good commit is {good}", f"git fsck; {away}{back}"
