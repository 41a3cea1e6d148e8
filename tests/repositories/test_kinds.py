"""Every kind of repository: shallow, partial, sparse, SHA-256, borrowed objects, filters that are missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.sandbox import Sandbox


def merged_one(sandbox: Sandbox) -> Path:
    """Walk a task from spawn to a merged base; return where its worktree was."""
    where = Path(sandbox.agent_json("spawn", "Fix login")["task"]["worktree"])
    sandbox.commit(where, "login.py", "fixed\n")
    sandbox.agent("done", cwd=where)
    sandbox.agent("approve", "1")
    sandbox.agent("merge", "1")
    assert sandbox.tasks()[1]["state"] == "COMPLETED"
    assert sandbox.git("show", "main:login.py") == "fixed"
    assert sandbox.git("status", "--porcelain") == ""
    return where


def test_a_shallow_clone(repo: Sandbox, tmp_path: Path) -> None:
    shallow = Sandbox(tmp_path / "shallow")
    repo.git("clone", "--quiet", "--depth=1", repo.path.as_uri(), str(shallow.path))
    merged_one(shallow)


def test_a_partial_clone_gets_the_files_of_the_worktree(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    partial = Sandbox(tmp_path / "partial")
    repo.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", repo.path.as_uri(), str(partial.path))
    where = Path(partial.agent_json("spawn", "Look", "--base", "main")["task"]["worktree"])
    assert (where / "src" / "app.py").read_text() == (repo.path / "src" / "app.py").read_text()


def test_a_partial_clone_whose_remote_is_gone_is_rolled_back(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    partial = Sandbox(tmp_path / "partial")
    repo.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", repo.path.as_uri(), str(partial.path))
    repo.path.rename(tmp_path / "away")
    result = partial.agent("spawn", "Look", "--base", "main", exit=1)
    assert result.err.startswith("error: ") and "Traceback" not in result.err
    assert partial.git("branch", "--list", "agent/*") == ""
    assert not (tmp_path / "partial.worktrees").exists()
    assert partial.tasks() == {}


def test_a_sparse_checkout_is_sparse_in_the_worktree_too(repo: Sandbox) -> None:
    repo.git("sparse-checkout", "set", "--no-cone", "/src/", "/login.py")
    where = Path(repo.agent_json("spawn", "Look")["task"]["worktree"])
    assert (where / "src" / "app.py").exists()
    assert not (where / "docs").exists()
    assert repo.git("status", "--porcelain", cwd=where) == ""
    repo.agent("cancel", "1")
    repo.agent("rm", "1")
    assert not where.exists()


def test_a_sparse_checkout_can_be_merged_into(repo: Sandbox) -> None:
    repo.git("sparse-checkout", "set", "--no-cone", "/src/", "/login.py")
    merged_one(repo)
    assert not (repo.path / "docs").exists()


def test_a_sha256_repository(tmp_path: Path) -> None:
    new = Sandbox(tmp_path / "new")
    new.path.mkdir()
    new.git("init", "--quiet", "--object-format=sha256")
    new.commit(None, "a", "a\n")
    merged_one(new)
    assert len(new.tasks()[1]["merged_oid"]) == 64


def test_borrowed_objects(repo: Sandbox, tmp_path: Path) -> None:
    borrowing = Sandbox(tmp_path / "borrowing")
    repo.git("clone", "--quiet", "--shared", str(repo.path), str(borrowing.path))
    merged_one(borrowing)


def test_settings_of_single_worktrees(repo: Sandbox) -> None:
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "core.bare", "false")
    merged_one(repo)


@pytest.mark.parametrize("required", [True, False])
def test_a_missing_filter_is_git_s_error_and_everything_is_rolled_back(repo: Sandbox, required: bool) -> None:
    repo.write(".gitattributes", "*.bin filter=lfs\n")
    repo.git("add", "--all")
    repo.commit(None, "big.bin", "pointer\n")
    repo.git("config", "filter.lfs.smudge", "no-such-program smudge %f")
    repo.git("config", "filter.lfs.required", str(required).lower())
    result = repo.agent("spawn", "Look", exit=1 if required else 0)
    if required:
        assert "smudge" in result.err
        assert repo.git("branch", "--list", "agent/*") == ""
        assert not (repo.path.parent / "my repo.worktrees").exists()
        assert repo.tasks() == {}


@pytest.mark.parametrize("what", ["rebase", "merge", "cherry-pick", "bisect"])
def test_done_is_refused_while_an_operation_is_in_progress_and_names_it(repo: Sandbox, what: str) -> None:
    where = Path(repo.agent_json("spawn", "Fix")["task"]["worktree"])
    repo.commit(where, "README.md", "theirs\n")
    ours = repo.commit(None, "README.md", "ours\n")
    repo.git(what, {"cherry-pick": ours, "bisect": "start"}.get(what, "main"), cwd=where, check=False)
    result = repo.agent("done", cwd=where, exit=3)
    assert f"{what} is in progress" in result.err
    helps = "git bisect reset" if what == "bisect" else f"git {what} --continue"
    assert f"finish it: {helps}" in result.err and helps.removeprefix("git ") in repo.agent("show", "1").out


@pytest.mark.parametrize("what", ["rebase", "merge"])
def test_merge_is_refused_while_the_base_is_busy_and_names_it(repo: Sandbox, what: str) -> None:
    where = Path(repo.agent_json("spawn", "Fix")["task"]["worktree"])
    repo.commit(where, "login.py", "fixed\n")
    repo.git("branch", "other")
    repo.commit(None, "README.md", "ours\n")
    repo.git("switch", "--quiet", "other")
    repo.commit(None, "README.md", "theirs\n")
    repo.git("switch", "--quiet", "main")
    repo.git(what, "other", check=False)
    repo.agent("done", "1")
    repo.agent("approve", "1")
    before, shown = repo.git("rev-parse", "main"), repo.git("status", "--porcelain")
    result = repo.agent("merge", "1", exit=3)
    assert "rebase" in result.err if what == "rebase" else "a merge is in progress" in result.err
    assert (repo.git("rev-parse", "main"), repo.git("status", "--porcelain")) == (before, shown)
    assert repo.tasks()[1]["state"] == "APPROVED"


@pytest.mark.parametrize("made_by", ["pygit2", "git"])
def test_a_repository_that_was_moved_says_how_to_mend_the_links(repo: Sandbox, tmp_path: Path, made_by: str) -> None:
    if made_by == "git":
        repo.git("config", "core.autocrlf", "false")
    where = Path(repo.agent_json("spawn", "Fix")["task"]["worktree"])
    repo.commit(where, "login.py", "fixed\n")
    new = tmp_path / "new"
    new.mkdir()
    moved = Sandbox(repo.path.rename(new / "my repo"))
    result = moved.agent("list", cwd=where, exit=1)
    assert "is not where it was" in result.err and "git worktree repair" in result.err
    assert "git worktree repair" in moved.agent("show", "1").out
    moved.git("worktree", "repair")
    moved.agent("done", cwd=where)
    assert moved.tasks()[1]["state"] == "IN_REVIEW"


def test_a_copy_with_its_store_never_touches_the_worktrees_of_the_original(repo: Sandbox, tmp_path: Path) -> None:
    where = Path(repo.agent_json("spawn", "Fix")["task"]["worktree"])
    repo.commit(where, "login.py", "fixed\n")
    copy = Sandbox(Path(shutil.copytree(repo.path, tmp_path / "copy", symlinks=True)))
    assert "this one is a copy" in copy.agent("show", "1").out
    copy.agent("cancel", "1")
    result = copy.agent("rm", "1", "--force", "--unmerged", exit=None)
    assert where.is_dir() and (where / "login.py").exists(), result
    assert repo.git("status", "--porcelain", cwd=where) == ""
    assert repo.tasks()[1]["state"] == "WORKING"
