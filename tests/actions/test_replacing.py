"""Replace refs and grafts stand in for objects; git agent reviews, checks and merges the real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

Trick = Callable[[Sandbox], None]


@pytest.fixture
def handed(repo: Sandbox) -> Sandbox:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "good.txt", "good\n")
    repo.commit(repo.worktree(1), "work.txt", "EVIL\n")
    repo.agent("done", "1")
    return repo


def _blob(repo: Sandbox) -> None:
    good = repo.git("rev-parse", "agent/1-work:good.txt")
    repo.git("replace", "agent/1-work:work.txt", good)


def _tree(repo: Sandbox) -> None:
    repo.git("replace", "agent/1-work^{tree}", "agent/1-work~1^{tree}")


def _commit(repo: Sandbox) -> None:
    repo.git("replace", "agent/1-work", "agent/1-work~1")


def _grafted(repo: Sandbox) -> None:
    """Leave the commit before the last one out of the branch's history, and the last one, too."""
    repo.git("replace", "--graft", "main", "agent/1-work~1")


def _grafts(repo: Sandbox) -> None:
    tip, base = repo.git("rev-parse", "agent/1-work"), repo.git("rev-parse", "main")
    (repo.path / ".git/info/grafts").write_text(f"{base} {tip}\n")


TRICKS = [_blob, _tree, _commit, _grafted, _grafts]


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_diff_shows_what_the_commits_hold(handed: Sandbox, trick: Trick, words: list[str]) -> None:
    trick(handed)
    shown = handed.agent("diff", "1", *words).out
    assert "EVIL" in shown and "+good" in shown


@pytest.mark.parametrize("trick", TRICKS)
def test_a_merge_lands_what_was_approved(handed: Sandbox, trick: Trick, tmp_path: Path) -> None:
    handed.agent("approve", "1")
    trick(handed)
    seen = tmp_path / "seen"
    asked = "cat work.txt good.txt", "git log --format=%s", "git show HEAD:work.txt"
    handed.git("config", "agent.check", f"({'; '.join(asked)}) >'{seen}'")
    handed.agent("merge", "1")
    assert (handed.path / "work.txt").read_text() == "EVIL\n"
    assert seen.read_text().startswith("EVIL\ngood\n") and seen.read_text().endswith("EVIL\n")
    assert seen.read_text().count("Change a file") == 2
    assert handed.git("--no-replace-objects", "cat-file", "-p", "main:work.txt") == "EVIL"


@pytest.mark.parametrize("trick", TRICKS)
def test_a_branch_that_seems_to_have_no_commits_is_counted_right(handed: Sandbox, trick: Trick) -> None:
    trick(handed)
    shown = handed.agent_json("show", "1")
    assert shown["task"]["ahead"] == 2
    assert len(shown["commits"]) == 2


@pytest.mark.parametrize(
    ("trick", "named"), [(_blob, "a replace ref"), (_grafted, "a replace ref"), (_grafts, "grafts")]
)
def test_approve_and_doctor_name_them(handed: Sandbox, trick: Trick, named: str) -> None:
    trick(handed)
    said = handed.agent("approve", "1").err
    assert f"because of {named}, git may show something else than what was approved" in said
    found = handed.agent_json("doctor", exit=None)["findings"]
    assert [each["code"] for each in found] == ["objects-replaced"]


def test_the_hint_of_doctor_removes_it(handed: Sandbox) -> None:
    _blob(handed)
    fix = handed.agent_json("doctor", exit=None)["findings"][0]["fix"]
    handed.git(*fix.partition("; git ")[2].partition(",")[0].split())
    handed.agent("doctor")
    assert "replace" not in handed.agent("approve", "1").err


@pytest.mark.rest
def test_many_branches_are_counted_by_their_real_history(repo: Sandbox) -> None:
    repo.agent("init")
    for number in range(62):
        repo.git("branch", f"side-{number}", "main")
    for number in range(1, 63):
        repo.agent("spawn", f"Work {number}", "--base", f"side-{number - 1}")
    repo.commit(repo.worktree(1), "a.txt", "a\n")
    repo.commit(repo.worktree(1), "b.txt", "b\n")
    tip = repo.git("rev-parse", "HEAD", cwd=repo.worktree(1))
    (repo.path / ".git/info/grafts").write_text(f"{tip}\n")
    assert repo.tasks()[1]["ahead"] == 2


def test_what_was_rescued_is_shown_as_it_is(handed: Sandbox) -> None:
    handed.agent("cancel", "1")
    handed.agent("rm", "1", "--unmerged")
    kept = handed.git("for-each-ref", "--format=%(refname)", "refs/git-agent/rescue/1/").split()[0]
    handed.git("replace", kept, "main")
    assert "EVIL" in handed.agent("rescue", "show", "1/1").out
