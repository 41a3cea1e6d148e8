"""Find the tasks of the queue that can't be started, so that the next one is claimed and a person learns the reason."""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Iterable, Sequence

from git_agent.actions.worktrees import worktree_root
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.advice import base_gone
from git_agent.domain.gates import Blocked
from git_agent.domain.reaping import back_off_s
from git_agent.domain.speaker import GIT
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError
from git_agent.git import refs
from git_agent.store import meta

# Errors that concern one task. Any other one, such as a full disk, keeps every task from being started.
_OF_ONE_TASK = frozenset(
    {
        *("unknown-base", "branch-exists", "branch-clash", "ref-moved", "no-branch", "branch-taken", "branch-moved"),
        *("target-exists", "worktree-lost", "git-failed", "setup-failed", "context-tracked", "leads-outside"),
    }
)

_Reasons = dict[int, tuple[str, str]]


def find_unstartable(app: App, queue: Iterable[Task], *, due: bool = False) -> dict[int, Blocked]:
    """Map those OPEN tasks that can't be started to the reason and the command that helps.

    queue: tasks in any state.
    due: also return those that could not be started and that `claim` may try again by now.
    Costs one query for all, and one system call for each OPEN task.
    """
    tasks = [task for task in queue if task.state is State.OPEN]
    if not tasks:
        return {}
    bases = app.sighted_heads
    gone = {task.id: base_gone(task) for task in tasks if task.base not in bases}
    found = _tried(app, tasks, due) | _in_the_way(app, tasks) | gone
    return {task: Blocked(task, why, command=command) for task, (why, command) in found.items()}


def _tried(app: App, tasks: Sequence[Task], due: bool) -> _Reasons:
    if not (noted := app.store.meta.under(meta.UNSTARTED)):
        return {}
    found, now = _Reasons(), app.store.now()
    for task in tasks:
        record = json.loads(noted.get(str(task.id), "{}"))
        if record.get("version") == task.version and (due or record["until"] > now):
            found[task.id] = (f"could not be started: {record['why']}", f"git agent spawn {task.id}")
    return found


def _in_the_way(app: App, tasks: Sequence[Task]) -> _Reasons:
    try:
        prefix = app.config.prefix
    except AgentError:
        return {}  # every verb that creates a branch reports it
    directory, found = worktree_root(app), _Reasons()
    branches = {task.id: names.branch_for(prefix, task.id, task.name, task.attempt + 1) for task in tasks}
    clashes = refs.clashing_branches(branches.values(), app.sighted_heads)
    for task in tasks:
        path = f"{directory}/{names.directory_for(task.id, task.name, task.attempt + 1)}"
        if (other := clashes.get(branches[task.id])) is not None:
            found[task.id] = f"the branch '{other}' is in the way", make_room(task.id, branches[task.id], other)
        elif _is_taken(path):
            found[task.id] = f"its place {path} is taken", f"mv {shlex.quote(path)} {shlex.quote(path + '.aside')}"
    return found


def make_room(task: int, branch: str, other: str) -> str:
    """Return the command for a task whose new branch can't coexist with another one: adopt that one, or rename it."""
    if other == branch:
        return f"git agent spawn {task} --branch {shlex.quote(other)}"
    return f"git branch -m {shlex.quote(other)} NEW-NAME"


def _is_taken(path: str) -> bool:
    try:
        return not stat.S_ISDIR(os.lstat(path).st_mode) or bool(os.listdir(path))
    except FileNotFoundError:
        return False
    except OSError:
        return os.path.lexists(path)


def note_failure(app: App, task: Task, error: AgentError) -> bool:
    """Record that a task of the queue could not be started. Return False if the error is not one of this task alone.

    task: the task as it is in the queue again.
    `claim` passes over it for 30 s, then for twice as long after each further failure. `edit` ends that.
    """
    if error.code not in _OF_ONE_TASK:
        return False
    key, actor = f"{meta.UNSTARTED}{task.id}", app.speaker.actor or GIT
    with app.store.transaction():
        before = json.loads(app.store.meta.get(key) or "{}")
        times = 1 + (before["times"] if before.get("version") == task.version else 0)
        until = app.store.now() + int(back_off_s(times) * 1000)
        record = {"version": task.version, "times": times, "until": until, "why": error.message}
        app.store.meta.put(key, json.dumps(record))
        data = {"why": error.message, "text": error.message}
        app.store.events.append("task.not-started", actor, task=task.id, epoch=task.epoch, data=data)
    return True
