"""Verbs that bring back: undo, and the rescue refs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_agent.app import App
from git_agent.cli.frame import Answer, screen, verb
from git_agent.errors import usage

if TYPE_CHECKING:
    from git_agent.actions.undo import Undone

_LISTED = 20


@verb("undo")
@click.argument("number", required=False, type=click.IntRange(min=1), metavar="[N]")
@click.option("--only", type=click.IntRange(min=1), metavar="K", help="Only the one that --list shows as K.")
@click.option("--list", "listed", is_flag=True, help="List what can be undone, and why the rest can't.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be undone.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
def undo_verb(app: App, number: int | None, only: int | None, listed: bool, dry_run: bool, yes: bool) -> Answer:
    """Undo the last rm, clean, merge or cancel; N: the last N of them, the newest first.

    Branches, worktrees and files that were not committed are there again, and the task is as it was. A merge is undone
    only while nothing stands on it, else the command is named that reverts it. An undo is not undone: do it again.
    """
    del yes
    from git_agent.actions.undo import undo

    if listed:
        return _listing(app)
    if number is not None and only is not None:
        raise usage("number-and-only", "N and --only mean different things", "give one of them")
    return _undone(app, undo(app, number or 1, only=only, dry_run=dry_run), dry_run)


def _listing(app: App) -> Answer:
    from git_agent.actions.list_undoable import list_undoable
    from git_agent.render import undoing

    found = list_undoable(app, _LISTED)
    return Answer({"operations": [undoing.operation(u) for u in found]}, undoing.listing(found, screen(app)))


def _undone(app: App, done: Undone, dry_run: bool) -> Answer:
    from git_agent.actions.view import view
    from git_agent.render import json, undoing
    from git_agent.store import tasks

    changed = [tasks.get(t) for t in dict.fromkeys(t for o, _ in done.operations for t in o.tasks)]
    return Answer(
        {
            "undone": [undoing.undone(o) for o, _ in done.operations],
            "tasks": [json.task(v) for v in view(app, changed, counts=True)],
            "dry_run": dry_run,
        },
        [line for o, lines in done.operations for line in undoing.lines(o, lines, dry_run)],
    )
