"""Find commits of a base that revert a task's merge; the task stays COMPLETED and is shown as reverted."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.app import App
from git_agent.domain.speaker import GIT
from git_agent.domain.task import State, Task
from git_agent.git.damage import complaint
from git_agent.git.merging.fork import missing
from git_agent.git.merging.movement import Movement
from git_agent.git.merging.provenance import reverted
from git_agent.git.repo import Tips
from git_agent.git.run import GitError
from git_agent.store import meta

_LATELY = 50  # how many of the last merges to look for in a base that was moved back


def look_for_reverts(app: App, scanned: Mapping[str, str], tips: Tips) -> list[str]:
    """Search what is new on each base that a task ever had; record reverts, and reverts of reverts.

    scanned: the commit up to which each base was searched
    tips: where the branches are
    Returns a line for each task.
    """
    lines = []
    for base, old in scanned.items():
        new = tips.heads.get(base)
        if new is None or old == new:
            continue
        try:
            move = Movement(app.repo, old, new)
            found = reverted(move) if old else {}
            lost = _lost(app, base, move, tips) if old else []
            back = _back(app, base, new)
        except GitError:
            if complaint(app.repo, new) is None:
                raise
            continue  # doctor reports a base that can't be read
        with app.store.transaction():
            lines += [line for oid, by in found.items() for line in _record(app, base, oid, by)]
            lines += [line for task in lost for line in _record_lost(app, task, new)]
            lines += [_record_back(app, task) for task in back]
            app.store.meta.put(meta.SCANNED + base, new)
    return lines


def _record(app: App, base: str, oid: str, by: str) -> list[str]:
    lines = []
    for task in app.store.tasks.merged_as(oid):
        if task.reverted_oid == by:
            continue  # another check has seen it and reports it
        app.store.tasks.put(task.id, reverted_oid=by)
        app.store.events.append("task.reverted", GIT, task=task.id, epoch=task.epoch, data={"oid": oid, "by": by})
        lines.append(f"{task.label} was reverted in '{base}' by {by[:12]}; to continue it: git agent reopen {task.id}")
    for task in app.store.tasks.reverted_by(oid):
        app.store.tasks.put(
            task.id, reverted_oid=None, merged_oid=by
        )  # the commit that has the work now may itself be reverted
        app.store.events.append("task.restored", GIT, task=task.id, epoch=task.epoch, data={"oid": oid, "by": by})
        lines.append(f"the revert of {task.label} was itself reverted in '{base}' by {by[:12]}")
    return lines


def _lost(app: App, base: str, move: Movement, tips: Tips) -> list[Task]:
    """Return the tasks whose merge a base lost when it was moved back; only the latest merges are checked.

    What was merged on a remote comes with the next pull. An undo in progress is not a revert.
    """
    if move.knows_old and not move.rewritten:
        return []
    merged = [t for t in app.store.tasks.merged_lately(base, _LATELY) if t.merged_oid and t.reverted_oid is None]
    gone = missing(app.repo, [move.new, *tips.on_remotes(base)], [t.merged_oid or "" for t in merged])
    return [t for t in merged if t.merged_oid in gone and app.store.intents.of_task(t.id) is None]


def _back(app: App, base: str, new: str) -> list[Task]:
    """Return the tasks whose merge the base contains again."""
    lost = [app.store.tasks.find(int(task)) for task in app.store.meta.under(meta.LOST)]
    here = [task for task in lost if task is not None and task.base == base and task.state is State.COMPLETED]
    gone = missing(app.repo, [new], [task.merged_oid or "" for task in here])
    return [task for task in here if task.merged_oid not in gone]


def _record_lost(app: App, task: Task, new: str) -> list[str]:
    if app.store.tasks.get(task.id).reverted_oid is not None:
        return []  # another check has seen it and reports it
    app.store.tasks.put(task.id, reverted_oid=new)
    app.store.meta.put(f"{meta.LOST}{task.id}", new)
    data = {"oid": task.merged_oid, "by": new, "text": f"'{task.base}' no longer contains its merge"}
    app.store.events.append("task.merge-lost", GIT, task=task.id, epoch=task.epoch, data=data)
    says = f"'{task.base}' was moved back to {new[:12]}, which lacks the merge of {task.label}"
    return [f"{says}; to continue it: git agent reopen {task.id}"]


def _record_back(app: App, task: Task) -> str:
    app.store.tasks.put(task.id, reverted_oid=None)
    app.store.meta.delete(f"{meta.LOST}{task.id}")
    data = {"oid": task.merged_oid, "text": f"'{task.base}' contains its merge again"}
    app.store.events.append("task.merge-found", GIT, task=task.id, epoch=task.epoch, data=data)
    return f"'{task.base}' contains the merge of {task.label} again"
