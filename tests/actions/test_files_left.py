"""Files that an attempt left uncommitted are named wherever the next attempt begins, and where its task is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def tree(repo: Sandbox) -> Path:
    """Return the worktree of task 1, in which a new file and a changed one are not committed."""
    tree = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.commit(tree, "login", "half\n")
    repo.write("login", "more\n", cwd=tree)
    repo.write("draft", "half\n", cwd=tree)
    return tree


def named(text: str, tree: Path, attempt: int = 1) -> bool:
    """Tell whether a text names the files of an attempt, and their place, once."""
    return text.count(f"attempt {attempt} left files that are not committed: login, draft, in {tree}") == 1


def _failed(repo: Sandbox) -> None:
    repo.agent("fail", "1", "-m", "no")


def test_retry_names_them_and_so_does_what_begins_the_attempt(repo: Sandbox, tree: Path) -> None:
    _failed(repo)
    assert named(repo.agent("status").out, tree)  # what the next attempt would lack
    assert named(repo.agent("retry", "1").err, tree)
    assert named(repo.agent("spawn", "1").err, tree)


@pytest.mark.parametrize("verb", [("claim", "1"), ("claim",), ("spawn", "1"), ("run", "1", "--", "true")])
def test_what_begins_the_next_attempt_names_them(repo: Sandbox, tree: Path, verb: tuple[str, ...]) -> None:
    assert named(repo.agent("release", "1").err, tree)
    assert named(repo.agent(*verb, exit=None).err, tree)
    assert repo.tasks()[1]["attempt"] == 2


def test_reassign_names_them(repo: Sandbox, tree: Path) -> None:
    said = repo.agent("reassign", "1")
    assert named(said.err, tree) and "left files" not in said.out


def test_a_fresh_run_of_a_task_that_somebody_has_names_them(repo: Sandbox, tree: Path) -> None:
    assert named(repo.agent("run", "1", "--fresh", "--", "true", exit=1).err, tree)


def test_reopen_names_them(repo: Sandbox, tree: Path) -> None:
    repo.agent("cancel", "1")
    assert named(repo.agent("reopen", "1").err, tree)


def test_status_show_and_prime_name_them_until_they_are_gone(repo: Sandbox, tree: Path) -> None:
    repo.agent("reassign", "1")
    for verb in (("status",), ("show", "1"), ("status", "1")):
        assert named(repo.agent(*verb).out, tree), verb
    assert "files not committed: 2 (login, draft)" in repo.agent("prime", "1").out
    left = repo.agent_json("status")["health"]["files_left"]
    assert left == [{"task": 1, "attempt": 1, "worktree": str(tree), "files": ["login", "draft"]}]
    assert repo.agent_json("show", "1")["attempts"][0]["uncommitted"] == ["login", "draft"]
    repo.git("stash", "--include-untracked", cwd=tree)
    for verb in (("status",), ("show", "1")):
        assert "left files" not in repo.agent(*verb).out, verb


def test_each_attempt_that_left_some_is_named(repo: Sandbox, tree: Path) -> None:
    second = Path(repo.agent("reassign", "1").out.strip())
    repo.write("login", "other\n", cwd=second)
    repo.write("draft", "other\n", cwd=second)
    said = repo.agent("reassign", "1").err
    assert named(said, tree) and named(said, second, 2)


def test_many_files_are_counted(repo: Sandbox, tree: Path) -> None:
    for number in range(20):
        repo.write(f"f{number:02}", "x\n", cwd=tree)
    said = repo.agent("reassign", "1").err
    assert "login, draft, f00, f01, f02 and 17 more, in" in said


def test_the_files_of_the_attempt_that_goes_on_are_its_own(repo: Sandbox, tree: Path) -> None:
    for verb in (("status",), ("show", "1"), ("prime", "1"), ("start", "1")):
        said = repo.agent(*verb)
        assert "left files" not in said.out + said.err, verb


def test_a_worktree_that_is_gone_leaves_none(repo: Sandbox, tree: Path) -> None:
    repo.agent("release", "1")
    repo.git("worktree", "remove", "--force", "--force", tree)
    assert "left files" not in repo.agent("claim", "1").err
