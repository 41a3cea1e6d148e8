"""Record what git did to tasks since the last check: first commits, pushes, moved approvals, merges by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from git_agent.actions.reconcile.forks import Fork, keep_forks
from git_agent.actions.reconcile.pushed import hand_in, warn_pushed
from git_agent.actions.transition import transition
from git_agent.actions.worktrees import unlock_worktrees
from git_agent.app import App
from git_agent.domain.gates import hands_in
from git_agent.domain.message import Draft
from git_agent.domain.speaker import GIT, HUMAN
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError
from git_agent.git.merging.fork import moved_on
from git_agent.git.merging.merged import MergeProof, prove_merged
from git_agent.git.merging.movement import Movement
from git_agent.git.merging.provenance import came_in
from git_agent.git.refs import RESCUE
from git_agent.git.repo import Tips
from git_agent.git.rescues import keep_handed_in
from git_agent.record import Record
from git_agent.store import tasks
from git_agent.store.last_seen import Sight

# Another command is working on the task; the next command checks again.
_LATER = frozenset({"under-way", "changed-meanwhile", "wrong-state"})


class _Seen(Record):
    """What git shows of a task.

    upstream: the tip of the base's upstream, None without one
    there: whether the task's branch exists
    merged: how it was merged, if it was; into: where
    named: whether a new commit of the base names its tip
    carried: whether its approval also holds for the new tip
    fork: its fork point
    rewritten: whether its base no longer contains the commit at which it was last seen
    """

    task: Task
    tip: str
    base: str
    upstream: str | None
    there: bool
    worked: bool
    merged: MergeProof | None
    into: str
    named: bool
    carried: bool
    fork: str | None
    rewritten: bool


def catch_up(app: App, moved: Sequence[Sight], follows: Mapping[str, str]) -> list[str]:
    """Check the tasks whose branch or base moved, and take the steps that git implies.

    moved: the tasks, as last seen
    follows: the ref that each base follows
    Returns a line for each task whose state changed. What was seen is recorded together with its step, so that a crash
    in between loses neither.
    """
    lines, merged, handed = list[str](), list[Task](), list[_Seen]()
    # Read the tasks before asking git: otherwise an approval given in between would end because of an older tip.
    known = {s.id: app.store.tasks.get(s.id) for s in moved}
    tips = app.repo.start_tips()()
    here = [s for s in moved if s.base in tips.heads]
    looked = _look(app, here, known, tips, follows)
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


def _look(
    app: App, moved: Sequence[Sight], known: Mapping[int, Task], tips: Tips, follows: Mapping[str, str]
) -> list[_Seen]:
    """Ask git everything before the store is locked; one answer serves all tasks of a base."""
    found: list[_Seen] = []
    movements: dict[tuple[str | None, str], Movement] = {}

    def moved_to(old: str | None, new: str) -> Movement:
        return movements.setdefault((old, new), Movement(app.repo, old, new, lambda: _branch_tips(app)))

    holding = _holding(app, moved, tips, follows)
    for sight in moved:
        tip = tips.heads.get(sight.branch) or sight.head_oid or ""
        base, upstream = tips.heads[sight.base], tips.remotes.get(follows[sight.base])
        ends = [(base, sight.base_seen, sight.base)]
        if upstream not in (None, base):
            ends.append((upstream or "", sight.upstream_seen, follows[sight.base].removeprefix("refs/remotes/")))
        inside = [end for end, *_ in ends if _is_inside(app, sight, tip, end, holding, tips)]
        since = moved_to(sight.base_seen, base)
        fork, rewritten = _fork(sight, tip, since), since.rewritten
        worked = bool(sight.worked) if inside else tip != fork
        moves = [(moved_to(seen or sight.base_oid or end, end), name) for end, seen, name in ends]
        proof = _prove(sight, tip, moves, inside, fork) if worked or inside else _Proof(None, "", False)
        worked = bool(proof.merged) if inside else worked
        fork = fork if proof.merged is None else sight.base_oid
        task = known[sight.id]
        there, carried = sight.branch in tips.heads, _carried(app, task, tip, tips)
        found.append(_Seen(task, tip, base, upstream, there, worked, *proof, carried, fork, rewritten))
    return found


class _Proof(Record):
    """How a branch was merged, if it was, and where; and whether a new commit names its tip."""

    merged: MergeProof | None
    into: str
    named: bool


def _prove(
    sight: Sight, tip: str, moves: Sequence[tuple[Movement, str]], inside: Collection[str], fork: str | None
) -> _Proof:
    """Ask each movement, of the base and of its upstream, with their names, whether it brought the branch.

    inside: those of their new commits that contain the tip
    """
    named = False
    for move, name in moves:
        if move.old == move.new or (inside and move.new not in inside):
            continue
        if inside and not came_in(move.repo, sight, tip, move.old or ""):
            continue
        merged = prove_merged(move, task=sight.id, tip=tip, inside=bool(inside), fork=fork)
        if merged is not None:
            return _Proof(merged, name, named)
        named = named or (not inside and move.names(tip))
    return _Proof(None, "", named)


def _fork_of(seen: _Seen) -> Fork:
    return Fork(seen.task.id, seen.task.base, seen.base, seen.fork, seen.rewritten)


def _fork(sight: Sight, tip: str, move: Movement) -> str | None:
    """Return the branch's fork point now. Costs nothing when the branch stands still and its base is not rewritten.

    move: what is new on its base since it was last seen
    """
    fork = sight.base_oid
    if move.rewritten:
        fork = moved_on(move.repo, fork, move.old or "", tip)  # with what the base had then
    return fork if tip == sight.head_oid else moved_on(move.repo, fork, move.new, tip)


def _branch_tips(app: App) -> set[str]:
    """Return where tasks' branches have been: as last seen, as reviewed, and as rescued."""
    return app.store.last_seen.tips() | set(app.repo.refs(RESCUE).values())


