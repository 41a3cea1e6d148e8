"""Bring back a branch and a worktree that were removed, with the files that were not committed."""

from __future__ import annotations

import os
import shutil

from git_agent.actions.furnish import furnish
from git_agent.actions.kept_files import kept_files
from git_agent.actions.make_parents import make_parents
from git_agent.app import App
from git_agent.domain.gone import Gone, missing
from git_agent.domain.place import Place
from git_agent.domain.task import Task
from git_agent.git import refs, worktrees
from git_agent.git.run import git
from git_agent.git.snapshot import restage


def bring_back(app: App, task: Task, gone: Gone, place: Place, *, locked: bool) -> list[str]:
    """Make an attempt's branch and worktree as they were; return a line for each.

    locked: the worktree is to be locked for its task. Call it inside `under_way`, which takes everything back when it
    raises: RefMoved when somebody made the branch meanwhile, and what making a worktree raises.
    """
    lines = []
    if not place.adopted:
        refs.branch(app.repo, place.branch, place.start_oid)
        lines.append(f"brought back branch {place.branch} at {place.start_oid[:12]}")
    if not place.worktree:
        return lines
    worktrees.add(
        app.repo,
        task=task.id,
        branch=place.branch,
        path=place.worktree,
        oid=place.start_oid,
        terminal=app.terminal,
    )
    furnish(app, task, place)
    _switch(app, gone, place)
    if gone.files is not None:
        # The whole tree, also what it lacks; the index is not part of it.
        git("restore", f"--source={gone.files}", "--worktree", "--", ":/", cwd=place.worktree)
    _restage(gone, place)
    ignored = _copy(gone.ignored, place.worktree) if gone.ignored else 0
    if not locked:
        worktrees.unlock(app.repo, place.worktree)
    kinds = ((_changes(app, gone, place), "uncommitted"), (ignored, "ignored"))
    files = ", ".join(f"{number} {what} file{'s' * (number > 1)}" for number, what in kinds if number)
    lines.append(f"brought back worktree {place.worktree}" + (f" ({files})" if files else ""))
    return [*lines, *(f"not brought back: {what}" for what in missing(gone, os.path.isdir))]


def _switch(app: App, gone: Gone, place: Place) -> None:
    """It may have been on another branch, which stands where it wants by now, or on none."""
    if gone.head == place.branch or gone.head_oid is None:
        return
    head = app.repo.head(gone.head) if gone.head else None
    if head is not None and head.oid == gone.head_oid and head.worktree is None:
        git("switch", "--quiet", head.branch, cwd=place.worktree)
    else:
        git("switch", "--quiet", "--detach", gone.head_oid, cwd=place.worktree)


def _restage(gone: Gone, place: Place) -> None:
    if gone.index is not None or gone.intended:
        restage(place.worktree, gone.index or "HEAD", stages=gone.stages, intended=gone.intended)


def _changes(app: App, gone: Gone, place: Place) -> int:
    return len(app.repo.status(place.worktree)) if gone.files else 0


def _copy(source: str, target: str) -> int:
    number = 0
    for here in kept_files(source):
        name = os.path.relpath(here, source)
        there = os.path.join(target, name)
        make_parents(target, name)
        if os.path.isdir(there) and not os.path.islink(there):
            continue  # agent.setup made it anew
        if os.path.islink(there) or (os.path.islink(here) and os.path.isfile(there)):
            os.unlink(there)
        shutil.copy2(here, there, follow_symlinks=False)
        number += 1
    return number
