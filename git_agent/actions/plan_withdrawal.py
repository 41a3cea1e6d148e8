"""Decide whether a merge can be taken out of its base again, as if it had never landed."""

from __future__ import annotations

from collections.abc import Iterator

from git_agent.app import App
from git_agent.domain.assumed import Assumed
from git_agent.domain.event import Event
from git_agent.domain.operation import take_back_command
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git import withdrawal
from git_agent.store import attempts, tasks


def plan_withdrawal(app: App, task: Task, event: Event, assumed: Assumed) -> dict[str, str]:
    """Return a merge's base, oid and old; event: that recorded it; assumed: what would be undone before it.

    Raises AgentError, exit 3 with what stands on it, and with the command that takes it back by a commit.
    """
    data = event.data
    base, oid, old = data["base"], data["oid"], data["old"]
    now, cannot = app.repo.branch_oid(base), f"cannot undo the merge of {task.label}: "
    tip = assumed.bases.get(base, now or "")
    if now is None or not app.repo.is_ancestor(oid, tip):
        raise _gone(app, task, event, now, cannot)
    if on := list(_standing(app, task, base, oid, tip, assumed)):
        hint = f"{take_back_command(data)}, on '{base}', takes it back by a commit"
        raise refused("built-upon", f"{cannot}{on[0]}", hint, tuple(on[1:]))
    withdrawal.withdraw(app.repo, base, now, old, "", dry_run=True)
    return {"base": base, "oid": oid, "old": old}


def _standing(app: App, task: Task, base: str, oid: str, tip: str, assumed: Assumed) -> Iterator[str]:
    own = {a.branch for a in attempts.of_task(task.id)}
    found = withdrawal.standing_on(app.repo, oid, base, own)
    if pushed := [name for name in found if name.startswith("remotes/")]:
        yield f"it was pushed: {', '.join(pushed)}"
    if tip != oid:
        yield f"'{base}' has later commits"
    yield from (f"{_named(name)} stands on it" for name in found if name not in pushed)
    again = [b for b, head in assumed.heads.items() if b not in own and app.repo.is_ancestor(oid, head)]
    yield from (f"{_named(name)} would stand on it" for name in again if name not in found)


def _named(name: str) -> str:
    """A branch that a task was just given has no commits yet, and nobody would think of it."""
    of = next(iter(tasks.by_branch(name)), None)
    return f"{name}, the branch of {of.label}," if of else name


def _gone(app: App, task: Task, event: Event, now: str | None, cannot: str) -> AgentError:
    data = event.data
    base, oid, old = data["base"], data["oid"], data["old"]
    if now is None or app.repo.is_ancestor(now, old):
        return refused("not-in-base", f"{cannot}'{base}' does not have it any more", f"git agent reopen {task.id}")
    found = withdrawal.rewritten(app.repo, now, oid, old, data["tip"])
    if found is None:
        says = f"{cannot}'{base}' does not have the commit {oid[:12]} any more"
        return refused("not-in-base", says, f"git log {base} tells whether its work is there")
    merges = len(found.parents) > 1
    by = "merge" if merges else "squash" if data["by"] == "merge" else data["by"]
    command = take_back_command({"by": by, "oid": found.oid, "old": old})
    says = f"{cannot}the merge commit was rewritten, it is {found.oid[:12]} now"
    return refused("rewritten", says, f"{command}, on '{base}', takes it back by a commit")
