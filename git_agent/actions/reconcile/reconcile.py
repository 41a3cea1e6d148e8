"""Reconcile before every command: recover interrupted work, apply hook notes, sync with git."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Sequence

from git_agent.actions.beats import beats
from git_agent.actions.liveness.heartbeat import renew_lease
from git_agent.actions.liveness.reap import reap
from git_agent.actions.reconcile.drift import record_drift
from git_agent.actions.recovery.recover import recover
from git_agent.actions.setup.hooks import ensure_hooks
from git_agent.app import App
from git_agent.domain.speaker import GIT
from git_agent.domain.task import Task
from git_agent.errors import AgentError
from git_agent.git import spool
from git_agent.git.repo import Tips
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.store import meta
from git_agent.store.last_seen import Sight


class Reconciled(Record):
    """What was repaired and found, one line each. asks: a remote has to be asked, in the background."""

    lines: tuple[str, ...]
    asks: bool


def reconcile(app: App, *, remotes: bool = False, typed: bool = False, repairs: bool = True) -> Reconciled:
    """Recover interrupted work, apply hook notes, sync with git and reap; every command starts with this.

    remotes: whether it may ask remotes over a network
    typed: whether somebody typed a verb, which proves that the worker is alive; a background check may outlive it
    repairs: whether it may install hooks that are missing; in a repository that somebody is deleting they would stay
    Costs one for-each-ref, started before the store is loaded, and a few queries when nothing has happened. A worker's
    signs of life, from its hooks and from running this command, are recorded before it is judged.
    """
    spool.take_moved(app.spool_dir)
    asked = app.repo.start_tips()
    app.store.last_seen.read_ahead(processes.machine_id())
    _ = app.trusted  # read with the rest; after a change it would take a statement of its own
    recovered = recover(app)
    lines, asks = list(recovered), False
    if spool.notes(app.spool_dir):
        from git_agent.actions.reconcile.spool import apply_spool

        drained = apply_spool(app, remotes=remotes)
        lines, asks = [*lines, *drained.lines], drained.asks
    lines += sync(app, None if recovered else asked()).lines
    if typed:
        renew_lease(app)
    lines += reap(app)
    lines += ensure_hooks(app) if repairs else []
    return Reconciled(tuple(lines), asks)


class Synced(Record):
    """What was found, one line each."""

    lines: tuple[str, ...]


def sync(app: App, tips: Tips | None = None) -> Synced:
    """Check every unfinished task's branch, base and worktree, and record what changed since the last check.

    tips: where the branches are, if git was asked just now
    Costs one for-each-ref and a few queries when no ref has moved.
    """
    tips = app.sighted = app.repo.start_tips()() if tips is None else tips
    lines = _follow_renamed(app, tips)
    lines += follow_base(app, tips)
    while lines_now := _look(app, tips):
        lines += lines_now
        followed = follow_base(app, tips)
        if not followed:
            break
        lines += followed
    standing = app.store.attempts.standing()
    lines += record_drift(app, standing, tips)
    beats(app, standing)
    return Synced(tuple(lines))


def _look(app: App, tips: Tips) -> list[str]:
    """Check all branches and bases once; a merge into a branch of a stack may lead to a further one with it."""
    seen, lines = app.store.last_seen.listing(), list[str]()
    follows = upstreams(app, {s.base for s in seen})
    moved = [s for s in seen if _moved(s, tips, follows)]
    if moved:
        from git_agent.actions.reconcile.damage import catch_up_readable

        lines += catch_up_readable(app, moved, follows, tips)
    known = app.store.meta.under(meta.SCANNED)
    scanned = {s.base: s.base_seen or s.base_oid or "" for s in seen} | known
    if fresh := {base: oid for base, oid in scanned.items() if base not in known}:
        # From now on the base is watched, also when no task of it is left. A store may be readable only.
        with contextlib.suppress(AgentError), app.store.transaction():
            for base, oid in fresh.items():
                app.store.meta.put(f"{meta.SCANNED}{base}", oid)
    if any(tips.heads.get(base, oid) != oid for base, oid in scanned.items()):
        from git_agent.actions.reconcile.reverts import look_for_reverts

        lines += look_for_reverts(app, scanned, tips)
    return lines


def _moved(sight: Sight, tips: Tips, follows: dict[str, str]) -> bool:
    # A deleted branch is judged by its last tip: people merge and clean up before the next check.
    tip, base = tips.heads.get(sight.branch, sight.head_oid), tips.heads.get(sight.base)
    if tip is None or base is None:
        return False
    upstream = tips.remotes.get(follows[sight.base])
    if (tip, base) != (sight.head_oid, sight.base_seen) or upstream not in (None, sight.upstream_seen):
        return True
    if sight.pushed_ref is not None and sight.pushed_ref not in tips.remotes and sight.pushed_ref.startswith("refs/"):
        return True
    return sight.pushed_oid != tip and tip in tips.arrived


def _follow_renamed(app: App, tips: Tips) -> list[str]:
    """Follow bases to their new names. Costs two queries if no base is gone."""
    bases = app.store.last_seen.bases() | app.store.meta.under(meta.SCANNED).keys()
    if bases <= tips.heads.keys():
        return []
    from git_agent.actions.reconcile.forks import follow_renamed

    return follow_renamed(app, bases - tips.heads.keys(), tips)


def follow_base(app: App, tips: Tips) -> list[str]:
    """Move unfinished tasks whose base was merged to that base's own base.

    tips: where the branches are
    Returns a line for each task. The branches stay as they are: the lower branch's commits are in the new base too,
    unless it was squashed; then the fork point, its last commit, tells what is the task's own work.
    """
    lines = []
    for task, below in app.store.last_seen.stacked_on_merged():
        if below.base not in tips.heads:
            continue
        fork = _fork_on(app, task, below, tips)
        with app.store.transaction():
            now = app.store.tasks.get(task.id)
            if now.base != below.branch:
                continue
            # Search from where the lower branch began: what was merged into the base since may include this task.
            seen = {"base_seen": below.base_oid, "base_oid": fork, "upstream_seen": None}
            app.store.tasks.put(now.id, base=below.base, **seen)
            data = {"from": below.branch, "to": below.base, "text": f"into '{below.base}'"}
            app.store.events.append("task.followed", GIT, task=now.id, epoch=now.epoch, data=data)
        from git_agent.actions.worktrees import renew_context

        renew_context(app, now._replace(base=below.base))
        lines.append(f"task {task.id} now has the base '{below.base}', since '{below.branch}' was merged")
    return lines


def _fork_on(app: App, task: Task, below: Task, tips: Tips) -> str | None:
    """Return where a branch left the lower one, as that was last seen."""
    from git_agent.git.merging.fork import moved_on

    tip = tips.heads.get(task.branch or "", task.head_oid)
    return moved_on(app.repo, task.base_oid, below.head_oid, tip) if tip and below.head_oid else task.base_oid


def upstreams(app: App, bases: Collection[str]) -> dict[str, str]:
    """Map bases to the full refs that they follow; without configuration, to `origin`'s branch of the same name."""
    stamp = _stamp(os.path.join(app.repo.common_dir, "config"))
    held = json.loads(app.store.meta.get(meta.UPSTREAMS) or "{}")
    known: dict[str, str] = held.get("of", {}) if held.get("stamp") == stamp else {}
    if not set(bases) <= known.keys():
        known = _ask(app, {*bases, *known})
        # A store that can't be written can still be read.
        with contextlib.suppress(AgentError), app.store.transaction():
            app.store.meta.put(meta.UPSTREAMS, json.dumps({"stamp": stamp, "of": known}))
    return {base: known[base] or f"refs/remotes/origin/{base}" for base in bases}


