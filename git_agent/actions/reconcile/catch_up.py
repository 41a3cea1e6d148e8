"""Record what git did to tasks since the last check: first commits, pushes, moved approvals, merges by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from git_agent.actions.reconcile.forks import Fork, keep_forks
from git_agent.actions.reconcile.observe import Observation, observe
from git_agent.actions.reconcile.pushed import hand_in, warn_pushed
from git_agent.actions.transition import transition
from git_agent.actions.worktrees import unlock_worktrees
from git_agent.app import App
from git_agent.domain.gates import hands_in
from git_agent.domain.message import Draft
from git_agent.domain.speaker import GIT, HUMAN
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError
from git_agent.git.merging.merged import MergeProof
from git_agent.git.repo import Tips
from git_agent.git.rescues import keep_handed_in
from git_agent.store import tasks
from git_agent.store.last_seen import Sight

# Another command is working on the task; the next command checks again.
_LATER = frozenset({"under-way", "changed-meanwhile", "wrong-state"})


def catch_up(app: App, moved: Sequence[Sight], follows: Mapping[str, str]) -> list[str]:
    """Check the tasks whose branch or base moved, and take the steps that git implies.

    moved: the tasks, as last seen
    follows: the ref that each base follows
    Returns a line for each task whose state changed. What was seen is recorded together with its step, so that a crash
    in between loses neither.
    """
    lines, merged, handed = list[str](), list[Task](), list[Observation]()
    # Read the tasks before asking git: otherwise an approval given in between would end because of an older tip.
    known = {s.id: app.store.tasks.get(s.id) for s in moved}
    tips = app.repo.start_tips()()
    here = [s for s in moved if s.base in tips.heads]
    looked = observe(app, here, known, tips, follows)
    lines += keep_forks(app, [_fork_of(seen) for seen in looked if seen.merged is None], tips)
    for seen in looked:
        if seen.worked and seen.merged is None and seen.tip in tips.arrived and hands_in(seen.task, seen.tip):
            keep_handed_in(app.repo, seen.task.id, seen.tip)
    with app.store.transaction():  # one transaction for all, since every task of a base sees it move
        for seen in looked:
            try:
                with app.store.transaction():
                    line = _step(app, seen, tips)
                    app.store.tasks.put(seen.task.id, **_observed(seen, tips))
            except AgentError as error:
                if error.code not in _LATER:
                    raise
                continue
            lines.append(line)
            merged += [seen.task] if seen.merged else []
            handed += [seen] if line and seen.tip in tips.arrived and hands_in(seen.task, seen.tip) else []
    for task in merged:
        unlock_worktrees(app, task)
    for seen in handed:
        lines += warn_pushed(app, seen.task, seen.tip)
    return [line for line in lines if line]


def _fork_of(seen: Observation) -> Fork:
    return Fork(seen.task.id, seen.task.base, seen.base, seen.fork, seen.rewritten)


def _observed(seen: Observation, tips: Tips) -> dict[str, Any]:
    ref = tips.arrived.get(seen.tip)
    columns: dict[str, Any] = {"base_seen": seen.base, "base_oid": seen.fork, "worked": int(seen.worked)}
    if seen.there:
        columns["head_oid"] = seen.tip
    if seen.upstream is not None:
        columns["upstream_seen"] = seen.upstream
    if ref is not None:
        columns |= {"pushed_oid": seen.tip, "pushed_ref": ref, "likely_oid": None}
    elif _is_gone(seen.task, tips):
        columns["pushed_ref"] = None
    elif seen.tip != seen.task.head_oid:
        columns["likely_oid"] = None
    return columns


def _is_gone(task: Task, tips: Tips) -> bool:
    ref = task.pushed_ref or ""
    return ref.startswith("refs/") and ref not in tips.remotes


def _step(app: App, seen: Observation, tips: Tips) -> str:
    task, tip = seen.task, seen.tip
    if seen.merged is not None:
        return _completed(app, task, seen, seen.merged)
    if not seen.there:
        return ""
    if task.state is State.APPROVED and tip != task.reviewed_oid:
        return _approval_moved(app, task, seen)
    ref = tips.arrived.get(tip)
    if seen.worked and ref is not None and hands_in(task, tip) and (line := hand_in(app, task, tip, ref, worked=1)):
        return line
    if task.state is State.ASSIGNED and seen.worked and tip != _start(app, task):
        done = transition(app, task, Step.START, seen=task, by=GIT, data={"tip": tip})
        return f"{task.label} has its first commit: WORKING" if done.moved else ""
    return _likely(app, task, seen, tips)


def _start(app: App, task: Task) -> str | None:
    """Return where the attempt's own work starts, after the commits of an earlier attempt or of an adopted branch."""
    attempt = app.store.attempts.find(task.id, task.attempt)
    return attempt.start_oid if attempt else None


def _completed(app: App, task: Task, seen: Observation, how: MergeProof) -> str:
    data = {"by": how.by, "oid": how.oid, "tip": seen.tip}
    done = transition(app, task, Step.MERGED, seen=task, by=GIT, data=data, merged_oid=how.oid, merged_by=how.by)
    if not done.moved:
        return ""  # another command saw it first and reports it
    pull = "" if seen.into == task.base else f" ('{task.base}' has it after git pull)"
    return f"{task.label} was merged into '{seen.into}' by hand: COMPLETED{pull}"


def _approval_moved(app: App, task: Task, seen: Observation) -> str:
    old, tip = task.reviewed_oid or "", seen.tip
    if seen.carried:
        now = app.store.tasks.get(task.id)
        if now.version != task.version:
            raise tasks.stale(task)
        if now.reviewed_oid != old:
            return ""  # another command carried it first and reports it
        app.store.tasks.put(task.id, reviewed_oid=tip)
        app.store.events.append("task.carried", GIT, task=task.id, epoch=task.epoch, data={"old": old, "new": tip})
        return f"{task.label} was rewritten and lands the same: its approval now applies to {tip[:12]}"
    data = {"reviewed_oid": old, "tip": tip}
    body = f"{task.label} has new commits since its approval for {old[:12]}: it is ready for review again"
    told = Draft(HUMAN, body, task.id, until=State.IN_REVIEW)
    done = transition(
        app, task, Step.MOVED, seen=task, by=GIT, drafts=(told,), data=data, reviewed_oid=None, reviewer=None
    )
    return f"{task.label} has new commits since its approval for {old[:12]}: IN_REVIEW again" if done.moved else ""


def _likely(app: App, task: Task, seen: Observation, tips: Tips) -> str:
    """Report a merge that git can't prove, such as an edited squash, here or on a forge that deleted the branch."""
    moved = seen.base != task.base_oid or seen.upstream not in (None, task.base_oid)
    gone = moved and _is_gone(task, tips)
    if not (seen.worked and task.live and task.likely_oid is None and (gone or seen.named)):
        return ""
    if app.store.tasks.get(task.id).likely_oid is not None:
        return ""  # another check has seen it and reports it
    oid = seen.upstream or seen.base
    why = f"its remote branch is gone and '{task.base}' moved on" if gone else f"a new commit of '{task.base}' names it"
    app.store.tasks.put(task.id, likely_oid=oid)
    data = {"base": oid, "ref": task.pushed_ref, "text": why}
    app.store.events.append("task.likely-merged", GIT, task=task.id, epoch=task.epoch, data=data)
    return f"{task.label} was likely merged ({why}); if so: git agent merge {task.id} --already"
