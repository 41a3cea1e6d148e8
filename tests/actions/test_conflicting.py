"""Conflicts are foreseen: what clashes is said, each pair of commits is merged once, and nothing is touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.breaking import sql
from tests.sandbox import Result, Sandbox
from tests.tables import ask
from tests.tables import change as write

TRACE = {"GIT_AGENT_TRACE": "1"}
HOSTILE = "src/\x1b]52;c;\u202eevil"


def spawn(repo: Sandbox, title: str, *changes: tuple[str, str | bytes], base: str = "main") -> Path:
    """Make a task whose branch has one commit with these files; return its worktree."""
    tree = Path(repo.agent("spawn", title, "--base", base).out.strip())
    for path, content in changes:
        repo.write(path, content, cwd=tree)
    if changes:
        repo.git("add", "--all", cwd=tree)
        repo.git("commit", "--quiet", "--message", title, cwd=tree)
    return tree


def pairs(found: dict[str, Any]) -> dict[tuple[int, Any], list[str]]:
    return {(pair["a"], pair["b"]): pair["paths"] for pair in found["pairs"]}


def merges_of(said: Result) -> int:
    return said.err.count("'merge-tree'")


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Return a repository with four tasks: 1 and 2 clash, 3 clashes with the base, 4 has no commit."""
    return prepare(template, tmp_path_factory.mktemp("made") / "repo")


def prepare(template: Path, path: Path) -> Sandbox:
    made = Sandbox(Path(shutil.copytree(template, path, symlinks=True)))
    made.agent("init")
    spawn(made, "One", ("src/app.py", "one\n"), (HOSTILE, "one\n"))
    spawn(made, "Two", ("src/app.py", "two\n"), (HOSTILE, "two\n"))
    spawn(made, "Three", ("docs/guide.md", "three\n"))
    spawn(made, "Four")
    made.commit(None, "docs/guide.md", "base\n")
    made.agent("list")
    return made


@pytest.fixture
def four(prepared: Sandbox, tmp_path: Path) -> Sandbox:
    """Return a copy of the prepared repository: its worktrees' git directories, which are all that is looked at."""
    return Sandbox(Path(shutil.copytree(prepared.path, tmp_path / "repo", symlinks=True)))


KNOWN = {(1, 2): [HOSTILE, "src/app.py"], (3, "base"): ["docs/guide.md"]}


@pytest.mark.rest
def test_a_second_run_merges_nothing_and_a_moved_tip_only_its_own_pairs(four: Sandbox) -> None:
    first = four.agent("conflicts", "--json", env=TRACE)
    assert pairs(first.json()) == KNOWN and first.json()["order"] == [3, 4, 1, 2]
    assert merges_of(first) == 1
    again = four.agent("conflicts", "--json", env=TRACE)
    assert again.json() == first.json() and merges_of(again) == 0
    # Task 4 gets a commit: three pairs and its base are new. Then the base moves: four are.
    tree = four.git("rev-parse", "agent/1-one^{tree}")
    oid = four.git("commit-tree", "-m", "x", "-p", "agent/4-four", tree)
    four.git("update-ref", "refs/heads/agent/4-four", oid)
    assert rows(four) == 10
    moved = four.agent("conflicts", "--json", env=TRACE)
    assert pairs(moved.json()) == {**KNOWN, (2, 4): [HOSTILE, "src/app.py"]} and merges_of(moved) == 1
    assert rows(four) == 10 + 4
    four.commit(None, "README.md", "moved\n")
    assert pairs(four.agent_json("conflicts")) == pairs(moved.json()) and rows(four) == 10 + 4 + 4
    # Attributes of the base count, and make all anew.
    four.commit(None, ".gitattributes", "*.md merge=union\n")
    assert (3, "base") not in pairs(four.agent_json("conflicts")) and rows(four) == 10 + 4 + 4 + 4


def rows(repo: Sandbox) -> int:
    return len(ask(repo.store, "SELECT a FROM clash"))


