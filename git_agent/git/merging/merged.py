"""Determine whether a branch's work is in its base, and how it got there. Only git's proof or a trailer counts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from git_agent.git import history
from git_agent.git.merging.fork import find_start, raise_what_may_pass
from git_agent.git.merging.movement import MESSAGES, WALK, Movement, Paths
from git_agent.git.merging.pairs import merge_pairs
from git_agent.git.run import GitError
from git_agent.record import Record

_OWN = 200  # commits of a branch that are compared one by one
_ARGUMENTS = 100_000  # characters of paths on one command line; the smallest limit in use is 1 MB


class MergeProof(Record):
    """How a branch was merged. by: ff, merge, squash or rebase. oid: the commit of the base that holds the work."""

    by: str
    oid: str


class _Work(Record):
    """A branch's own work: what differs between start, where it left the base, and its tip."""

    move: Movement
    tip: str
    start: str
    paths: Paths

    @cached_property
    def fresh(self) -> frozenset[str]:
        """Return the base's new commits that the branch lacks: those it started from can't hold its work."""
        bound = (f"--max-count={MESSAGES}", *self.move.span, f"^{self.tip}")
        return frozenset(self.move.repo.git("rev-list", *bound, "--").text.split())

    @cached_property
    def own(self) -> dict[str, Paths]:
        """Return the branch's commits, newest first; merges change nothing by themselves, see _has_evil_merge."""
        bound = ("--no-merges", f"--max-count={_OWN + 1}", self.tip, f"^{self.move.new}")
        return dict(history.changed_by_commit(self.move.repo.git, *bound))

    @cached_property
    def since(self) -> Paths:
        """Return how the base changed the branch's paths since the branch left it."""
        given = tuple(self.paths) if sum(map(len, self.paths)) < _ARGUMENTS else ()
        return history.changed_between(self.move.repo.git, self.start, self.move.new, given)

    @cached_property
    def whole(self) -> str | None:
        """Return the digest of all its work."""
        return history.patches(self.move.repo.git, [f"{self.tip} {self.start}"]).get(self.tip)


def prove_merged(
    move: Movement, *, task: int, tip: str, inside: bool, fork: str | None = None, lacks: bool = False
) -> MergeProof | None:
    """Determine how a branch with work of its own was merged into its base; None when nothing proves it.

    move: what is new on the base.
    task: the number that a trailer may name.
    tip: the branch's full oid.
    inside: whether tip is an ancestor of move.new.
    fork: the branch's fork point, a full oid.
    lacks: whether the base is known to lack part of the branch's work, so that only a trailer can prove anything.
    A miss is better than a false answer: each kind of evidence must cover everything that the branch changes. The
    exception is the trailer, with which a person or a forge vouches for the merge: its commit must be newer than the
    tip, touch the same files and come from no task's branch.
    """
    if inside:
        return _by_ancestry(move, tip)
    if lacks and not move.said.get(task):
        return None
    start = find_start(move.repo, move.new, tip, fork).oid if move.old != move.new else None
    if start is None:
        return None
    try:
        work = _Work(move, tip, start, history.changed_between(move.repo.git, start, tip))
        return _by_content(work, task) if work.paths else None
    except (GitError, OSError) as error:  # such as a partial clone that lacks blobs while offline
        raise_what_may_pass(error)  # else the merge would never be looked for again
        return None


def _by_ancestry(move: Movement, tip: str) -> MergeProof:
    """Find the first commit on the base's own line that holds the tip: the oldest with a parent that does."""
    walk = ("rev-list", "--topo-order", "--reverse", "--parents", move.new, f"^{tip}", "--")
    parents = {oid: given for oid, *given in map(str.split, move.repo.git(*walk).text.splitlines())}
    holding = {tip}
    for oid, given in parents.items():
        if not holding.isdisjoint(given):
            holding.add(oid)
    at = first = move.new
    while at in parents:
        first = at if at in holding else first
        at = parents[at][0] if parents[at] else ""
    return MergeProof("ff", tip) if at == tip else MergeProof("merge", first)


def _by_content(work: _Work, task: int) -> MergeProof | None:
    # A path that the base has not changed since lacks the branch's change, whatever else happened.
    covered = work.paths.keys() <= work.move.touched | work.since.keys()
    verdict = (_squashed(work) or _one_by_one(work)) if covered else None
    return verdict or _by_trailer(work, task) or (_absorbed(work) if covered else None)


