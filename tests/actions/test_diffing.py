"""`diff` passes git's options on, and shows what changed since a review."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def two(repo: Sandbox) -> Sandbox:
    """Return a repository where task 1 changed two files."""
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "f.txt", "f\n")
    repo.commit(repo.worktree(1), "src/g.txt", "g\n")
    return repo


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (("--name-only",), "f.txt\nsrc/g.txt\n"),
        (("--name-only", "--", "src"), "src/g.txt\n"),
        (("--", "--name-only"), "f.txt\nsrc/g.txt\n"),
        (("--", "--name-only", "f.txt"), "f.txt\n"),
        (("--", "-S", "g", "--name-only", "--", "f.txt", "src"), "src/g.txt\n"),
        (("--name-status", "--diff-filter=D"), ""),
    ],
)
def test_options_and_paths_are_git_s(two: Sandbox, words: tuple[str, ...], out: str) -> None:
    assert two.agent("diff", "1", *words).out == out
    assert two.agent("diff", *words, cwd=two.worktree(1)).out == out
    assert two.agent_json("diff", "1", *words)["diff"] == out.rstrip("\n")


def test_white_space_and_words_are_compared_as_git_does(two: Sandbox) -> None:
    two.commit(None, "a.txt", "one two\n")
    two.agent("spawn", "Other")
    two.commit(two.worktree(2), "a.txt", "one  two\n")
    assert two.agent("diff", "2", "-w").out == ""
    assert "[-one two-]" not in two.agent("diff", "2", "-w", "--word-diff").out
    assert "one  two" in two.agent("diff", "2", "--word-diff").out


@pytest.mark.parametrize("option", ["--wrd", "--diff-algorithm=none", "--word-diff=none-such", "-Ux"])
def test_what_git_does_not_know_is_a_usage_error_and_no_look(two: Sandbox, option: str) -> None:
    two.agent("done", "1")
    assert two.agent("diff", "1", option, exit=2).err.startswith("error: git diff: ")
    assert two.agent_json("diff", "1", option, exit=2)["error"]["hint"] == "git help diff"
    two.commit(two.worktree(1), "later.txt", "x\n")
    two.agent("approve", "1")  # nothing was shown, so nothing has moved since


def test_only_a_look_at_everything_counts_as_a_look(two: Sandbox) -> None:
    two.agent("done", "1")
    two.agent("diff", "1", "--name-only")
    two.agent("diff", "1", "--", "f.txt")
    two.commit(two.worktree(1), "more.txt", "more\n")
    two.agent("approve", "1")
    two.agent("request-changes", "1", "-m", "More")
    two.agent("done", "1", "--allow-empty")
    two.agent("diff", "1", "-w")
    two.commit(two.worktree(1), "evil.txt", "evil\n")
    assert "has moved" in two.agent("approve", "1", exit=3).err


def names(repo: Sandbox) -> list[str]:
    return repo.agent("diff", "1", "--since-review", "--name-only").out.split()


def test_what_changed_since_changes_were_requested(two: Sandbox) -> None:
    two.agent("done", "1")
    two.agent("request-changes", "1", "-m", "More")
    assert names(two) == []
    two.commit(two.worktree(1), "more.txt", "more\n")
    assert names(two) == ["more.txt"]


def test_what_changed_since_an_approval(two: Sandbox) -> None:
    two.agent("done", "1")
    two.agent("approve", "1")
    two.commit(two.worktree(1), "more.txt", "more\n")
    assert names(two) == ["more.txt"]
    said = two.agent_json("diff", "--since-review", "1")
    assert said["base"] == two.git("rev-parse", "agent/1-work~1") and "more.txt" in said["diff"]


@pytest.mark.parametrize("how", [("rebase", "--quiet", "main"), ("merge", "--quiet", "--no-edit", "main")])
def test_what_the_base_brought_meanwhile_is_no_change(two: Sandbox, how: tuple[str, ...]) -> None:
    two.agent("done", "1")
    two.agent("request-changes", "1", "-m", "More")
    two.commit(None, "theirs.txt", "theirs\n")
    two.git(*how, cwd=two.worktree(1))
    two.commit(two.worktree(1), "more.txt", "more\n")
    assert names(two) == ["more.txt"]


def test_before_a_review_there_is_nothing_to_compare_with(two: Sandbox) -> None:
    said = two.agent("diff", "1", "--since-review", exit=1).err
    assert "was not reviewed yet" in said and "hint: git agent diff 1" in said


def test_show_says_a_reason_once_and_how_long_ago(two: Sandbox) -> None:
    two.agent("fail", "1", "-m", "It can't be done")
    lines = two.agent("show", "1").out.splitlines()
    assert sum("It can't be done" in line for line in lines if not line.strip()[0:1].isdigit()) == 1
    assert any(line.startswith("  state      FAILED, ") and line.endswith(" ago") for line in lines)
    assert sum(" ago " in line for line in lines) >= 3
    assert two.agent_json("show", "1")["task"]["state_at"].endswith("Z")


def test_a_reason_that_is_not_said_otherwise_stays(two: Sandbox) -> None:
    two.agent("cancel", "1", "-m", "Not needed")
    assert "  reason     Not needed" in two.agent("show", "1").out
