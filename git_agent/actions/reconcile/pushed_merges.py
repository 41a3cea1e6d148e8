"""Remember which merges were pushed to places that no remote-tracking branch shows, so that undo leaves them alone."""

from __future__ import annotations

from collections.abc import Iterator

from git_agent.app import App
from git_agent.domain.spool_entry import Push, RefUpdate, parse_entry
from git_agent.domain.undo import MERGED
from git_agent.git import push_check, spool
from git_agent.git.merging.fork import not_contained
from git_agent.store.meta import PUSHED

_UNSURE = " ?"


def contains_merges(app: App, oid: str) -> bool:
    """Tell whether a commit contains a merge that could be undone.

    oid: the commit, a full oid
    """
    merges = {event.data["oid"] for event in app.store.events.undoable() if event.kind == MERGED}
    return bool(merges - not_contained(app.repo, [oid], merges))


def was_noted(app: App, push: Push, update: RefUpdate) -> bool:
    """Tell whether an earlier push to the same place was noted: this one may have taken it back."""
    return app.store.meta.get(_key(push, update)) is not None


def note_pushed(app: App, push: Push, update: RefUpdate, *, certain: bool = True) -> None:
    """Note what a push left in a place.

    certain: whether the remote said that it has it
    """
    with app.store.transaction():
        app.store.meta.put(_key(push, update), update.oid + ("" if certain else _UNSURE))


def _key(push: Push, update: RefUpdate) -> str:
    return PUSHED + _place(push, update)


def _place(push: Push, update: RefUpdate) -> str:
    return spool.readable(f"{push_check.shown_remote(push.remote)} {update.there}")


def places_pushed(app: App, oid: str) -> Iterator[str]:
    """Say where a commit was pushed, or may have been, that no remote-tracking branch shows.

    oid: the commit, a full oid
    A note that is still in the spool is of a push that goes on, or whose remote could not be asked yet.
    """
    for place, value in app.store.meta.under(PUSHED).items():
        if _has(app, value.removesuffix(_UNSURE), oid):
            yield f"it {'may have been' if value.endswith(_UNSURE) else 'was'} pushed: {place}"
    for note in spool.notes(app.spool_dir):
        push = parse_entry(spool.read_note(note.path) or "")
        if isinstance(push, Push) and push.url != ".":
            updates = (update for update in push.updates if _has(app, update.oid, oid))
            yield from (f"it may have been pushed: {_place(push, update)}" for update in updates)


def _has(app: App, pushed: str, oid: str) -> bool:
    return app.repo.resolve(pushed) is not None and app.repo.is_ancestor(oid, pushed)