def test_what_is_known_of_commits_that_are_no_tips_any_more_is_forgotten(four: Sandbox) -> None:
    four.agent("conflicts")
    write(four.store, "UPDATE clash SET at = at - 90000000")
    before = rows(four)
    four.git("update-ref", "refs/heads/agent/4-four", "main")
    four.agent("conflicts")
    assert rows(four) <= before  # the pairs of its old tip went as those of the new one came


def test_nothing_of_the_repository_is_touched(four: Sandbox) -> None:
    four.agent("list")
    before = four.git("status", "--porcelain"), sorted((four.path / ".git/objects").rglob("*")), four.git("show-ref")
    assert pairs(four.agent_json("conflicts")) == KNOWN
    assert before == (
        four.git("status", "--porcelain"),
        sorted((four.path / ".git/objects").rglob("*")),
        four.git("show-ref"),
    )


@pytest.mark.parametrize(
    ("task", "exit", "clashing"),
    [("1", 4, [(1, 2)]), ("agent/2-two", 4, [(1, 2)]), ("three", 4, [(3, "base")]), ("4", 0, [])],
)
def test_of_one_task_only_its_own_are_said(four: Sandbox, task: str, exit: int, clashing: list[Any]) -> None:
    found = four.agent_json("conflicts", task, exit=exit)
    assert list(pairs(found)) == clashing and found["order"] == [3, 4, 1, 2]


def test_names_are_shown_with_what_drives_a_terminal_escaped(four: Sandbox) -> None:
    said = four.agent("conflicts").out
    assert "\x1b" not in said and "\u202e" not in said
    assert said.splitlines()[0] == "1\t2\tsrc/\\x1b]52;c;\\u202eevil"


def test_a_branch_or_base_that_is_gone_is_left_out_and_said(four: Sandbox) -> None:
    four.git("branch", "release", "main")
    four.agent("spawn", "Five", "--base", "release")
    for gone in ("agent/1-one", "release"):
        four.git("update-ref", "-d", f"refs/heads/{gone}")
    said = four.agent("conflicts", "--json")
    assert pairs(said.json()) == {(3, "base"): ["docs/guide.md"]} and said.json()["order"] == [2, 3, 4]
    assert "task 1 is left out: branch 'agent/1-one' is gone (git agent doctor)" in said.err
    assert "task 5 is left out: its base 'release' is gone (git agent edit 5 --base BRANCH)" in said.err
    for task, says in (("1", "branch 'agent/1-one' is gone"), ("5", "its base 'release' is gone")):
        assert f"error: task {task} can't be compared: {says}" in four.agent("conflicts", task, exit=3).err


def test_a_claim_that_git_can_not_read_keeps_nobody_from_the_others(four: Sandbox) -> None:
    four.agent("edit", "1", "--path", "src/")
    sql("INSERT INTO path_claim VALUES (2, ':(bogus)'), (3, 'src/x'), (4, 'docs/guide.md')")(four)
    said = four.agent("conflicts")
    assert "note: the claim of task 2 is left out: git can't read the path ':(bogus)'" in said.err
    assert "claim\t1\t3\tsrc/" in said.out


def test_a_task_that_nobody_works_on_yet_has_claims_alone(four: Sandbox) -> None:
    four.agent("add", "Five", "--path", "src/")
    four.agent("edit", "1", "--path", "src/")
    four.agent("release", "4")
    open_ = four.agent("conflicts", "5")
    assert "claim\t1\t5\tsrc/" in open_.out and "None" not in open_.err
    assert "task 5 is left out: it has no branch yet (git agent spawn 5)" in open_.err
    released = four.agent("conflicts", "4")
    assert "task 4 is left out: nobody works on branch 'agent/4-four' (git agent spawn 4)" in released.err


def test_an_orphan_clashes_with_all_on_no_path(four: Sandbox) -> None:
    oid = four.git("commit-tree", "-m", "orphan", "main^{tree}")
    four.git("update-ref", "refs/heads/agent/4-four", oid)
    found = pairs(four.agent_json("conflicts"))
    assert found == {**KNOWN, (1, 4): [], (2, 4): [], (3, 4): [], (4, "base"): []}


