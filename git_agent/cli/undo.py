"""Verbs that restore: undo, and the rescue refs."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from git_agent.app import App
from git_agent.cli.command import Answer, screen, task_argument, verb
from git_agent.cli.parsing import Several
from git_agent.cli.questions import can_ask, confirm, yes_option
from git_agent.errors import refused, usage
from git_agent.runtime.invocation import become

if TYPE_CHECKING:
    from git_agent.actions.undo.rescue import PrunedRescues
    from git_agent.actions.undo.undo import Undone

_LISTED = 20


@verb("undo")
@click.argument("number", required=False, type=click.IntRange(min=1), metavar="[N]")
@click.option("--only", type=click.IntRange(min=1), metavar="K", help="Undo only the operation that --list shows as K.")
@click.option("--list", "listed", is_flag=True, help="List what can be undone, and why the rest can't be.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be undone, and change nothing.")
@yes_option("Answer yes to the question before several are undone.")
def undo_verb(app: App, number: int | None, only: int | None, listed: bool, dry_run: bool, yes: bool) -> Answer:
    """Undo the last rm, clean, merge, cancel or doctor --fix. With N, undo the last N of them, the newest first.

    N counts operations; it is not the number of a task. Branches, worktrees and uncommitted files are restored, and the
    task returns to its previous state. A merge can be undone only while nothing builds on it and it was not pushed;
    otherwise the hint names the command that reverts it. A fix whose result has changed since is left as it is. An undo
    can't be undone: repeat the original command instead.
    """
    from git_agent.actions.undo.undo import undo

    if listed:
        return _listing(app)
    if number is not None and only is not None:
        raise usage("number-and-only", "N and --only mean different things", "give one of them")
    asks = functools.partial(_confirm, app, yes=yes)
    return _undone(app, undo(app, number or 1, only=only, dry_run=dry_run, asks=asks), dry_run)


def _confirm(app: App, looked: Undone, yes: bool) -> None:
    """Confirm an undo of several operations. The number may have been meant as a task."""
    from git_agent.render import undo as undo_lines

    if yes:
        return
    count = len(looked.operations)
    if not can_ask(app):
        says = f"this undoes {count} operations"
        raise refused("not-confirmed", says, f"git agent undo {count} --yes; git agent undo {count} -n lists them")
    shown = [line for o, lines in looked.operations for line in undo_lines.undo_lines(o, lines, dry_run=True)]
    if not confirm(f"Undo these {count}?", shown):
        raise refused("not-confirmed", "nothing was undone", "git agent undo --list shows what can be undone")


def _listing(app: App) -> Answer:
    from git_agent.actions.undo.undo import list_undoable
    from git_agent.render import undo as undo_lines

    found = list_undoable(app, _LISTED)
    return Answer(
        {"operations": [undo_lines.operation_json(u) for u in found]}, undo_lines.operation_table(found, screen(app))
    )


def _undone(app: App, done: Undone, dry_run: bool) -> Answer:
    from git_agent.render import undo as undo_lines

    def payload() -> dict[str, Any]:
        from git_agent.actions.lookup import existing
        from git_agent.actions.views.task import view
        from git_agent.render import json

        # A fix may concern a task that does not exist.
        changed = existing(app, (t for o, _ in done.operations for t in o.tasks))
        return {
            "undone": [undo_lines.undone_json(o) for o, _ in done.operations],
            "tasks": [json.task_json(v) for v in view(app, changed, counts=True)],
            "dry_run": dry_run,
        }

    return Answer(payload, [line for o, lines in done.operations for line in undo_lines.undo_lines(o, lines, dry_run)])


@click.group("rescue", cls=Several)
def rescue_verb() -> None:
    """List, show, restore or delete what was kept before it was removed or rewritten.

    Branch tips and uncommitted files are kept under refs/git-agent/rescue/<task>/<n>, written `3/1`. `git agent rescue`
    alone, or with a TASK, lists them. With --json, each subcommand prints one JSON object.
    """


def _below(command: click.Command) -> None:
    rescue_verb.add_command(command)


@_below
@verb("rescue list")
@task_argument()
def _list(app: App, task: str | None) -> Answer:
    """List what was kept of TASK, or of all tasks."""
    from git_agent.actions.lookup import find
    from git_agent.actions.undo.rescue import kept_directories, rescue_refs
    from git_agent.render import undo as undo_lines

    of = find(app, task) if task is not None else None
    found, files = rescue_refs(app, of), kept_directories(app, of)
    payload = {
        "rescues": [undo_lines.rescue_json(r) for r in found],
        "ignored": [undo_lines.ignored_json(d) for d in files],
    }
    return Answer(payload, undo_lines.rescue_table(found, files, screen(app)))


@_below
@verb("rescue show")
@click.argument("name", metavar="RESCUE")
def _show(app: App, name: str) -> Answer:
    """Show what was kept as RESCUE (`3/1`): its commits or files, with their changes, in git's pager."""
    from git_agent.actions.undo.rescue import find_rescue, rescue_text, show_rescue
    from git_agent.render import undo as undo_lines

    kept = find_rescue(app, name)
    if click.get_current_context().params["as_json"]:
        return Answer({"rescue": undo_lines.rescue_json(kept), "text": rescue_text(app, kept)})
    words, env = show_rescue(app, kept)
    return Answer({}, becomes=functools.partial(become, words, env=env))


