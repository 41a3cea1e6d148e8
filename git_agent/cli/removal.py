"""Verbs that remove: rm and clean."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from git_agent.app import App
from git_agent.cli.command import Answer, undo_hint, verb
from git_agent.cli.questions import NO_QUESTION, can_ask, confirm, yes_option
from git_agent.cli.several import Each, each_task, tasks_argument
from git_agent.errors import Exit, refused

if TYPE_CHECKING:
    from git_agent.actions.removal.remove import Leftover
    from git_agent.domain.task import Task


@verb("rm")
@tasks_argument(required=True)
@click.option("--force", is_flag=True, help="Remove it despite uncommitted files, stashes or processes inside.")
@click.option("--unmerged", is_flag=True, help="Remove it despite commits that are not in the base.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be removed, and change nothing.")
@yes_option(NO_QUESTION)
def rm_verb(app: App, tasks: Sequence[str], force: bool, unmerged: bool, dry_run: bool, yes: bool) -> Answer:
    """Remove the worktrees and branches of tasks that are not live.

    If work would be lost, the removal is refused, with a list of what is in danger. What is removed is kept: commits
    and files under refs/git-agent/rescue/, ignored files under git-agent/kept/ in the git directory. Ignored
    directories (builds, dependencies) are not kept, but listed.

    No flag removes a worktree that contains another repository, anything that is mounted there, submodule work that is
    on no remote, changes hidden by assume-unchanged or skip-worktree, or an unfinished merge or rebase. Nor does one
    remove what stands in the place of a worktree that is gone. The exception is a clone in an ignored directory whose
    remotes on other hosts have all of it.
    """
    del yes  # nothing is asked
    from git_agent.actions.lookup import reread
    from git_agent.actions.removal.remove import rm
    from git_agent.render import json, lines

    def one(task: Task) -> Each:
        gone = rm(app, task, force=force, unmerged=unmerged, dry_run=dry_run)
        said = lines.removal_lines(gone, "would remove" if dry_run else "removed")
        hints = undo_hint(app, not dry_run and (gone.worktrees or gone.branches))
        more = {"removed": json.retired_json(gone)}
        return Each(reread(app, task), said or [f"{task.label} has no worktree or branch"], hints, more)

    return each_task(app, tasks, one, dry_run=dry_run)


@verb("clean")
@click.option("--older-than", metavar="AGE", help="Clean only tasks that finished that long ago: 30m, 12h, 7d.")
@click.option("--logs", is_flag=True, help="Also delete what their commands and checks printed; undo can't restore it.")
@click.option(
    "--remote", is_flag=True, help="Also delete the branches of merged tasks on remotes; undo can't restore it."
)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be removed, and change nothing.")
@yes_option("Answer yes to the question before branches on remotes are deleted.")
def clean_verb(app: App, older_than: str | None, logs: bool, remote: bool, dry_run: bool, yes: bool) -> Answer:
    """Remove the worktrees and branches of completed and cancelled tasks.

    A worktree or branch whose removal would lose work stays, with the reason. Ignored directories (builds,
    dependencies) are not kept, but listed.

    With --remote, each remote is asked where the branches of merged tasks are. A branch is deleted there if all of it
    was merged, a base on a remote has the merge, and the branch does not move meanwhile. A remote that can't be asked
    keeps its branches; the exit code is then 1.
    """
    from git_agent.actions.removal.remove import clean
    from git_agent.actions.views.task import view
    from git_agent.domain.durations import parse_duration
    from git_agent.render import json, lines, removal

    age_s = None if older_than is None else parse_duration(older_than)
    asks = functools.partial(_confirm, app, yes=yes)
    done = clean(app, older_than_s=age_s, logs=logs, remote=remote, dry_run=dry_run, asks=asks)
    said = [
        f"{t.label}: {x}"
        for t, r in done.tasks
        for x in lines.removal_lines(r, "would remove" if dry_run else "removed")
    ]
    viewed = view(app, [t for t, _ in done.tasks], counts=False)
    removed = {str(t.id): json.retired_json(r) for t, r in done.tasks}
    if done.logs:
        megabytes = sum(done.logs.values()) / (1 << 20)
        said.append(f"{'would delete' if dry_run else 'deleted'} {len(done.logs)} logs ({megabytes:.1f} MB)")
    said += removal.leftover_lines(done.remote)
    payload = {
        "tasks": [json.task_json(v) for v in viewed],
        "removed": removed,
        "logs": dict(done.logs),
        "remote": [removal.leftover_json(each) for each in done.remote],
        "dry_run": dry_run,
    }
    gone = not dry_run and any(r.worktrees or r.branches for _, r in done.tasks)
    failed = any(each.status == "failed" for each in done.remote)
    code = Exit.ERROR if failed else Exit.DONE
    said, talk = said or ["nothing to clean"], removal.leftover_talk(done.remote)
    return Answer(payload, said, talk, hints=undo_hint(app, gone), exit=code)


def _confirm(app: App, found: Sequence[Leftover], yes: bool) -> None:
    from git_agent.render.removal import would_delete_lines

    if yes:
        return
    if not can_ask(app):
        says = f"this deletes branches on remotes ({len(found)})"
        raise refused("not-confirmed", says, "git agent clean --remote --yes; git agent clean --remote -n lists them")
    if not confirm("Delete them there?", would_delete_lines(found)):
        raise refused("not-confirmed", "nothing was removed", "git agent clean removes only what is local")
