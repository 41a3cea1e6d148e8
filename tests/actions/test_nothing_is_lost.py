"""What a removal would take along, and what waits for ever, is kept, named or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox


def _approved(repo: Sandbox, title: str, file: str = "work.txt") -> Path:
    worktree = Path(repo.agent("spawn", title).out.strip())
    repo.commit(worktree, file, f"{title}\n", title)
    repo.agent("done", cwd=worktree)
    repo.agent("approve", title)
    return worktree


def test_single_ignored_files_are_copied_aside_before_their_worktree_goes(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", "*.local\nbuild/\n", "Ignore")
    worktree = _approved(repo, "one")
    repo.write("notes.local", "precious\n", cwd=worktree)
    repo.write("build/made.local", "can be made again\n", cwd=worktree)
    said = repo.agent("merge", "one").out
    kept = repo.store.parent / "kept/1/1"
    assert f"kept under {kept}" in said
    assert [p.name for p in kept.rglob("*")] == ["notes.local"]
    assert (kept / "notes.local").read_text() == "precious\n"
    assert kept.stat().st_mode & 0o077 == 0


def test_an_ignored_file_too_large_to_copy_keeps_its_worktree(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", "*.local\n", "Ignore")
    worktree = _approved(repo, "one")
    with (worktree / "dump.local").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)
    assert "left: ignored, and too large to keep aside: dump.local" in repo.agent("merge", "one").out
    assert (worktree / "dump.local").exists()


def test_a_dry_run_builds_each_merge_on_the_one_before(repo: Sandbox) -> None:
    _approved(repo, "one", "same.txt")
    _approved(repo, "two", "same.txt")
    assert "merges cleanly" in repo.agent("merge", "two", "-n").out
    assert "same.txt" in repo.agent("merge", "one", "two", "-n", exit=4).err
    assert {t["state"] for t in repo.tasks().values()} == {"APPROVED"}


def test_all_goes_on_after_a_conflict_and_exits_4(repo: Sandbox) -> None:
    for title, file in (("one", "same.txt"), ("two", "same.txt"), ("three", "other.txt")):
        _approved(repo, title, file)
    repo.agent("merge", "--all", exit=4)
    states = sorted(t["state"] for t in repo.agent_json("list", "--all")["tasks"])
    assert states == ["COMPLETED", "COMPLETED", "WORKING"]


def test_the_last_commit_of_a_branch_deleted_by_hand_is_not_forgotten(repo: Sandbox) -> None:
    worktree = _approved(repo, "one")
    tip = repo.git("rev-parse", "agent/1-one").strip()
    repo.git("worktree", "unlock", str(worktree))
    repo.git("worktree", "remove", "--force", str(worktree))
    repo.git("branch", "-D", "agent/1-one")
    assert "deleted by hand" in repo.agent("path", "one", exit=1).err
    repo.agent("cancel", "1")
    assert "unmerged" in repo.agent("rm", "1", exit=3).err
    assert "removed" not in repo.agent("rm", "1", "--unmerged").out
    assert repo.git("rev-parse", "refs/git-agent/rescue/1/1").strip() == tip


def test_a_worktree_with_a_submodule_goes_unless_the_submodule_has_commits_of_its_own(repo: Sandbox) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    other = repo.path.parent / "other"
    repo.git("clone", "--quiet", str(repo.path), str(other))
    repo.git(*allowed, "submodule", "add", "--quiet", str(other), "sub")
    repo.git("commit", "--quiet", "-m", "Add a submodule")
    for title, own in (("one", False), ("two", True)):
        worktree = Path(repo.agent("spawn", title).out.strip())
        repo.git(*allowed, "submodule", "update", "--quiet", "--init", cwd=worktree)
        if own:
            repo.git("commit", "--quiet", "--allow-empty", "-m", "Own", cwd=worktree / "sub")
            repo.git("add", "sub", cwd=worktree)
        repo.commit(worktree, f"{title}.txt", "x\n", title)
        repo.agent("done", cwd=worktree)
        repo.agent("approve", title)
        said = repo.agent("merge", title).out
        assert ("submodule sub has commits that are on no remote" in said) is own
        assert worktree.exists() is own


@pytest.mark.parametrize(("verb", "way_out"), [(["cancel", "a"], "reopen"), (["fail", "a", "-m", "no"], "retry")])
def test_a_task_that_waits_for_ever_needs_a_person(repo: Sandbox, verb: list[str], way_out: str) -> None:
    repo.agent("spawn", "a")
    repo.agent("add", "b", "--after", "a")
    repo.agent(*verb)
    needs = repo.agent_json("status")["needs_you"]
    assert (2, f"git agent {way_out} 1") in [(n["task"], n["command"]) for n in needs]


def test_a_base_that_was_renamed_is_named_and_can_be_changed(repo: Sandbox) -> None:
    _approved(repo, "one")
    repo.git("branch", "-m", "main", "trunk")
    assert "the base 'main' is gone" in repo.agent("show", "one").out
    repo.agent("edit", "one", "--base", "trunk")
    assert repo.agent_json("merge", "one")["task"]["state"] == "COMPLETED"


def test_an_endless_body_is_refused_at_once(repo: Sandbox) -> None:
    assert "at most 65536" in repo.agent("add", "x", "-F", "-", stdin="y\n" * 200_000, exit=2).err
