"""Delete what was kept a long time ago."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from git_agent.actions.rescue import rescue_refs
from git_agent.app import App
from git_agent.domain.rescue import Rescue
from git_agent.git import disk, refs, rescues
from git_agent.store import events


@dataclass(frozen=True, slots=True)
class PrunedRescues:
    """What is older: refs, and directories with ignored files; unknown: refs of which nobody knows the age; lost: those
    of the older refs that stand nowhere else, so that git forgets their commits some day.
    """

    rescues: tuple[Rescue, ...]
    directories: tuple[str, ...]
    unknown: tuple[Rescue, ...]
    lost: tuple[Rescue, ...]


def prune_rescues(
    app: App,
    older_than_s: float,
    *,
    dry_run: bool = False,
    asks: Callable[[PrunedRescues], None] = lambda found: None,
) -> PrunedRescues:
    """Delete rescue refs and kept directories of an age, in seconds; those of unknown age stay.

    dry_run: only look; asks: called with what would be deleted, and nothing else is; what it raises prevents it.
    """
    _ = app.store
    before = app.store.now() - int(older_than_s * 1000)
    kept = rescue_refs(app)
    old = tuple(r for r in kept if r.at is not None and r.at <= before)
    with disk.explained():
        directories = tuple(d for d in _directories(app) if _since_ms(d) <= before)
    only = rescues.only_there(app.repo, {f"{refs.RESCUE}{r.name}": r.oid for r in old}) if old else set()
    lost = tuple(r for r in old if r.oid in only)
    found = PrunedRescues(old, directories, tuple(r for r in kept if r.at is None), lost)
    if not dry_run and (old or directories):
        asks(found)
        _delete(app, found)
    return found


def _since_ms(path: str) -> int:
    """Since when it is kept: most names begin with it, in ms or ns; a file that was moved here has its own time."""
    digits = re.match(r"\d{13,}", os.path.basename(path))
    return int(digits[0][:13]) if digits else int(os.lstat(path).st_mtime * 1000)


def _directories(app: App) -> Iterator[str]:
    root = os.path.join(app.store_dir, "kept")
    for task in sorted(os.listdir(root)) if os.path.isdir(root) else ():
        with contextlib.suppress(NotADirectoryError):
            yield from (os.path.join(root, task, name) for name in sorted(os.listdir(os.path.join(root, task))))


def _delete(app: App, found: PrunedRescues) -> None:
    """The record first: whoever misses something later finds its oid in the log."""
    data = {
        "refs": {f"{refs.RESCUE}{r.name}": r.oid for r in found.rescues},
        "directories": list(found.directories),
        "text": f"{len(found.rescues)} refs, {len(found.directories)} directories",
    }
    actor = app.speaker.actor
    with app.store.transaction():
        events.append("rescue.pruned", actor, data=data)
    for each in found.rescues:
        with contextlib.suppress(refs.RefMoved):  # another one has deleted it
            refs.delete(app.repo, f"{refs.RESCUE}{each.name}", each.oid)
    with disk.explained():
        for directory in found.directories:
            with contextlib.suppress(FileNotFoundError):
                if os.path.isdir(directory) and not os.path.islink(directory):
                    shutil.rmtree(directory)
                else:
                    os.unlink(directory)  # a single file that doctor put aside
