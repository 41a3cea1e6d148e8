"""A line of the shallow file counts only where history is missing; objects in a worktree are not left to go with it."""

from __future__ import annotations

from shlex import split

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox


def _handed_in(repo: Sandbox) -> None:
    for number in (1, 2, 3, 4):
        repo.commit(None, "base.txt", f"{number}\n", f"Base {number}")
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "1\n", "Work 1")
    repo.commit(repo.worktree(1), "work.txt", "2\n", "Work 2")
    repo.agent("done", "1")


@pytest.fixture
def handed(repo: Sandbox, worlds: Worlds) -> Sandbox:
    return worlds.lend(repo, _handed_in)


def _end_at(repo: Sandbox, *names: str) -> None:
    (repo.path / ".git/shallow").write_text("".join(repo.git("rev-parse", name) + "\n" for name in names))


def _clone(repo: Sandbox, depth: int) -> Sandbox:
    """Make a shallow clone with one task that was handed in."""
    clone = Sandbox(repo.path.parent / "clone")
    repo.git("clone", "--quiet", "--depth", str(depth), f"file://{repo.path}", clone.path)
    clone.agent("init")
    clone.agent("spawn", "Work here")
    clone.commit(clone.worktree(1), "here.txt", "1\n")
    clone.agent("done", "1")
    return clone


@pytest.mark.parametrize("name", ["main", "main~1", "agent/1-work", "agent/1-work~1"])
def test_a_hidden_history_is_counted_and_hides_no_merge(handed: Sandbox, name: str) -> None:
    _end_at(handed, name)
    task = handed.tasks()[1]
    assert (task["ahead"], task["behind"]) == (2, 0)
    (handed.path / ".git/shallow").unlink()
    handed.git("merge", "--quiet", "--no-ff", "agent/1-work")
    _end_at(handed, "main", name)
    assert handed.tasks()[1]["state"] == "COMPLETED"


def test_a_check_that_hides_history_changes_nothing_of_its_own_merge(handed: Sandbox) -> None:
    handed.agent("approve", "1")
    handed.commit(None, "base.txt", "5\n", "Base 5")
    handed.git("config", "agent.check", "git rev-parse HEAD~1 HEAD~2 HEAD~3 >$(git rev-parse --git-common-dir)/shallow")
    handed.agent("merge", "1", "--strategy", "rebase")
    assert handed.tasks()[1]["state"] == "COMPLETED"
    (handed.path / ".git/shallow").unlink()
    assert handed.git("log", "--format=%s", "-3").splitlines() == ["Work 2", "Work 1", "Base 5"]


def test_a_line_that_names_no_commit_stops_nobody(handed: Sandbox) -> None:
    (handed.path / ".git/shallow").write_text("\nnonsense\n")
    handed.agent("approve", "1")
    found = handed.agent_json("doctor", exit=None)["findings"]
    assert [each["code"] for each in found] == ["objects-replaced"]
    handed.run(*split(found[0]["fix"]))
    handed.agent("merge", "1")
    handed.agent("doctor")


def test_a_shallow_clone_works_as_before(handed: Sandbox) -> None:
    clone = _clone(handed, 2)
    before = (clone.path / ".git/shallow").read_bytes()
    clone.agent("doctor")
    assert "shallow" not in clone.agent("approve", "1").err
    clone.agent("merge", "1")
    assert (clone.path / ".git/shallow").read_bytes() == before
    assert not (clone.path / ".git/git-agent/shallow").exists()


def test_in_a_shallow_clone_only_the_line_that_hides_history_is_left_out(handed: Sandbox) -> None:
    clone = _clone(handed, 3)
    genuine = (clone.path / ".git/shallow").read_text()
    (clone.path / ".git/shallow").write_text(genuine + clone.git("rev-parse", "agent/1-work-here") + "\n")
    assert clone.tasks()[1]["ahead"] == 1
    found = clone.agent_json("doctor", exit=None)["findings"]
    assert [each["code"] for each in found] == ["objects-replaced"]
    clone.run(*split(found[0]["fix"]))
    assert (clone.path / ".git/shallow").read_text() == genuine
    clone.agent("doctor")
    clone.agent("approve", "1")
    clone.agent("merge", "1")


def test_what_a_shallow_clone_fetches_later_is_counted_with_what_it_had(handed: Sandbox) -> None:
    clone = _clone(handed, 1)
    handed.commit(None, "base.txt", "5\n", "Base 5")
    clone.git("config", "agent.pullBase", "true")
    clone.git("fetch", "--quiet", "--depth", "1")  # git cuts the history off between both, although both are here
    clone.agent("spawn", "More")
    assert (clone.tasks()[1]["ahead"], clone.tasks()[1]["behind"]) == (1, 1)
    clone.agent("approve", "1")
    clone.agent("merge", "1")
    assert (clone.path / "base.txt").read_text() == "5\n"


def test_history_that_lacks_commits_behind_the_line_is_left_to_git(handed: Sandbox) -> None:
    clone = _clone(handed, 2)
    (clone.path / ".git/shallow").write_text(clone.git("rev-parse", "main") + "\n")
    assert clone.tasks()[1]["ahead"] == 1
    clone.agent("doctor")


@pytest.mark.parametrize("place", ["objects", 'build/a "b"/objects'])
def test_a_worktree_whose_objects_the_repository_borrows_is_not_removed(handed: Sandbox, place: str) -> None:
    lent = handed.worktree(1) / place
    handed.write(".git/info/exclude", "objects\n")
    lent.mkdir(parents=True)
    text = str(lent).replace('"', '\\"')
    handed.write(".git/objects/info/alternates", f'"{text}"\n')
    own = str(handed.path / ".git/objects")
    env = {"GIT_OBJECT_DIRECTORY": str(lent), "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{own}"'}
    handed.write("lent.txt", "lent\n", cwd=handed.worktree(1))
    commit = "git add lent.txt && git commit --quiet -m Lent"
    assert handed.run("sh", "-c", commit, cwd=handed.worktree(1), env=env).code == 0
    handed.agent("done", "1")
    handed.agent("approve", "1")
    handed.agent("merge", "1")
    assert lent.is_dir()
    found = handed.agent_json("doctor", exit=None)["findings"]
    assert "objects-borrowed" in [each["code"] for each in found]
    refused = handed.agent("rm", "1", "--force", "--unmerged", exit=3)
    assert "the repository borrows objects from" in refused.err
    assert handed.run("sh", "-c", next(f["fix"] for f in found if f["code"] == "objects-borrowed")).code == 0
    handed.agent("rm", "1", "--force", "--unmerged")
    assert not lent.exists()
    assert handed.git("show", "main:lent.txt") == "lent"
    assert handed.run("git", "fsck").code == 0