def _holding(app: App, moved: Iterable[Sight], tips: Tips, follows: Mapping[str, str]) -> dict[str, set[str]]:
    """Map the tips of bases and upstreams to the branches that they contain, with one query for each tip.

    A tip for which git fails, because one branch of the repository is damaged, is left out.
    """
    refs = {f"refs/heads/{s.base}": tips.heads[s.base] for s in moved}
    refs |= {follows[s.base]: tips.remotes[follows[s.base]] for s in moved if follows[s.base] in tips.remotes}
    how = ("--format=%(refname:lstrip=2)", "refs/heads")
    asked = {oid: app.repo.start("for-each-ref", f"--merged={oid}", *how, ok=(0, 128)) for oid in refs.values()}
    answers = ((oid, answer()) for oid, answer in asked.items())
    return {oid: set(done.text.splitlines()) for oid, done in answers if done.status == 0}


def _is_inside(app: App, sight: Sight, tip: str, end: str, holding: Mapping[str, set[str]], tips: Tips) -> bool:
    if sight.branch in tips.heads and end in holding:
        return sight.branch in holding[end]
    return app.repo.resolve(tip) is not None and app.repo.is_ancestor(tip, end)


def _carried(app: App, task: Task, tip: str, tips: Tips) -> bool:
    """Tell whether the approval holds for the new tip: merging that gives the same tree as what was reviewed."""
    if task.state is not State.APPROVED or task.reviewed_oid in (None, tip) or task.base not in tips.heads:
        return False
    from git_agent.git.merging.landed import lands_same

    return lands_same(app.repo, tips.heads[task.base], task.reviewed_oid or "", tip, task.base_oid)


def _observed(seen: _Seen, tips: Tips) -> dict[str, Any]:
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


def _step(app: App, seen: _Seen, tips: Tips) -> str:
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


def _completed(app: App, task: Task, seen: _Seen, how: MergeProof) -> str:
    data = {"by": how.by, "oid": how.oid, "tip": seen.tip}
    done = transition(app, task, Step.MERGED, seen=task, by=GIT, data=data, merged_oid=how.oid, merged_by=how.by)
    if not done.moved:
        return ""  # another command saw it first and reports it
    pull = "" if seen.into == task.base else f" ('{task.base}' has it after git pull)"
    return f"{task.label} was merged into '{seen.into}' by hand: COMPLETED{pull}"


def _approval_moved(app: App, task: Task, seen: _Seen) -> str:
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


def _likely(app: App, task: Task, seen: _Seen, tips: Tips) -> str:
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
