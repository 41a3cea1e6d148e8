"""Land a batch: move the base once, then complete each task and retire its worktree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from git_agent.actions.merging.candidate import Candidate
from git_agent.actions.recovery.journal import new_operation, record_intent
from git_agent.actions.removal.remove import find_leftovers
from git_agent.actions.removal.retire import Retired, after_merge, record_removal, retire
from git_agent.actions.transition import require_current, transition
from git_agent.actions.worktrees import unlock_worktrees
from git_agent.app import App
from git_agent.domain.queue import name_tasks
from git_agent.domain.recovery import StepProgress
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError, refused
from git_agent.git.merging.land import land_commit
from git_agent.git.merging.unland import HALF_WRITTEN, unland
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.store import tasks
from git_agent.store.intents import Intent


class Entry(Record):
    """A task and the result of its merge into the previous entry, or into the base's tip for the first entry."""

    task: Task
    made: Candidate


class Landed(Record):
    """A task that landed. checkout: the worktree of the base that was fast-forwarded; retired: what was removed."""

    task: Task
    checkout: str | None
    retired: Retired | None


class Landing(Record):
    """What landed, in order; if nothing did, the tasks that changed since they were checked, and how."""

    landed: tuple[Landed, ...]
    changed: tuple[tuple[Task, AgentError], ...] = ()


def land(app: App, links: Sequence[Entry], *, keep: bool, fences: Mapping[str, int], log: str | None = None) -> Landing:
    """Move the base from where the first entry was built to the last entry, by one compare-and-swap.

    links: the entries of the batch
    keep: whether worktrees and branches stay
    fences: the fences of the locks held, by name
    log: the output of their check
    Call this inside `rollback_on_error`.
    Raises RefMoved when the base is elsewhere; AgentError: exit 3 when a checkout of the base forbids it, exit 6 when a
    lock was lost. Nothing has changed then.
    """
    base, old, new = links[0].task.base, links[0].made.base_oid, links[-1].made.oid
    whole = {"base": base, "base_old": old, "landing": new, "keep": keep, "log": log}
    plans = [whole | _own(link) for link in links]
    changed, begun = _begin(app, links, plans, fences)
    if changed:
        return Landing((), tuple(changed))
    try:
        says = f"git-agent: merge {name_tasks([link.task.id for link in links])}"
        where = land_commit(app.repo, base, new, old, says)
    except AgentError as error:
        if not _stands(app, base, new):
            if error.code == HALF_WRITTEN:
                raise  # the intents stay: the rollback, or the next command, restores the checkout
            with app.store.transaction():
                for intent in begun:
                    app.store.intents.end(intent)  # git refused and changed nothing: there is nothing to roll back
            raise
        where = None
    return Landing(tuple(_completed(app, links, plans, begun, where)))


def _own(link: Entry) -> dict[str, Any]:
    return {"old": link.made.base_oid, "new": link.made.oid, "tip": link.made.tip, "by": link.made.strategy}


def _begin(
    app: App, links: Sequence[Entry], plans: Sequence[Mapping[str, Any]], fences: Mapping[str, int]
) -> tuple[list[tuple[Task, AgentError]], list[int]]:
    # Ask git before the transaction, and again: a branch that moved while it was checked must not land.
    owner, _, heads = processes.myself(), app.speaker, app.heads
    with app.store.transaction():
        for name, number in fences.items():
            app.store.locks.require(name, number)
        changed = [
            (link.task, error)
            for link in links
            if (error := _changed(app, link, heads.get(link.task.branch or ""))) is not None
        ]
        pairs = [] if changed else zip(links, plans, strict=True)
        return changed, [record_intent(app, "merge", link.task.id, owner, plan) for link, plan in pairs]


def _changed(app: App, link: Entry, tip: str | None) -> AgentError | None:
    now = app.store.tasks.get(link.task.id)
    require_current(app, now)
    if now.version != link.task.version:
        return tasks.stale(now)
    if tip != link.made.tip:
        return refused("changed-meanwhile", f"{now.label} has new commits", f"git agent diff {now.id}")
    return app.store.intents.under_way_error(now.id) if app.store.intents.of_task(now.id) is not None else None


