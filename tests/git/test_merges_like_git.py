"""Merges of a whole history, beside git's own: the same tree or the same conflicts, and what lands is the same.

MERGE_HISTORY=PATH takes the newest merges of a real repository in place of the history that is made here.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from git_agent.git.merging.land import land_commit
from git_agent.git.merging.merge import Clean, commit_merge, try_merge
from git_agent.git.merging.rebase import Conflict
from git_agent.git.merging.settings import read_settings
from git_agent.git.repo import Repo
from git_agent.git.run import git
from tests.git.histories import generate
from tests.sandbox import Sandbox

MERGES, FEW = 300, 60
LANDED, FEW_LANDED = 60, 6
TASKS, FEW_TASKS = 20, 2
Pairs = list[tuple[str, str]]


@pytest.fixture(scope="module")
def history(home: Path, tmp_path_factory: pytest.TempPathFactory, every_step: bool) -> tuple[Sandbox, Pairs]:
    """Return a repository and pairs of commits to merge: the parents of its merges."""
    sandbox = Sandbox(tmp_path_factory.mktemp("history") / "repo")
    real = os.environ.get("MERGE_HISTORY")
    if real is None:
        git("init", "--quiet", str(sandbox.path))
        return sandbox, generate(sandbox.path, "of merges", MERGES if every_step else FEW)
    git("clone", "--quiet", "--shared", "--no-checkout", real, str(sandbox.path))
    args = ("rev-list", "--all", "--min-parents=2", "--max-parents=2", f"--max-count={MERGES}", "--parents")
    pairs = [tuple(line.split()[1:]) for line in sandbox.git(*args).splitlines()]
    return sandbox, pairs  # type: ignore[return-value]


def alike(history: tuple[Sandbox, Pairs], tmp_path: Path) -> Sandbox:
    """Give a test its own repository with the same objects and no branches."""
    made = Sandbox(tmp_path / "repo")
    git("clone", "--quiet", "--shared", "--no-checkout", str(history[0].path), str(made.path))
    return made


def of_git(sandbox: Sandbox, ours: str, theirs: str) -> str | tuple[str, ...]:
    """Merge as git does by itself, in a checkout whose attributes are those of `ours`: the tree, or what conflicts."""
    args = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    done = git(*args, cwd=str(sandbox.path), ok=(0, 1))
    tree, *paths = done.fields
    return tree if done.status == 0 else tuple(dict.fromkeys(filter(None, paths)))


def of_ours(repo: Repo, ours: str, theirs: str) -> str | tuple[str, ...]:
    tried = try_merge(repo, ours, theirs)
    return tried.tree if isinstance(tried, Clean) else tried.paths


@pytest.mark.rest
@pytest.mark.timeout(600)
def test_each_merge_gives_the_tree_or_the_conflicts_of_gits_own(history: tuple[Sandbox, Pairs], tmp_path: Path) -> None:
    sandbox, pairs = alike(history, tmp_path), history[1]
    attributes = {
        pair: sandbox.git("rev-parse", "--verify", "--quiet", f"{pair[0]}:.gitattributes", check=False)
        for pair in pairs
    }
    repo, here, kinds = Repo.open(str(sandbox.path)), None, Counter[str]()
    for pair in sorted(pairs, key=lambda pair: attributes[pair]):
        if attributes[pair] != here:
            here = attributes[pair]
            sandbox.git("checkout", "--quiet", "--force", "--detach", pair[0])
        expected = of_git(sandbox, *pair)
        assert of_ours(repo, *pair) == expected, pair
        kinds["tree" if isinstance(expected, str) else "conflict"] += 1
    print(f"{len(pairs)} merges: {dict(kinds)}, attributes of {len(set(attributes.values()))} kinds")
    assert os.environ.get("MERGE_HISTORY") or min(kinds["tree"], kinds["conflict"]) >= len(pairs) // 5


@pytest.mark.timeout(600)
def test_what_lands_in_a_checkout_is_what_git_merge_lands(
    history: tuple[Sandbox, Pairs], tmp_path: Path, every_step: bool
) -> None:
    sandbox, pairs = alike(history, tmp_path), history[1][:: len(history[1]) // (LANDED if every_step else FEW_LANDED)]
    sandbox.git("checkout", "--quiet", "-B", "main", pairs[0][0])
    theirs = Sandbox(tmp_path / "git")
    sandbox.git("worktree", "add", "--quiet", "--detach", theirs.path, pairs[0][0])
    for ours, tip in pairs:
        sandbox.git("reset", "--quiet", "--hard", ours)
        theirs.git("reset", "--quiet", "--hard", ours)
        merged = theirs.run("git", "merge", "--quiet", "--no-ff", "--no-edit", tip)
        repo = Repo.open(str(sandbox.path))
        tried = try_merge(repo, ours, tip)
        if isinstance(tried, Conflict):
            unmerged = theirs.git("diff", "--name-only", "--diff-filter=U", "-z").split("\0")
            assert (merged.code, {*unmerged, *tried.paths} - {""}) == (1, set(tried.paths)), (ours, tip)
        else:
            oid = commit_merge(repo, tried.tree, [ours, tip], "Merge", read_settings(repo, "main"))
            land_commit(repo, "main", oid, ours, "merge")
            assert whole(sandbox) == whole(theirs) and merged.code == 0, (ours, tip)


def whole(sandbox: Sandbox) -> tuple[str, ...]:
    """Return what a merge left: the tree, the parents, the index, and what the checkout shows."""
    asked = (("rev-parse", "HEAD^{tree}", "HEAD^1", "HEAD^2"), ("ls-files", "--stage"), ("status", "--porcelain"))
    return tuple(sandbox.git(*args) for args in asked)


@pytest.mark.rest
@pytest.mark.timeout(600)
def test_a_task_that_is_merged_lands_what_git_merge_lands(
    history: tuple[Sandbox, Pairs], tmp_path: Path, every_step: bool
) -> None:
    sandbox, pairs = alike(history, tmp_path), history[1]
    repo, number = Repo.open(str(sandbox.path)), TASKS if every_step else FEW_TASKS
    sandbox.git("checkout", "--quiet", "-B", "main", pairs[0][0])
    clean = [pair for pair in pairs[: 4 * number] if isinstance(try_merge(repo, *pair), Clean)][:number]
    for task, (ours, tip) in enumerate(clean, 1):
        sandbox.git("branch", f"base-{task}", ours)
        sandbox.git("branch", f"work-{task}", tip)
        sandbox.agent("spawn", f"Task {task}", "--base", f"base-{task}", "--branch", f"work-{task}")
        sandbox.git("checkout", "--quiet", "--detach", ours)
        sandbox.git("merge", "--quiet", "--no-ff", "--no-edit", tip)
        for verb in ("start", "done", "approve", "merge"):
            sandbox.agent(verb, str(task))
        assert sandbox.git("rev-parse", f"base-{task}^{{tree}}") == sandbox.git("rev-parse", "HEAD^{tree}"), (ours, tip)
        assert sandbox.git("rev-parse", f"base-{task}^1", f"base-{task}^2").split() == [ours, tip]
    assert len(clean) == number
