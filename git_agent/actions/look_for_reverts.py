"""Find commits of a base that revert a task's merge: the task stays COMPLETED, and is shown as reverted."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from git_agent.app import App
from git_agent.domain.speaker import GIT
from git_agent.git.merged import Movement, reverted
from git_agent.git.repo import Tips
from git_agent.store import events, facts, tasks


def look_for_reverts(app: App, scanned: Mapping[str, str], bases: Collection[str], tips: Tips) -> list[str]:
    """Search what is new on each base that any task had, and record reverts, and reverts of reverts.

    scanned: how far each base was searched; bases: those of unfinished tasks, searched from now on. Returns lines.
    """
    lines = []
    for base in {*scanned, *bases}:
        old, new = scanned.get(base), tips.heads.get(base)
        if new is None or old == new:
            continue
        found = reverted(Movement(app.repo, old, new)) if old is not None else {}
        with app.store.transaction():
            lines += [line for oid, by in found.items() for line in _record(base, oid, by)]
            facts.put(facts.SCANNED + base, new)
    return lines


def _record(base: str, oid: str, by: str) -> list[str]:
    lines = []
    for task in tasks.merged_as(oid):
        tasks.put(task.id, reverted_oid=by)
        events.append("task.reverted", GIT, task=task.id, epoch=task.epoch, data={"oid": oid, "by": by})
        lines.append(
            f"{task.label} was reverted in '{base}' by {by[:12]}; to go on with it: git agent reopen {task.id}"
        )
    for task in tasks.reverted_by(oid):
        tasks.put(task.id, reverted_oid=None)
        events.append("task.restored", GIT, task=task.id, epoch=task.epoch, data={"oid": oid, "by": by})
        lines.append(f"the revert of {task.label} was taken back in '{base}' by {by[:12]}")
    return lines
