"""Take back a worktree that was being made: nobody was told of it yet, so nobody's work is in it."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.place import Place
from git_agent.git import refs, worktrees
from git_agent.store import events, intents, tasks


def take_back(app: App, intent: int, task: int, place: Place | None, *, new: bool) -> None:
    """Remove a half-made attempt and its intent.

    place: where it was being made, None when that was not decided yet; the branch goes only if it is not adopted and
    holds no commit; new: the task itself was added by the same command and goes, too.
    """
    if place is not None:
        if _is_ours(app, task, place):
            worktrees.discard(app.repo, place.worktree, task=task, finished=True)
        if not place.adopted and app.repo.branch_oid(place.branch) == place.start_oid:
            refs.delete(app.repo, f"refs/heads/{place.branch}", place.start_oid)
    actor = app.speaker.actor
    with app.store.transaction():
        intents.end(intent)
        found = tasks.find(task)
        if new and found is not None and found.version == 0 and tasks.delete(found):
            events.append("task.taken-back", actor, task=task, data={"title": found.title})


def _is_ours(app: App, task: int, place: Place) -> bool:
    """What stood there before, a directory or somebody's worktree, is why nothing was made: it stays as it is."""
    seen = worktrees.observe(app.repo, place.worktree)
    ours = seen.locked == worktrees.LOCK_REASON.format(task=task) or seen.branch == place.branch
    return seen.half or (seen.registered and ours)