@_below
@verb("rescue restore")
@click.argument("name", metavar="RESCUE")
@click.option("--branch", metavar="NAME", help="Name the branch; the default is rescue/<task>-<n>.")
def _restore(app: App, name: str, branch: str | None) -> Answer:
    """Create a branch at RESCUE (`3/1`)."""
    from git_agent.actions.undo.rescue import restore_rescue
    from git_agent.render import undo as undo_lines
    from git_agent.render.text import visible

    done = restore_rescue(app, name, branch)
    already = "" if done.made else "already "
    lines = [f"branch {visible(done.branch)} is {already}at {done.rescue.oid[:12]} {visible(done.rescue.subject)}"]
    if done.uncommitted:
        lines.append(f"its last commit holds the uncommitted files: git restore --source={visible(done.branch)} -- .")
    return Answer({"rescue": undo_lines.rescue_json(done.rescue), "branch": done.branch}, lines)


@_below
@verb("rescue prune")
@click.option("--older-than", required=True, metavar="AGE", help="Delete only what was kept that long ago: 12h, 30d.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be deleted, and change nothing.")
@yes_option()
def _prune(app: App, older_than: str, dry_run: bool, yes: bool) -> Answer:
    """Delete what was kept longer ago than AGE: refs, and copies of ignored files."""
    from git_agent.actions.undo.rescue import prune_rescues
    from git_agent.domain.durations import parse_duration
    from git_agent.render import undo as undo_lines

    asks = functools.partial(_ask, app, yes=yes)
    found = prune_rescues(app, parse_duration(older_than), dry_run=dry_run, asks=asks)
    payload = {
        "rescues": [undo_lines.rescue_json(r) for r in found.rescues],
        "directories": list(found.directories),
        "unknown": [undo_lines.rescue_json(r) for r in found.unknown],
        "dry_run": dry_run,
    }
    return Answer(payload, undo_lines.pruned_lines(found, dry_run))


def _ask(app: App, found: PrunedRescues, yes: bool) -> None:
    from git_agent.render import undo as undo_lines

    if yes:
        return
    if not can_ask(app):
        refs, lost, files = len(found.rescues), len(found.lost), len(found.directories)
        says = f"this deletes refs ({refs}, kept nowhere else: {lost}) and directories of ignored files ({files})"
        raise refused("not-confirmed", says, "git agent rescue prune --older-than AGE --yes; -n lists them")
    if not confirm("Delete them for good?", undo_lines.pruned_lines(found, dry_run=True)):
        raise refused("not-confirmed", "nothing was deleted", "git agent rescue list shows what is kept")