def test_a_stack_has_one_base_and_others_bases_never_meet(repo: Sandbox) -> None:
    repo.git("branch", "release")
    spawn(repo, "Lower", ("src/app.py", "lower\n"))
    spawn(repo, "Upper", ("src/app.py", "upper\n"), base="agent/1-lower")
    spawn(repo, "Beside", ("src/app.py", "beside\n"))
    spawn(repo, "Elsewhere", ("src/app.py", "elsewhere\n"), base="release")
    found = repo.agent_json("conflicts")
    assert pairs(found) == {(1, 3): ["src/app.py"], (2, 3): ["src/app.py"]}


def _submodule(repo: Sandbox, tree: Path, at: str) -> None:
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{at * 40},vendor/lib", cwd=tree)
    repo.git("commit", "--quiet", "--message", "Move the submodule", cwd=tree)


def _kinds(repo: Sandbox) -> None:
    repo.write("data.bin", bytes(range(256)))
    repo.write("run.sh", "echo\n")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/lib")
    repo.git("add", "data.bin", "run.sh")
    repo.git("commit", "--quiet", "--message", "All kinds")


CHANGES: dict[str, tuple[Callable[[Sandbox, Path], object], Callable[[Sandbox, Path], object], list[str]]] = {
    "binary": (
        lambda repo, tree: repo.commit(tree, "data.bin", b"\0one"),
        lambda repo, tree: repo.commit(tree, "data.bin", b"\0two"),
        ["data.bin"],
    ),
    "submodule": (
        lambda repo, tree: _submodule(repo, tree, "2"),
        lambda repo, tree: _submodule(repo, tree, "3"),
        ["vendor/lib"],
    ),
    "deleted": (
        lambda repo, tree: repo.git("rm", "--quiet", "run.sh", cwd=tree) + repo.git("commit", "-qm", "x", cwd=tree),
        lambda repo, tree: repo.commit(tree, "run.sh", "echo more\n"),
        ["run.sh"],
    ),
    "renamed": (
        lambda repo, tree: (
            repo.git("mv", "docs/guide.md", "one.md", cwd=tree) + repo.git("commit", "-qm", "x", cwd=tree)
        ),
        lambda repo, tree: (
            repo.git("mv", "docs/guide.md", "two.md", cwd=tree) + repo.git("commit", "-qm", "x", cwd=tree)
        ),
        ["docs/guide.md", "one.md", "two.md"],
    ),
    "directory": (
        lambda repo, tree: repo.commit(tree, "place", "a file\n"),
        lambda repo, tree: repo.commit(tree, "place/inside", "below\n"),
        ["place"],
    ),
}


def test_every_kind_of_conflict_is_seen(repo: Sandbox) -> None:
    _kinds(repo)
    expected = {}
    for at, (name, (one, other, paths)) in enumerate(CHANGES.items()):
        for change, title in ((one, f"{name} one"), (other, f"{name} other")):
            change(repo, spawn(repo, title))
        expected[(2 * at + 1, 2 * at + 2)] = paths
    found = repo.agent_json("conflicts")
    assert pairs(found) == expected
    (sha256 := repo.path.with_name("sha256")).mkdir()
    other_format = Sandbox(sha256)
    other_format.git("init", "--quiet", "--object-format=sha256")
    other_format.commit(None, "a", "a\n")
    other_format.git("sparse-checkout", "set", "nothing")
    other_format.git("branch", "one")
    spawn(other_format, "One", ("a", "one\n"))
    spawn(other_format, "Two", ("a", "two\n"))
    assert pairs(other_format.agent_json("conflicts")) == {(1, 2): ["a"]}


def test_merge_all_begins_with_what_clashes_least_and_shares_what_is_known(template: Path, tmp_path: Path) -> None:
    four = prepare(template, tmp_path / "repo")
    for task in "1234":
        four.agent("start", task)
        four.agent("done", task, "--allow-empty")
        four.agent("approve", task)
    four.agent("conflicts")
    said = four.agent("merge", "--all", "--dry-run", env=TRACE, exit=None)
    assert "'--stdin'" not in said.err
    assert [line.split()[1] for line in said.out.splitlines() if "cleanly" in line][:2] == ["4", "1"]
    assert "error: task 3 would be held: it conflicts" in said.err, said.err[-2000:]
