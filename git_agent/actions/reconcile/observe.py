"""Ask git what happened to the branches of tasks and to their bases, before anything is recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.git.merging.boundaries import boundaries, lacking
from git_agent.git.merging.fork import moved_on
from git_agent.git.merging.merged import MergeProof, prove_merged
from git_agent.git.merging.movement import Movement
from git_agent.git.merging.provenance import came_in
from git_agent.git.refs import RESCUE
from git_agent.git.repo import Tips
from git_agent.record import Record
from git_agent.store.last_seen import Sight

Ends = tuple[str | None, str]
"""The commits between which a base, or its upstream, moved."""


class Observation(Record):
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


def observe(
    app: App, moved: Sequence[Sight], known: Mapping[int, Task], tips: Tips, follows: Mapping[str, str]
) -> list[Observation]:
    """Ask git everything before the store is locked; one answer serves all tasks of a base.

    moved: the tasks whose branch or base moved, as last seen
    known: the tasks as they are now
    tips: where the branches are
    follows: the ref that each base follows
    """
    asked = _Questions(app, moved, tips, follows)
    compared = [asked.compare(sight) for sight in moved]
    lacking = _find_lacking(compared)
    return [asked.conclude(each, known[each.sight.id], lacking) for each in compared]


class _Compared(Record):
    """A branch, compared with its base and with the upstream of that.

    moves: what is new on each of them, with its name
    inside: those of their tips that contain the branch
    fork, rewritten: as in Observation
    """

    sight: Sight
    tip: str
    moves: Sequence[tuple[Movement, str]]
    inside: Sequence[str]
    fork: str | None
    rewritten: bool

    @property
    def worked(self) -> bool:
        return bool(self.sight.worked) if self.inside else self.tip != self.fork


class _Questions:
    """Answers of git that serve several tasks."""

    def __init__(self, app: App, moved: Sequence[Sight], tips: Tips, follows: Mapping[str, str]) -> None:
        self._app, self._tips, self._follows = app, tips, follows
        self._holding = _holding(app, moved, tips, follows)
        self._movements: dict[tuple[str | None, str], Movement] = {}
        self._edges: dict[str, dict[str, frozenset[str]]] = {}
        for base in {sight.base for sight in moved}:
            new = {tips.heads.get(s.branch, s.head_oid) for s in moved if s.base == base}
            given = {tip for tip in new - {s.head_oid for s in moved} if tip is not None}
            self._edges[base] = boundaries(app.repo, tips.heads[base], given) if len(given) > 1 else {}

    def compare(self, sight: Sight) -> _Compared:
        """Compare a branch with its base and with the upstream of that."""
        tips, follows = self._tips, self._follows[sight.base]
        tip = tips.heads.get(sight.branch) or sight.head_oid or ""
        base, upstream = tips.heads[sight.base], tips.remotes.get(follows)
        ends = [(base, sight.base_seen, sight.base)]
        if upstream not in (None, base):
            ends.append((upstream or "", sight.upstream_seen, follows.removeprefix("refs/remotes/")))
        inside = [end for end, *_ in ends if _is_inside(self._app, sight, tip, end, self._holding, tips)]
        since = self._moved_to(sight.base_seen, base)
        moves = [(self._moved_to(seen or sight.base_oid or end, end), name) for end, seen, name in ends]
        return _Compared(sight, tip, moves, inside, self._fork(sight, tip, since), since.rewritten)

    def conclude(self, compared: _Compared, task: Task, lacking: Mapping[Ends, Mapping[str, str]]) -> Observation:
        """Find out how a branch was merged, if it was."""
        sight, tip, moves, inside, fork, rewritten = compared
        worked, proof = compared.worked, _Proof(None, "", False)
        if worked or inside:
            proof = _prove(sight, tip, moves, inside, fork, lacking)
        worked = bool(proof.merged) if inside else worked
        fork = fork if proof.merged is None else sight.base_oid
        there, carried = sight.branch in self._tips.heads, _carried(self._app, task, tip, self._tips)
        base, upstream = self._tips.heads[sight.base], self._tips.remotes.get(self._follows[sight.base])
        return Observation(task, tip, base, upstream, there, worked, *proof, carried, fork, rewritten)

    def _moved_to(self, old: str | None, new: str) -> Movement:
        app = self._app
        return self._movements.setdefault((old, new), Movement(app.repo, old, new, lambda: _branch_tips(app)))

    def _fork(self, sight: Sight, tip: str, move: Movement) -> str | None:
        """Return the branch's fork point now. Costs nothing when branch and base go on as they did.

        move: what is new on its base since it was last seen
        """
        fork = sight.base_oid
        if move.rewritten:
            fork = moved_on(move.repo, fork, move.old or "", tip)  # with what the base had then
        elif tip in self._edges[sight.base] and self._edges[sight.base][tip] == {fork}:
            return fork
        return fork if tip == sight.head_oid else moved_on(move.repo, fork, move.new, tip)


def _find_lacking(compared: Sequence[_Compared]) -> dict[Ends, dict[str, str]]:
    """Find the branches whose work a movement certainly did not bring, asking git once for all of them.

    Returns, for each movement, their tips with the fork points for which this holds.
    """
    moves, forks = dict[Ends, Movement](), dict[Ends, dict[str, str]]()
    for each in compared:
        for move, _ in each.moves:
            if each.worked and not each.inside and each.fork and move.old != move.new:
                ends = (move.old, move.new)
                moves[ends] = move
                forks.setdefault(ends, {})[each.tip] = each.fork
    asked = ((ends, move, forks[ends]) for ends, move in moves.items() if len(forks[ends]) > 1)
    return {ends: {tip: own[tip] for tip in lacking(move, own)} for ends, move, own in asked}


class _Proof(Record):
    """How a branch was merged, if it was, and where; and whether a new commit names its tip."""

    merged: MergeProof | None
    into: str
    named: bool


def _prove(
    sight: Sight,
    tip: str,
    moves: Sequence[tuple[Movement, str]],
    inside: Collection[str],
    fork: str | None,
    lacking: Mapping[Ends, Mapping[str, str]],
) -> _Proof:
    """Ask each movement, of the base and of its upstream, with their names, whether it brought the branch.

    inside: those of their new commits that contain the tip
    lacking: the tips whose work a movement did not bring, with their fork points
    """
    named = False
    for move, name in moves:
        if move.old == move.new or (inside and move.new not in inside):
            continue
        if inside and not came_in(move.repo, sight, tip, move.old or ""):
            continue
        lacks = fork is not None and lacking.get((move.old, move.new), {}).get(tip) == fork
        merged = prove_merged(move, task=sight.id, tip=tip, inside=bool(inside), fork=fork, lacks=lacks)
        if merged is not None:
            return _Proof(merged, name, named)
        named = named or (not inside and move.names(tip))
    return _Proof(None, "", named)


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
