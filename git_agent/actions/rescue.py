"""What is kept of branches, worktrees and files that were removed or rewritten."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.rescue import Rescue
from git_agent.domain.task import Task
from git_agent.git import refs, rescues
from git_agent.store import events, tasks


def rescue_refs(app: App, task: Task | None = None) -> list[Rescue]:
    """List what is kept, of one task or of all, by task and number."""
    kept = rescues.listing(app.repo, task.id if task else None)
    ids = {rescues.numbers(each.ref)[0] for each in kept}
    bases = {t: app.heads.get(found.base) for t in ids if (found := tasks.find(t)) is not None}
    pairs = [(each.oid, base) for each in kept if (base := bases.get(rescues.numbers(each.ref)[0]))]
    ahead = app.repo.ahead_behind_many(pairs) if pairs else {}
    files = rescues.changed(app.repo, [each.oid for each in kept if each.kind == refs.FILES])
    told = _told({rescues.numbers(each.ref)[0] for each in kept if each.at is None})
    listed = []
    for each in kept:
        owner, number = rescues.numbers(each.ref)
        commits = ahead.get((each.oid, bases.get(owner) or ""), (1, 0))[0]
        size = files[each.oid] if each.kind == refs.FILES else commits
        at = each.at if each.at is not None else told.get(each.ref)
        listed.append(Rescue(owner, number, each.oid, each.kind, at, each.subject, size, commits == 0))
    return listed


def _told(owners: set[int]) -> dict[str, int]:
    """Map refs of which git has forgotten when to the time of the newest removal that names them."""
    said = (event for owner in owners for event in reversed(events.of_kind(owner, "task.removed")))
    return {ref: event.at for event in said for ref in event.data.get("rescued", ())}