def _stamp(path: str) -> list[int]:
    try:
        seen = os.stat(path)
    except OSError:
        return []
    return [seen.st_mtime_ns, seen.st_size, seen.st_ino]


def _ask(app: App, bases: Collection[str]) -> dict[str, str]:
    refs = [f"refs/heads/{base}" for base in bases]
    lines = app.repo.git("for-each-ref", "--format=%(refname:lstrip=2)%00%(upstream)", *refs).text.splitlines()
    found = dict(line.partition("\0")[::2] for line in lines)
    return {base: found.get(base, "") for base in bases}


_MOST = 20


def queue_notices(app: App, lines: Sequence[str]) -> None:
    """Add lines to the queue of notices. When it is full the oldest are dropped, since the log has them all."""
    if not lines:
        return
    with app.store.transaction():
        held = json.loads(app.store.meta.get(meta.UNSAID) or "[]")
        app.store.meta.put(meta.UNSAID, json.dumps([*held, *lines][-_MOST:]))


def take_notices(app: App) -> list[str]:
    """Take the queued notices; a worker gets none, since it has its messages."""
    if app.worker_of is not None or app.store.meta.get(meta.UNSAID) is None:
        return []
    with app.store.transaction():
        held = json.loads(app.store.meta.get(meta.UNSAID) or "[]")
        app.store.meta.delete(meta.UNSAID)
    return [str(line) for line in held]
