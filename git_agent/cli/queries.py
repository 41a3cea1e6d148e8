"""Verbs that only read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from git_agent.app import App
from git_agent.cli.command import Answer, columns_option, screen, task_argument, verb
from git_agent.cli.parsing import Finite

if TYPE_CHECKING:
    from git_agent.domain.task import State


@verb("list", configured=True)
@click.option("--state", "states", multiple=True, metavar="STATE", help="List tasks in this state; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Include completed and cancelled tasks.")
@columns_option
def list_verb(app: App, states: Sequence[str], everything: bool, columns: bool) -> Answer:
    """List unfinished tasks by priority and age; with --all, also completed and cancelled ones.

    In a pipe, print a line for each task, separated by tabs: number, state, priority, name, agent, worker, age, title,
    hold.
    """
    from git_agent.actions.views.task import list_tasks

    as_json = bool(click.get_current_context().params.get("as_json"))
    found = list_tasks(app, [_state(s) for s in states], everything=everything, counts=as_json)
    if as_json:
        from git_agent.render import json

        return Answer({"tasks": [json.task_json(v) for v in found]})
    from git_agent.render import lines

    return Answer({}, lines.task_table(found, screen(app, columns=columns), holds=True))


def _state(text: str) -> State:
    from git_agent.domain.task import State
    from git_agent.errors import usage

    name = text.upper().replace("-", "_")
    if name not in State.__members__:
        raise usage("bad-state", f"'{text}' is not a state", "one of " + ", ".join(State))
    return State[name]


@verb("status", configured=True)
@task_argument()
@columns_option
def status_verb(app: App, task: str | None, columns: bool) -> Answer:
    """Show on one screen what waits for you, with the command to type next, then the workers and the queue."""
    if task is not None:
        return _shown(app, task)
    from git_agent.actions.views.status import status
    from git_agent.render import json, lines

    as_json = bool(click.get_current_context().params.get("as_json"))
    found = status(app, counts=as_json)
    payload = {
        "needs_you": [json.need_json(n) for n in found.needs_you],
        "tasks": [json.task_json(v) for v in found.tasks] if as_json else [],
        "health": {
            **found.health,
            "unacked": [json.unacknowledged_json(m) for m in found.unacked],
            "files_left": [{"task": task, **left._asdict()} for task, left in found.left],
        },
    }
    return Answer(payload, lines.status_lines(found, screen(app, columns=columns)))


def _shown(app: App, task: str | None) -> Answer:
    from git_agent.actions.lookup import find
    from git_agent.actions.views.show import show
    from git_agent.render import details, json

    found = show(app, find(app, task))
    left = {each.attempt: list(each.files) for each in found.left}
    payload = {
        "task": json.task_json(found.view),
        "why": found.why,
        "next": found.view.need.command if found.view.need else None,
        "attempts": [
            {"number": a.number, "branch": a.branch, "worktree": a.worktree, "uncommitted": left.get(a.number, [])}
            for a in found.attempts
        ],
        "commits": list(found.commits),
        "events": [json.event_json(e) for e in found.events],
        "messages": [json.message_json(said) for said in found.messages],
        "observed": list(found.observed),
        "sessions": [json.running_json(r) for r in found.running],
        "needs_you": [json.need_json(found.view.need)] if found.view.need else [],
    }
    return Answer(payload, details.task_details(found, screen(app)))


@verb("show", configured=True)
@task_argument()
def show_verb(app: App, task: str | None) -> Answer:
    """Show everything known about a task, and why it is stuck."""
    return _shown(app, task)


@verb("log")
@task_argument()
@click.option("--since", metavar="TIME", help="Start at a time: 30m, 12h or 7d ago, or a date as git accepts it.")
def log_verb(app: App, task: str | None, since: str | None) -> Answer:
    """Show a task's events, messages and commits by time. Without TASK, show the events of all tasks.

    With --json, each line is one object.
    """
    from git_agent.actions.lookup import find, parse_time
    from git_agent.actions.views.history import log
    from git_agent.render import json, lines

    found = find(app, task) if task is not None or app.worker_of else None
    entries = log(app, found, since_ms=None if since is None else parse_time(app, since))
    return Answer({}, map(lines.entry_line, entries), rows=[json.entry_json(e) for e in entries])


@verb("watch", looks=False)
@task_argument()
@click.option("--since", type=click.IntRange(0), metavar="SEQ", help="Print all events after this number first.")
def watch_verb(app: App, task: str | None, since: int | None) -> Answer:
    """Print events as they happen, one per line, until interrupted. With TASK, print those of one task.

    Meanwhile, reconcile with git as every command does, and notify a person (agent.notify). To miss no event and see
    none twice, remember the number of the last event and pass it to --since. With --json, each line is one object, as
    with `log --json`.
    """
    from git_agent.cli.watch import print_events

    print_events(app, task, since, as_json=bool(click.get_current_context().params["as_json"]))
    return Answer({}, rows=())


@verb("path")
@task_argument()
def path_verb(app: App, task: str | None) -> Answer:
    """Print the path of a task's worktree, for `cd "$(git agent path 7)"`."""
    from git_agent.actions.lookup import find
    from git_agent.actions.views.diff import path

    where = path(app, find(app, task))
    return Answer({"path": where}, [where])


@verb("stats")
@click.option(
    "--days", type=Finite(0, 36500), metavar="N", default=30.0, show_default=True, help="Cover the last N days."
)
def stats_verb(app: App, days: float) -> Answer:
    """Show how long tasks stay in each state, and how many were completed, failed or sent back."""
    from git_agent.actions.views.history import stats
    from git_agent.render import lines

    found = stats(app, days=days)
    payload = {
        "days": days,
        "tasks": dict(found.counts),
        "median_s": dict(found.median_s),
        "completed": found.completed,
        "failed": found.failed,
        "sent_back": found.sent_back,
        "attempts": found.attempts,
    }
    return Answer({"stats": payload}, lines.stats_lines(found, screen(app)))


@verb("conflicts")
@task_argument()
def conflicts_verb(app: App, task: str | None) -> Answer:
    """Show which live branches clash with their base or with each other, and the merge order with the fewest clashes.

    Each pair is merged in memory, once for its two commits. Uncommitted changes are not considered. With TASK, or
    inside a worker's worktree, show only the clashes of that task, and exit with 4 if there are any.

    In a pipe, print a line for each file: task, other task or `base`, and path, separated by tabs. Lines that begin
    with `claim` and `outside`, for path claims, follow, then one with `order`.
    """
    from git_agent.actions.lookup import find
    from git_agent.actions.merging.conflicts import conflicts
    from git_agent.errors import Exit
    from git_agent.render import conflicts as conflict_lines

    chosen = find(app, task) if task is not None or app.worker_of else None
    found = conflicts(app, chosen)
    exit = Exit.CONFLICT if chosen is not None and found.clashes else Exit.DONE
    return Answer(conflict_lines.conflicts_json(found), conflict_lines.conflict_lines(found, screen(app)), exit=exit)
