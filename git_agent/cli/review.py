"""Verbs for reviewing and merging."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from git_agent.app import App
from git_agent.cli.command import Answer, read_text, task_answer, task_argument, verb
from git_agent.cli.parsing import Finite
from git_agent.cli.questions import NO_QUESTION, yes_option
from git_agent.cli.several import Each, each_task
from git_agent.errors import usage
from git_agent.runtime.invocation import become

if TYPE_CHECKING:
    from git_agent.domain.task import Task


@verb("diff", passes=True)
@task_argument()
@click.option("--stat", is_flag=True, help="Show the changed files and the number of lines only.")
@click.option("--since-review", is_flag=True, help="Show what changed since the last approval or request for changes.")
def diff_verb(
    app: App, task: str | None, stat: bool, since_review: bool, git_options: Sequence[str], paths: Sequence[str]
) -> Answer:
    """Show what a task changed since its branch left the base, with git's own diff and pager.

    Other options are passed on to `git diff`: -w, --word-diff, --name-only. After `--` come paths, from the top of the
    repository, or more of git's options. --since-review compares what the branch would merge now with what it would
    have merged then, so that a rebase, or a base that was merged into it, does not show.
    """
    from git_agent.actions.lookup import find
    from git_agent.actions.views.diff import diff, diff_text

    options = ("--stat", *git_options) if stat else git_options
    found = diff(app, find(app, task), options, paths, since_review=since_review)
    if click.get_current_context().params["as_json"]:
        return Answer({"base": found.base, "tip": found.tip, "diff": diff_text(app, found)})
    return Answer({}, becomes=functools.partial(become, found.words, env=found.env))


@verb("approve")
@click.argument("tasks", nargs=-1, metavar="TASK...")
@click.option("--at", metavar="OID", help="Approve only if the branch is at this commit.")
@click.option("-m", "--message", "note", metavar="NOTE", help="Send a note to the worker.")
def approve_verb(app: App, tasks: Sequence[str], at: str | None, note: str | None) -> Answer:
    """Approve tasks at the current commits of their branches. The tasks become APPROVED.

    An approval applies to one commit: if the branch gets new commits, the task is IN_REVIEW again. If you looked at a
    task with `diff` or `show` and its branch has moved since, the approval is refused, unless the new commits merge to
    the same files or --at names the commit. A worker can't approve its own task.
    """
    from git_agent.actions.tasks.review import approve

    if at is not None and len(tasks) > 1:
        raise usage("at-one", "--at applies to a single task", "approve the tasks one by one")

    def one(task: Task) -> Each:
        done = approve(app, task, at=at, note=note)
        state = f"{done.task.state}{'' if done.moved else ' already'}"
        commit = (done.task.reviewed_oid or "")[:12]
        return Each(done.task, [f"{task.label} is {state} at {commit}{_own_check(app, done.task)}"])

    return each_task(app, tasks, one)


def _own_check(app: App, task: Task) -> str:
    from git_agent.render.text import visible

    own = task.own_check(lambda: app.config.text("agent.check"))
    return f", with a check of its own: {visible(own)}" if own else ""


def _several(app: App, found: Sequence[Task], lines: list[str]) -> Answer:
    """Return an answer about one or several tasks."""
    if len(found) == 1:
        return task_answer(app, found[0], lines)

    def payload() -> dict[str, Any]:
        from git_agent.actions.views.task import view
        from git_agent.render import json

        return {"tasks": [json.task_json(v) for v in view(app, found, counts=True)]}

    return Answer(payload, lines)


@verb("request-changes")
@task_argument(required=True)
@click.option("-m", "--message", "text", metavar="TEXT", help="Tell the worker what to change.")
@click.option("-F", "--file", metavar="FILE", help="Read the text from FILE, - for standard input.")
def request_changes_verb(app: App, task: str, text: str | None, file: str | None) -> Answer:
    """Send a task back to its worker, with comments. The task is WORKING again, with the hold `changes_requested`."""
    from git_agent.actions.lookup import find, unattended
    from git_agent.actions.tasks.review import request_changes

    if (text is None) == (file is None):
        raise usage("which-text", "say what to change, in one way", f"git agent request-changes {task} -m TEXT")
    if text is None:
        text = read_text(file or "-", app.config.number("agent.maxMessage") + 1)
    taken = request_changes(app, find(app, task), text)
    there = unattended(app, taken.task) or "its worker has a message"
    return task_answer(app, taken.task, [f"{taken.task.label} is {taken.task.state} {taken.task.hold}; {there}"])


@verb("merge")
@click.argument("tasks", nargs=-1, metavar="TASK...")
@click.option("--all", "everything", is_flag=True, help="Merge every approved task.")
@click.option(
    "--strategy",
    type=click.Choice(["merge", "squash", "rebase", "ff"]),
    help="Merge in this way instead of agent.mergeStrategy.",
)
@click.option("--keep", is_flag=True, help="Keep the worktree and the branch.")
@click.option("--no-check", is_flag=True, help="Don't run the check command.")
@click.option(
    "--already",
    is_flag=False,
    flag_value="",
    metavar="[OID]",
    help="Record that the base already contains the work.",
)
@click.option("--timeout", type=Finite(0), metavar="S", help="Wait at most S seconds for other merges.")
@click.option("-n", "--dry-run", is_flag=True, help="Compute and check the merge, and change nothing.")
@yes_option(NO_QUESTION)
def merge_verb(
    app: App,
    tasks: Sequence[str],
    everything: bool,
    already: str | None,
    yes: bool,
    strategy: str | None,
    keep: bool,
    no_check: bool,
    timeout: float | None,
    dry_run: bool,
) -> Answer:
    """Merge approved tasks into their base, then remove their worktrees and branches.

    No checkout is touched before the result is complete. A checkout of the base then follows; unrelated changes in it
    stay. On a conflict, the base does not move, the task goes back to its worker, and the exit code is 4. The check
    command runs on the result before the base moves. If it fails, the task also goes back, and the exit code is 3.

    Several tasks, or --all, form a queue: each merge is built on the one before, the result is checked as a whole, and
    the base moves once. --all merges dependencies first, then orders by priority and fewest conflicts. If the check
    fails, the task that breaks it is found and held, and the others land. The exit code is the first that applies to
    any task: 1 for an error, 5 for a superseded speaker, 4 for a conflict, 3 if it was held or left out, 6 if the base
    kept moving.

    Merges wait for each other: one check runs at a time (agent.checkJobs), and bases move one after the other. If that
    takes longer than --timeout, the exit code is 6.
    """
    del yes  # nothing is asked
    from git_agent.actions.lookup import find

    if already is not None:
        return _already(app, [find(app, ref) for ref in tasks or (None,)], already)
    if everything and tasks:
        raise usage("all-and-tasks", "--all and TASK exclude each other", "give tasks or --all")
    options = {"strategy": strategy, "keep": keep, "checked": not no_check, "dry_run": dry_run, "timeout_s": timeout}
    if everything or len(tasks) > 1:
        return _queue(app, _approved(app) if everything else [find(app, ref) for ref in tasks], options)
    return _merge(app, find(app, tasks[0] if tasks else None), options)


def _approved(app: App) -> list[Task]:
    from git_agent.actions.merging.batch import merge_order

    return merge_order(app)


def _merge(app: App, task: Task, options: dict[str, Any]) -> Answer:
    from git_agent.actions.merging.merge import merge
    from git_agent.render import json
    from git_agent.render import merge as merge_lines

    merged, dry_run = merge(app, task, **options), options["dry_run"]
    gone = merged.landed.retired if merged.landed else None
    removed = json.retired_json(gone) if gone else None
    own = _own_check(app, merged.task) if dry_run else ""
    said = [line + own for line in merge_lines.merge_lines(merged, dry_run)]
    return task_answer(app, merged.task, said, removed=removed, dry_run=dry_run)


def _queue(app: App, chosen: Sequence[Task], options: dict[str, Any]) -> Answer:
    from git_agent.actions.merging.queue import merge_queue
    from git_agent.actions.views.task import view
    from git_agent.domain.queue import exit_code
    from git_agent.render import json
    from git_agent.render import merge as merge_lines

    done, dry_run = merge_queue(app, chosen, **options), options["dry_run"]
    code = exit_code(done.outcomes)
    payload = lambda: {  # noqa: E731
        "tasks": [json.task_json(v) for v in view(app, done.tasks, counts=True)],
        **json.outcomes_json(done.outcomes, code),
        "removed": {str(i): json.retired_json(each.retired) for i, each in done.landed.items() if each.retired},
        "dry_run": dry_run,
    }
    said, talk = merge_lines.queue_lines(done, dry_run), merge_lines.problem_lines(done, dry_run)
    if dry_run:
        said += [f"{task.label} would be merged{own}" for task in done.tasks if (own := _own_check(app, task))]
    return Answer(payload, said, talk, exit=code)


def _already(app: App, found: Sequence[Task], oid: str) -> Answer:
    from git_agent.actions.merging.merge import record_merge

    done = [record_merge(app, task, oid or None) for task in found]
    lines = [f"{t.task.label} is {t.task.state}" + ("" if t.moved else " already") for t in done]
    return _several(app, [t.task for t in done], lines)
