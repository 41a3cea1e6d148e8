"""Follow bases that were renamed, keep the fork points that bases no longer contain, and report rewritten bases."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Collection

from git_agent.actions.worktrees import renew_context
from git_agent.app import App
from git_agent.domain.queue import name_tasks
from git_agent.domain.speaker import GIT
from git_agent.domain.task import Task
from git_agent.errors import AgentError
from git_agent.git import refs
from git_agent.git.history import find_renamed
from git_agent.git.merging.fork import not_contained
from git_agent.git.repo import FORKS, Tips
from git_agent.record import Record
from git_agent.store import meta


def follow_renamed(app: App, gone: Collection[str], tips: Tips) -> list[str]:
    """Give tasks the new name of a base that `git branch -m` renamed; return a line for each base.

    gone: bases that do not exist
    tips: where the branches are
    The branch of an unfinished task is left to `find_drift`, which tells how to give it its name back. Runs one git
    command for each base, and only once for the same branches.
    """
    own = {sight.branch for sight in app.store.last_seen.listing()}
    looked = str(zlib.crc32("\n".join(sorted(tips.heads.keys() - own)).encode("utf-8", "surrogateescape")))
    before, lines, moved = app.store.meta.under(meta.GONE), list[str](), list[Task]()
    for old in sorted(base for base in gone if base not in own and before.get(base) != looked):
        new = find_renamed(app.repo.git, old, tips.heads)
        with contextlib.suppress(AgentError), app.store.transaction():  # a store may be readable only
            if new is None:
                app.store.meta.put(meta.GONE + old, looked)
            else:
                renamed = _rename(app, old, new)
                says = f"'{old}' was renamed to '{new}', which is now the base of"
                lines += [f"{says} {name_tasks([task.id for task in renamed])}"] if renamed else []
                moved += renamed
    for task in moved:
        renew_context(app, task)
    return lines


def _rename(app: App, old: str, new: str) -> list[Task]:
    app.store.meta.delete(meta.GONE + old)
    if (scanned := app.store.meta.get(meta.SCANNED + old)) is not None:
        app.store.meta.delete(meta.SCANNED + old)
        app.store.meta.put(meta.SCANNED + new, app.store.meta.get(meta.SCANNED + new) or scanned)
    moved = app.store.last_seen.rename_base(old, new)
    data = {"from": old, "to": new, "text": f"into '{new}', the new name of '{old}'"}
    for task in moved:
        app.store.events.append("task.followed", GIT, task=task.id, epoch=task.epoch, data=data)
    return moved


class Fork(Record):
    """A task's fork point.

    base: the name of the task's base; base_oid: where that is
    oid: the fork point; None if it is not known
    rewritten: whether the base no longer contains the commit at which it was last seen
    """

    task: int
    base: str
    base_oid: str
    oid: str | None
    rewritten: bool


def keep_forks(app: App, forks: Collection[Fork], tips: Tips) -> list[str]:
    """Keep each fork point that its base does not contain under a ref, and drop the refs that are not needed any more.

    forks: of the tasks whose branch or base moved
    tips: the branches now; its forks are updated
    Returns a line for each base that was rewritten under tasks. Runs one git command for each base.
    """
    known = {
        base: not_contained(app.repo, [base], {f.oid for f in forks if f.base_oid == base and f.oid})
        for base in {f.base_oid for f in forks}
    }
    told = dict[str, list[int]]()
    for fork in forks:
        oid = fork.oid if fork.oid in known[fork.base_oid] else None
        before = tips.forks.get(fork.task)
        if oid == before:
            continue
        with contextlib.suppress(refs.RefMoved):  # another command sees the same
            refs.set_ref(app.repo, f"{FORKS}{fork.task}", oid, before, f"git-agent: {fork.base} does not contain it")
        for seen in (tips, app.sighted or tips):
            seen.forks.pop(fork.task, None)
            seen.forks.update({} if oid is None else {fork.task: oid})
        if oid is not None and fork.rewritten:
            told.setdefault(fork.base, []).append(fork.task)
            data = {"oid": oid, "base": fork.base_oid, "text": f"'{fork.base}' no longer contains {oid[:12]}"}
            with app.store.transaction():
                app.store.events.append("task.base-rewritten", GIT, task=fork.task, data=data)
    return [f"'{base}' was rewritten: {_builds(tasks)} it no longer has" for base, tasks in told.items()]


def _builds(tasks: list[int]) -> str:
    return f"{name_tasks(tasks)} build{'s' if len(tasks) == 1 else ''} on commits that"
