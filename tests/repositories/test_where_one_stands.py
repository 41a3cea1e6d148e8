"""Every place that git allows one to stand in leads to the same store, and every place that has none is named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.sandbox import Sandbox


def spawned(sandbox: Sandbox, *args: str, cwd: Path | None = None) -> Path:
    result = sandbox.agent_json("spawn", *args, cwd=cwd)
    where = result["task"]["worktree"]
    assert isinstance(where, str)
    return Path(where)


def merged_one(sandbox: Sandbox, cwd: Path | None = None) -> None:
    """Walk a task from spawn to a merged base, as a smoke test of everything that touches the repository."""
    where = spawned(sandbox, "Fix login", cwd=cwd)
    sandbox.commit(where, "login.py", "fixed\n")
    for verb in ("done", "approve", "merge"):
        sandbox.agent(verb, "1", cwd=cwd)
    assert sandbox.tasks()[1]["state"] == "COMPLETED"
    assert not where.exists()
    assert sandbox.git("show", "main:login.py", cwd=cwd) == "fixed"


@pytest.mark.parametrize("verb", [("list",), ("spawn", "Fix"), ("init",), ("status", "--json")])
def test_outside_of_a_repository_every_verb_says_so(tmp_path: Path, verb: tuple[str, ...]) -> None:
    outside = Sandbox(tmp_path)
    result = outside.agent(*verb, exit=1)
    assert "not a git repository" in result.err + result.out
    assert list(tmp_path.iterdir()) == []


def test_a_repository_without_commits_asks_for_the_first_one(tmp_path: Path) -> None:
    empty = Sandbox(tmp_path)
    empty.git("init", "--quiet")
    result = empty.agent("spawn", "Fix login", exit=1)
    assert "error: this repository has no commits yet\nhint: git commit" in result.err
    assert empty.git("branch", "--list") == ""
    assert empty.tasks() == {}


def test_on_a_detached_head_spawn_asks_for_the_base(repo: Sandbox) -> None:
    repo.git("checkout", "--quiet", "--detach")
    result = repo.agent("spawn", "Fix login", exit=1)
    assert "--base" in result.err
    assert spawned(repo, "Fix login", "--base", "main").is_dir()
    assert repo.tasks()[1]["base"] == "main"


def test_a_bare_repository_works_from_its_directory_and_from_a_worktree(repo: Sandbox, tmp_path: Path) -> None:
    bare = Sandbox(tmp_path / "project.git")
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(bare.path))
    first = spawned(bare, "Fix login")
    assert first.parent == tmp_path / "project.worktrees"
    second = spawned(bare, "Fix logout", cwd=first)
    assert second.parent == first.parent
    bare.commit(first, "login.py", "fixed\n")
    bare.agent("done", cwd=first)
    bare.agent("approve", "1")
    bare.agent("merge", "1")
    assert bare.git("show", "main:login.py") == "fixed"
    assert bare.store == bare.path / "git-agent" / "agent.db"


def test_a_hidden_bare_repository_keeps_its_worktrees_beside_the_project(repo: Sandbox, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(project / ".bare"))
    (project / ".git").write_text("gitdir: ./.bare\n")
    assert spawned(Sandbox(project), "Fix login").parent == tmp_path / "project.worktrees"


def test_a_submodule_has_a_store_of_its_own(repo: Sandbox, template: Path) -> None:
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(template), "lib")
    repo.git("commit", "--quiet", "--message", "Add lib")
    lib = Sandbox(repo.path / "lib")
    where = spawned(lib, "Fix lib")
    assert lib.store == repo.path / ".git" / "modules" / "lib" / "git-agent" / "agent.db"
    assert not repo.store.exists()
    assert where.parent == repo.path / "lib.worktrees" or where.parent == repo.path.parent / "lib.worktrees"
    assert repo.git("status", "--porcelain", "--ignore-submodules=none") in ("", "?? lib.worktrees/")
    lib.commit(where, "a.py", "a\n")
    for verb in ("done", "approve", "merge"):
        lib.agent(verb, "1")
    assert lib.git("status", "--porcelain") == ""


def test_a_task_in_a_repository_with_submodules_is_merged(repo: Sandbox, template: Path) -> None:
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(template), "lib")
    repo.git("commit", "--quiet", "--message", "Add lib")
    merged_one(repo)


@pytest.mark.parametrize("place", ["src", ".git", ".git/refs", "other"])
def test_the_same_store_is_found_from_everywhere(repo: Sandbox, tmp_path: Path, place: str) -> None:
    repo.agent("add", "Fix login")
    repo.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "other"))
    where = tmp_path / "other" if place == "other" else repo.path / place
    assert "Fix login" in repo.agent("list", cwd=where).out
    path = spawned(repo, "1", cwd=where)
    assert path == tmp_path / "my repo.worktrees" / "1-fix-login"


NOT_UTF8 = b"\xff\xfe".decode(errors="surrogateescape")


@pytest.mark.parametrize("name", ["a b", 'it\'s "quoted"', "new\nline", "tab\there", "-dash", "ünï", NOT_UTF8])
def test_a_path_of_any_bytes_works(template: Path, tmp_path: Path, name: str) -> None:
    odd = Sandbox(Path(shutil.copytree(template, tmp_path / name)))
    merged_one(odd)


def test_a_symbolic_link_to_the_repository_means_the_repository(repo: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.path)
    where = spawned(repo, "Fix login", cwd=tmp_path / "link")
    assert where.parent == tmp_path / "my repo.worktrees"
    assert repo.agent("path", "1").out.strip() == str(where)
    assert repo.agent("-C", str(tmp_path / "link"), "path", "1").out == repo.agent("path", "1").out


def test_a_hook_that_calls_git_agent_sees_the_right_repository(repo: Sandbox) -> None:
    where = spawned(repo, "Fix login")
    hook = '#!/bin/sh\ngit agent list > "$HOME/said" 2>&1\ngit agent add Later\n'
    repo.write(".git/hooks/post-commit", hook).chmod(0o755)
    index = (repo.path / ".git" / "index").read_bytes()
    repo.commit(where, "login.py", "fixed\n")
    said = Path(os.environ["HOME"], "said")
    assert "Fix login" in said.read_text()
    said.unlink()
    assert (repo.path / ".git" / "index").read_bytes() == index
    assert repo.git("status", "--porcelain") == repo.git("status", "--porcelain", cwd=where) == ""
    assert repo.tasks()[1]["state"] == "WORKING"


def test_what_a_caller_has_set_does_not_lead_us_into_its_repository(repo: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "--quiet")
    other.commit(None, "a", "a\n")
    index = str(tmp_path / "index")
    env = {"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": str(repo.path), "GIT_INDEX_FILE": index}
    result = other.agent("spawn", "Fix login", env=env)
    assert Path(result.out.strip()).parent == tmp_path / "my repo.worktrees"
    assert repo.tasks()[1]["state"] == "ASSIGNED"
    assert not (tmp_path / "index").exists()
    assert repo.git("status", "--porcelain", cwd=Path(result.out.strip())) == ""
