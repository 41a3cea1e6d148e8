"""Forecast merges pairwise; git is asked only once for each pair of commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import UNWRITABLE, AgentError, Exit
from git_agent.git.run import GitError
from git_agent.record import Record
from git_agent.store import merge_cache
from git_agent.store.merge_cache import CachedMerge

if TYPE_CHECKING:
    from git_agent.git.merging.inputs import MergeInputs

Sides = tuple[int, int | None]
"""A task and another one, or None for its base."""

_MANY = 100  # branches; twice as many make 20,000 pairs, which take 50 ms just to list


class Foreseen(Record):
    """The conflicts and their paths; no paths when the histories are unrelated. unknown: pairs that were not tried."""

    pairs: Mapping[Sides, tuple[str, ...]]
    unknown: int


class _Pair(Record):
    """The two sides of a merge: b is merged into a, with the attributes of the commit `under`."""

    sides: Sides
    a: str
    b: str
    under: str


def foresee(app: App, found: Sequence[Task], *, most: int | None = None) -> Foreseen:
    """Merge each task's branch with its base and with the other branches in memory, unless the result is known.

    found: the tasks
    most: the limit for a quick answer; None means no limit
    With a limit, no new pairs are tried if there are more than `most`, or if merging runs a program (merge.*.driver).
    Nothing is tried at all with more than 100 branches. Older answers count even if attributes or configuration have
    changed since. Branches of different bases never meet and are not merged; a stack counts as one base.
    """
    if most is not None and len(found) > _MANY:
        return Foreseen({}, len(found) * (len(found) + 1) // 2)
    heads = app.sighted_heads
    forked = _forked(app, found, heads)
    pairs = _pairs(found, heads, forked)
    known = app.store.merge_cache.known({oid for pair in pairs for oid in (pair.a, pair.b)})
    terms = _terms(app, pairs) if most is None else {}
    lacking = [p for p in pairs if not _answers(known.get((p.a, p.b)), terms.get(p.under))]
    if lacking and (most is None or (len(lacking) <= most and not _runs_programs(app))):
        try:
            fresh = _merged(app, lacking, terms or _terms(app, lacking))
        except (GitError, OSError):  # a missing object or a full disk must not stop a command that asks in passing
            if most is None:
                raise
            fresh = {}
        _keep(app, fresh, {*heads.values(), *(oid for made in forked.values() for oid in made)})
        known = {**known, **fresh}
        lacking = [p for p in lacking if (p.a, p.b) not in fresh]
    told = {p.sides: known[p.a, p.b].paths for p in pairs if (p.a, p.b) in known}
    return Foreseen({sides: paths for sides, paths in told.items() if paths is not None}, len(lacking))


def _runs_programs(app: App) -> bool:
    """A merge driver may do anything and take any time, so it runs only for commands that ask for merges."""
    from git_agent.git.merging.merge import has_merge_drivers

    return has_merge_drivers(app.repo)


def _answers(found: CachedMerge | None, term: MergeInputs | None) -> bool:
    return found is not None and (term is None or term.digest == found.terms)


def _forked(app: App, found: Iterable[Task], heads: Mapping[str, str]) -> dict[int, tuple[str, str, str]]:
    """Map tasks whose base does not contain their fork point to commits that merge as their branches land.

    The first two are merged instead of base and branch, the third is merged with other branches.
    """
    forks, made = app.forks, dict[int, tuple[str, str, str]]()
    for task in found:
        base, tip, fork = heads.get(task.base), heads.get(task.branch or ""), forks.get(task.id)
        if fork is not None and base is not None and tip is not None:
            from git_agent.git.merging.landed import as_landed, sides

            ends = sides(app.repo, base, tip, fork)
            if ends.fork is not None:
                made[task.id] = (ends.base, ends.tip, as_landed(app.repo, base, ends) or tip)
    return made


def _pairs(found: Iterable[Task], heads: Mapping[str, str], forked: Mapping[int, tuple[str, str, str]]) -> list[_Pair]:
    here = [t for t in found if t.branch in heads]
    bases = {t.branch: t.base for t in here}
    tips = {t.id: forked[t.id][2] if t.id in forked else heads[t.branch or ""] for t in here}
    pairs = []
    for task in here:
        if task.base in heads:
            a, b, _ = forked.get(task.id, (heads[task.base], tips[task.id], ""))
            pairs.append(_Pair((task.id, None), a, b, heads[task.base]))
    for one, other in combinations(here, 2):
        root = _root(one, bases)
        stacked = one.base == other.branch or other.base == one.branch
        if root in heads and root == _root(other, bases) and not stacked:
            a, b = sorted((tips[one.id], tips[other.id]))
            pairs.append(_Pair((one.id, other.id), a, b, heads[root]))
    return [pair for pair in pairs if pair.a != pair.b]


def _root(task: Task, bases: Mapping[str | None, str]) -> str:
    """Return the base of the lowest branch of a stack."""
    base, seen = task.base, set[str]()
    while base in bases and base not in seen:
        seen.add(base)
        base = bases[base]
    return base


def _terms(app: App, pairs: Iterable[_Pair]) -> dict[str, MergeInputs]:
    from git_agent.git.merging.inputs import merge_inputs

    return {under: merge_inputs(app.repo, under) for under in {pair.under for pair in pairs}}


def _merged(
    app: App, lacking: Sequence[_Pair], terms: Mapping[str, MergeInputs]
) -> dict[merge_cache.Pair, CachedMerge]:
    from git_agent.git.merging.merge import try_merges

    fresh: dict[merge_cache.Pair, CachedMerge] = {}
    for under, term in terms.items():
        wanted = list(dict.fromkeys((p.a, p.b) for p in lacking if p.under == under))
        of = f"merging {len(wanted)} pairs in memory"
        given = try_merges(app.repo, under, wanted, partial(_progress, app, of), attributes=term.attributes)
        fresh |= {
            pair: CachedMerge(term.digest, got if got is None else got.paths)
            for pair, got in zip(wanted, given, strict=True)
        }
    return fresh


def _progress(app: App, of: str, done: int) -> None:
    app.progress(f"{of}: {done} done")


def _keep(app: App, fresh: Mapping[merge_cache.Pair, CachedMerge], tips: Iterable[str]) -> None:
    try:
        with app.store.transaction():
            app.store.merge_cache.put(fresh, set(tips))
    except AgentError as error:
        if error.code not in UNWRITABLE and error.exit is not Exit.BUSY:
            raise
