"""Remove the worktrees and branches of a task that needs them no more; tips are kept under the rescue refs first."""

from __future__ import annotations

import os
from dataclasses import dataclass

from git_agent.actions.begin import begin
from git_agent.actions.obstacles import obstacles
from git_agent.actions.remove_attempt import remove_attempt
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git import worktrees
from git_agent.proc import processes
from git_agent.store import attempts, events, intents, tasks
from git_agent.store.attempts import Attempt


@dataclass(frozen=True, slots=True)
class Retired:
    """What went, what stayed and why, and the refs under which the commits are kept."""

    worktrees: tuple[str, ...]
    branches: tuple[str, ...]
    kept: tuple[str, ...]
    rescued: tuple[str, ...]


def retire(
    app: App,
    task: Task,
    *,
    strict: bool = True,
    force: bool = False,
    unmerged: bool = False,
    dry_run: bool = False,
    intent: int | None = None,
) -> Retired:
    """Remove every attempt's worktree and branch.

    strict: refuse as a whole when something stands in the way, else leave that attempt and say so; force: also with
    uncommitted or untracked files (kept as a commit); unmerged: also branches whose work is not in the base; dry_run:
    only look; intent: of this removal, if it is written already; call it inside `under_way`. Raises AgentError (exit 3)
    with the list.
    """
    present = attempts.present(task.id)
    found = {a.number: obstacles(app, task, a, force=force, unmerged=unmerged) for a in present}
    lines = tuple(line for number in found for line in found[number])
    if strict and lines:
        raise _refusal(task, lines)
    going = [a for a in present if not found[a.number]]
    if dry_run or not (going or intent):
        return _plan(app, going, lines)
    done = _plan(app, going, lines)
    intent = _announce(app, task, going, {"force": force, "unmerged": unmerged}, intent)
    rescued = [ref for attempt in going for ref in remove_attempt(app, task, attempt, force=force)]
    _record(app, task, going, rescued, intent)
    return Retired(done.worktrees, done.branches, lines, tuple(rescued))


def _announce(app: App, task: Task, going: list[Attempt], how: dict[str, bool], intent: int | None) -> int:
    owner, data = processes.myself(), {"attempts": [a.number for a in going], "rest": intent is not None, **how}
    with app.store.transaction():
        if intent is None:
            return begin(app, "remove", task.id, owner, data)
        intents.update(intent, data)
        return intent


def _plan(app: App, going: list[Attempt], kept: tuple[str, ...]) -> Retired:
    """Name what is there to be removed: a person may have taken some of it away already."""
    return Retired(
        tuple(a.worktree for a in going if a.worktree and os.path.lexists(a.worktree)),
        tuple(a.branch for a in going if not a.adopted and app.repo.branch_oid(a.branch)),
        kept,
        (),
    )


def _is_gone(app: App, attempt: Attempt) -> bool:
    if attempt.worktree is not None and worktrees.observe(app.repo, attempt.worktree).registered:
        return False
    return bool(attempt.adopted) or app.repo.branch_oid(attempt.branch) is None


def _record(app: App, task: Task, going: list[Attempt], rescued: list[str], intent: int) -> None:
    gone = [a for a in going if _is_gone(app, a)]
    actor = app.speaker.actor
    with app.store.transaction():
        for attempt in gone:
            attempts.remove(task.id, attempt.number)
            if attempt.number == task.attempt:
                tasks.put(task.id, worktree=None)
        if gone:
            data = {"attempts": [a.number for a in gone], "rescued": rescued}
            events.append("task.removed", actor, task=task.id, epoch=task.epoch, data=data)
        intents.end(intent)


def _refusal(task: Task, lines: tuple[str, ...]) -> AgentError:
    if any(line.startswith("locked") for line in lines):
        says = f"cannot remove {task.label}: somebody locked its worktree"
        return refused("worktree-locked", says, "git worktree unlock PATH, if it may go", lines)
    unmerged = any(line.startswith("unmerged") for line in lines)
    other = any(not line.startswith("unmerged") for line in lines)
    flags = " ".join(flag for flag, wanted in (("--force", other), ("--unmerged", unmerged)) if wanted)
    return refused(
        "would-lose-work",
        f"cannot remove {task.label}: work would be lost",
        f"git agent rm {task.id} {flags}; commits and files are kept under refs/git-agent/rescue/{task.id}/",
        lines,
    )