def _squashed(work: _Work) -> MergeProof | None:
    same = [oid for oid, paths in work.move.changed.items() if paths.keys() == work.paths.keys() and oid in work.fresh]
    for oid in same if work.whole else ():
        if work.move.digests(same)[oid] == work.whole:
            return _placed(work.move, "squash", oid)
    return None


def _placed(move: Movement, by: str, oid: str) -> MergeProof:
    """Map a commit that is not on the base's own line to the merge that brought it there.

    That merge is of the branch before an amend, or of another branch.
    """
    way = _by_ancestry(move, oid)
    return way if way.by == "merge" else MergeProof(by, oid)


def _one_by_one(work: _Work) -> MergeProof | None:
    """Prove that each commit was picked or rebased: the base has a commit with the same change."""
    own = [oid for oid, paths in work.own.items() if paths]
    shapes = {frozenset(work.own[oid]) for oid in own}
    there = [oid for oid, paths in work.move.changed.items() if frozenset(paths) in shapes and oid in work.fresh]
    if not own or len(work.own) > _OWN or {frozenset(work.move.changed[oid]) for oid in there} != shapes:
        return None
    digests = work.move.digests([*own, *there])
    wanted = {digests[oid] for oid in own}
    held = [oid for oid in there if digests[oid] in wanted]
    if {digests[oid] for oid in held} != wanted or _has_evil_merge(work):
        return None
    return _placed(work.move, "rebase", held[0])


def _has_evil_merge(work: _Work) -> bool:
    """Tell whether a merge into the branch differs from what git makes of it by itself: the difference is work, too."""
    shape = ("--merges", "--remerge-diff", "--format=", "--no-ext-diff", "--no-textconv", "--no-color")
    return bool(work.move.repo.git("log", *shape, work.tip, f"^{work.move.new}", "--").out.strip())


def _by_trailer(work: _Work, task: int) -> MergeProof | None:
    for oid in work.move.said.get(task, ()):
        if oid in work.fresh and oid not in work.move.authored:
            rows = work.move.repo.git("log", "--no-walk=unsorted", "--format=%ct %P", work.tip, oid, "--").text
            (made, *_), (said, *parents) = map(str.split, rows.splitlines())
            # It lacks what was committed later.
            if int(said) >= int(made) and _means(work, oid, parents):
                return _placed(work.move, "merge" if len(parents) > 1 else "squash", oid)
    return None


def _means(work: _Work, oid: str, parents: Sequence[str]) -> bool:
    """Tell whether a trailer means this task.

    A task of another clone may have the same number, and the commit may be of an earlier state of the branch.
    """
    git, move = work.move.repo.git, work.move
    [paths] = history.changed_by_commit(git, "--max-count=1", "--diff-merges=first-parent", oid).values()
    if paths.keys().isdisjoint(work.paths):
        return False
    if len(parents) > 1:
        return not any(move.repo.is_ancestor(parent, work.tip) for parent in parents[1:])
    line = ("--first-parent", f"--max-count={WALK}", f"{work.tip}^", f"^{move.new}", "--")
    stages = git("rev-list", *line).text.split()
    parts = {*history.patches(git, [f"{stage} {work.start}" for stage in stages]).values()}
    parts.update(digest for digest in move.digests([*work.own]).values() if digest)
    return move.digests([oid])[oid] not in parts


def _absorbed(work: _Work) -> MergeProof | None:
    """Prove that merging would change nothing from some new commit of the base on: squashed, perhaps edited since."""
    move, brought = work.move, None
    gone = "D" in work.since.values()  # perhaps renamed: then the change arrived under another name
    near = (oid for oid, paths in move.line.items() if gone or oid == move.new or paths.keys() & work.paths.keys())
    tried = [oid for oid in near if oid in work.fresh]
    for oid, tree in zip(tried, _trees(move, tried, work.tip), strict=True):
        if tree == move.trees[oid]:
            brought = oid
        elif brought:
            break
    return MergeProof("squash", brought) if brought else None


def _trees(move: Movement, oids: Sequence[str], tip: str) -> list[str | None]:
    """Merge tip into each of oids in memory; return the trees, None for a conflict."""
    found = merge_pairs(move.repo, [(oid, tip) for oid in oids], *move.drivers, unrelated=True)
    return [each.tree if each.clean else None for each in found]
