"""Compare many branches with their base at once: where each leaves it, and whether the base lacks its changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from git_agent.git import history
from git_agent.git.history import Change
from git_agent.git.merging.fork import raise_what_may_pass
from git_agent.git.merging.movement import Movement
from git_agent.git.repo import Repo
from git_agent.git.run import GitError

_TRIED = 3  # paths of a branch that are looked up in the base; one that the base lacks is enough
_SUBMODULE = "160000"


def boundaries(repo: Repo, base: str, tips: Collection[str]) -> dict[str, frozenset[str]]:
    """Map branches to the commits of the base that their own commits build on, with one git command.

    base, tips: full oids.
    A single one is the merge base. A branch into which its base was merged has several; one that the base contains has
    none. Where a commit is missing, nothing is known, and the result is empty.
    """
    given = "".join(f"{tip}\n" for tip in tips).encode()
    done = repo.git("rev-list", "--parents", "--boundary", "--stdin", f"^{base}", stdin=given, ok=(0, 128))
    if done.status:
        return {}
    own, edge = dict[str, list[str]](), set[str]()
    for line in done.text.splitlines():
        oid, *parents = line.split(" ")
        if oid.startswith("-"):
            edge.add(oid[1:])
        else:
            own[oid] = parents
    return {tip: frozenset(_reached(tip, own, edge)) for tip in tips}


def _reached(tip: str, own: Mapping[str, list[str]], edge: Collection[str]) -> Iterator[str]:
    waiting, seen = [tip], {tip}
    while waiting:
        for parent in own.get(waiting.pop(), ()):
            if parent in edge:
                yield parent
            elif parent not in seen:
                seen.add(parent)
                waiting.append(parent)


def lacking(move: Movement, forks: Mapping[str, str]) -> set[str]:
    """Return the branches whose base certainly lacks part of their work, with three git commands for all of them.

    move: what is new on the base.
    forks: by the full oid of its tip, the fork point of each branch.
    For the others, nothing is known. A path that the base has not changed since the branch left it proves this: the
    blob is the one that the branch started from, and not the one that it has now. A change of a mode proves nothing
    here, nor does a submodule.
    """
    edges = boundaries(move.repo, move.new, forks)
    left = {tip: fork for tip, fork in forks.items() if fork in edges.get(tip, ())}
    try:
        wanted = {tip: _untouched(move, each) for tip, each in history.changes_since(move.repo.git, left).items()}
        paths = {path for each in wanted.values() for path in each}
        held = history.blobs_of(move.repo.git, move.new, paths)
    except GitError as error:
        raise_what_may_pass(error)
        return set()  # such as a missing object, which concerns one of them
    return {tip for tip, before in wanted.items() if any(held[path] == blob for path, blob in before.items())}


def _untouched(move: Movement, changes: Sequence[Change]) -> dict[str, str | None]:
    """Map a few of the paths whose content a branch changes, and the base's new commits do not, to the blobs before."""
    fit = (each for each in changes if each.path not in move.touched and _is_comparable(each))
    return {each.path: each.blobs[0] if each.blobs[0].strip("0") else None for each in islice(fit, _TRIED)}


def _is_comparable(change: Change) -> bool:
    return change.blobs[0] != change.blobs[1] and _SUBMODULE not in change.modes and "\n" not in change.path