def _stands(app: App, base: str, oid: str) -> bool:
    now = app.repo.branch_oid(base)
    return now is not None and app.repo.is_ancestor(oid, now)


def _completed(
    app: App, links: Sequence[Entry], plans: Sequence[Mapping[str, Any]], begun: Sequence[int], where: str | None
) -> list[Landed]:
    """Complete each task that landed; a failure of one does not keep the others from being completed."""
    done, failed = list[Landed](), list[AgentError]()
    for link, plan, intent in zip(links, plans, begun, strict=True):
        try:
            retired = complete(app, link.task, intent, plan)
            done.append(Landed(app.store.tasks.get(link.task.id), where, retired))
        except AgentError as error:
            now = app.store.tasks.get(link.task.id)
            if now.state is State.COMPLETED:  # whatever is left of it can be removed later
                app.notice(f"{now.label} landed, but not everything of it could be removed: {error.message}")
                done.append(Landed(now, where, None))
            else:
                failed.append(error)
    if failed:
        raise failed[0]
    if not plans[0]["keep"]:
        _note_remote_branches(app, [each.task for each in done])
    return done


def _note_remote_branches(app: App, merged: Sequence[Task]) -> None:
    names = [each.branch.name for each in find_leftovers(app, {task.id for task in merged})]
    if names:
        them = "it" if len(names) == 1 else "them"
        pushed = f"after '{merged[0].base}' is pushed, git agent clean --remote deletes {them}"
        app.notice(f"still on a remote: {', '.join(names)}; {pushed}")


def complete(app: App, task: Task, intent: int, landed: Mapping[str, Any], *, by: str | None = None) -> Retired | None:
    """Mark a task COMPLETED and remove its worktrees and branches, unless they are to be kept.

    intent: the merge's intent
    landed: its data: base, old (the commit it was built on), new (the result), tip, by (the strategy), keep, and log
        (the output of its check, None without a check)
    by: the actor, if not the speaker
    The merge's intent becomes the removal's intent in one transaction, so that a crash between the two is recovered.
    Raises AgentError as transition does.
    """
    owner, _ = processes.myself(), app.speaker
    rest_data = after_merge(new_operation())
    data = {"by": landed["by"], "oid": landed["new"], "tip": landed["tip"], "base": landed["base"]}
    data |= {name: landed[name] for name in ("old", "log") if landed.get(name)}
    data["operation"] = rest_data["operation"]
    columns = {"merged_oid": landed["new"], "merged_by": landed["by"], "head_oid": landed["tip"]}
    with app.store.transaction():
        done = transition(app, task, Step.MERGE, by=by, intent=intent, data=data, **columns).task
        rest = None if landed["keep"] else record_removal(app, task.id, owner, rest_data)
    unlock_worktrees(app, done)
    return None if rest is None else retire(app, done, strict=False, intent=rest, begun=rest_data)


def observe(app: App, intent: Intent) -> StepProgress:
    """Report whether the base contains the commit of a task's merge."""
    return StepProgress(landed=_stands(app, intent.data["base"], intent.data["new"]))


def finish(app: App, intent: Intent) -> None:
    """Record a merge that landed, and retire the task's worktrees and branches."""
    complete(app, app.store.tasks.get(intent.task), intent.id, intent.data, by="repair")


def roll_back(app: App, intent: Intent) -> None:
    """Restore the checkout of a base whose fast-forward was interrupted, and end the intent.

    All intents of a batch describe the same checkout; once restored for one, it is not touched again for the others.
    """
    data = intent.data
    new, old = data.get("landing", data["new"]), data.get("base_old", data["old"])
    unland(app.repo, task=intent.task, base=data["base"], new=new, old=old)
    with app.store.transaction():
        app.store.intents.end(intent.id)
