"""Wherever a repository is and however it is made, its hooks find its own store and the worker that commits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.hooks.crowd import eventually, processes, query
from tests.hooks.newer_git import newer_git as newer_git
from tests.sandbox import Sandbox

OLD = 1_000_000_000  # seconds: a time that no test runs at
STRANGER = {"GIT_AGENT_TASK": "1", "GIT_AGENT_EPOCH": "1"}


@pytest.fixture(autouse=True)
def background(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let hooks start what they start for users, and wait for its end."""
    monkeypatch.delenv("GIT_AGENT_HOOKS")
    yield
    root = Path(os.path.realpath(tmp_path))
    eventually(lambda: not processes(root), lambda: processes(root))


def spawned(where: Sandbox, title: str = "Fix login") -> Path:
    """Spawn a task, with the hooks put in; return its worktree. Its beat is made to look old."""
    where.agent("init")
    path = Path(where.agent_json("spawn", title, "--base", "main")["task"]["worktree"])
    where.agent("list")
    for beat in (where.store.parent / "beat").iterdir():
        os.utime(beat, (OLD, OLD))
    return path


def becomes(store: Path, state: str, task: int = 1) -> None:
    def now() -> object:
        return query(store, f"select state from task where id = {task}")[0]["state"]

    eventually(lambda: now() == state, lambda: (now(), list((store / "spool").iterdir()), processes(store.parent)))


def add(path: Path, name: str = "login.py", *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Commit a file in a worktree; env and cwd: as the caller has them."""
    here = Sandbox(cwd or path)
    here.write(name, "fixed\n", cwd=path)
    for words in (("add", name), ("commit", "--quiet", "--message", "Fix")):
        done = here.run("git", *words, env=env)
        assert done.code == 0 and done.err == "", done


def walk(where: Sandbox, checkout: Path | None = None) -> Path:
    """Commit as a worker and merge by hand in a checkout of main, and have the store know with no command of ours."""
    worker = spawned(where)
    store = where.store.parent
    add(worker)
    becomes(store, "WORKING")
    assert (store / "beat" / worker.name).stat().st_mtime > OLD
    where.git("merge", "--quiet", "--no-ff", "--no-edit", "agent/1-fix-login", cwd=checkout)
    becomes(store, "COMPLETED")
    return store


def test_a_bare_repository_with_worktrees(repo: Sandbox, tmp_path: Path) -> None:
    bare = Sandbox(tmp_path / "project.git")
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(bare.path))
    bare.git("worktree", "add", "--quiet", str(tmp_path / "main"), "main")
    assert walk(bare, tmp_path / "main") == bare.path / "git-agent"


def test_a_git_directory_that_stands_elsewhere(repo: Sandbox, tmp_path: Path) -> None:
    there = Sandbox(tmp_path / "there")
    place = tmp_path / "else where"
    repo.git("clone", "--quiet", "--separate-git-dir", str(place), str(repo.path), str(there.path))
    assert walk(there) == place / "git-agent"


def test_a_submodule_has_a_store_of_its_own(repo: Sandbox, template: Path, tmp_path: Path) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "--quiet", "add", str(template), "sub")
    repo.git("commit", "--quiet", "--message", "Add a submodule")
    outer = spawned(repo)
    inner = Sandbox(repo.path / "sub")
    assert walk(inner) == repo.path / ".git/modules/sub/git-agent"
    assert query(repo.store.parent, "select state from task")[0]["state"] == "ASSIGNED"
    assert (repo.store.parent / "beat" / outer.name).stat().st_mtime == OLD
    # The submodule within a worker's worktree is a repository of its own again, and commits there are not its work.
    repo.git(*allowed, "submodule", "--quiet", "update", "--init", cwd=outer)
    add(outer / "sub")
    assert (repo.store.parent / "beat" / outer.name).stat().st_mtime == OLD


def nested(repo: Sandbox, template: Path) -> tuple[Path, Sandbox, Path]:
    """Put a repository into a worker's worktree; return that worktree, the repository and its own worker's worktree."""
    outer = spawned(repo)
    inner = Sandbox(Path(shutil.copytree(template, outer / "vendor/inner", symlinks=True)))
    return outer, inner, spawned(inner)


def test_a_repository_inside_a_workers_worktree_has_a_store_of_its_own(repo: Sandbox, template: Path) -> None:
    outer, inner, _ = nested(repo, template)
    add(inner.path, "inner.py")
    add(Path(inner.agent_json("path", "1")["path"]))
    becomes(inner.store.parent, "WORKING")
    assert query(repo.store.parent, "select state from task")[0]["state"] == "ASSIGNED"
    assert (repo.store.parent / "beat" / outer.name).stat().st_mtime == OLD


def test_a_worker_that_commits_in_another_repository_is_not_taken_for_that_ones_worker(
    repo: Sandbox, template: Path
) -> None:
    outer, inner, _ = nested(repo, template)
    add(inner.path, env={**STRANGER, "GIT_AGENT_WORKTREE": str(outer)})  # task 1 of the outer one
    inner.agent("list")
    assert "task.strayed" not in [row["kind"] for row in query(inner.store.parent, "select kind from event")]


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_the_callers_environment_names_the_worktree(repo: Sandbox, tmp_path: Path, relative: bool) -> None:
    worker = spawned(repo)
    store = repo.store.parent
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    named = {"GIT_DIR": store.parent / "worktrees" / worker.name, "GIT_WORK_TREE": worker}
    env = {name: os.path.relpath(path, elsewhere) if relative else str(path) for name, path in named.items()}
    env["GIT_INDEX_FILE"] = str(named["GIT_DIR"] / "index")  # git takes a relative one from the worktree's top
    add(worker, env=env, cwd=elsewhere)
    becomes(store, "WORKING")
    assert (store / "beat" / worker.name).stat().st_mtime > OLD
    index = tmp_path / "index"
    repo.run("git", "read-tree", "main", env={"GIT_INDEX_FILE": str(index)})
    env = {"GIT_DIR": ".git", "GIT_WORK_TREE": ".", "GIT_INDEX_FILE": str(index)}
    assert repo.run("git", "merge", "--quiet", "--no-ff", "--no-edit", "agent/1-fix-login", env=env).code == 0
    becomes(store, "COMPLETED")
    assert repo.git("status", "--porcelain", cwd=worker) == ""


def test_a_path_with_spaces_and_a_newline(repo: Sandbox, tmp_path: Path) -> None:
    strange = tmp_path / " a  b\nc'\"$(x) é"
    shutil.copytree(repo.path, strange / "re\npo", symlinks=True)
    walk(Sandbox(strange / "re\npo"))


def test_a_repository_that_was_moved_is_found_where_it_is(repo: Sandbox, tmp_path: Path) -> None:
    worker = spawned(repo)
    moved = Sandbox(repo.path.rename(tmp_path / "moved"))
    moved.git("worktree", "repair")
    add(worker)
    becomes(moved.path / ".git/git-agent", "WORKING")
    assert not repo.path.exists()


def new(path: Path, *options: str) -> Sandbox:
    made = Sandbox(path)
    path.mkdir()
    made.git("init", "--quiet", *options)
    made.commit(None, "README.md", "new\n")
    return made


def test_a_sha256_repository(tmp_path: Path) -> None:
    walk(new(tmp_path / "new", "--object-format=sha256"))


@pytest.fixture
def tables(tmp_path: Path, newer_git: str, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return a repository whose refs are in a table (reftable), with a git that knows it."""
    monkeypatch.setenv("PATH", newer_git)
    return new(tmp_path / "new", "--ref-format=reftable")


def test_a_repository_whose_refs_are_in_a_table(tables: Sandbox) -> None:
    walk(tables)


def test_where_refs_are_in_a_table_a_workers_commit_elsewhere_is_named(tables: Sandbox) -> None:
    spawned(tables)
    env = {**STRANGER, "GIT_AGENT_HOOKS": "0"}
    assert tables.run("git", "commit", "--quiet", "--allow-empty", "--message", "lost", env=env).code == 0
    said = tables.agent("list").err
    assert f"committed {tables.git('rev-parse', 'main')[:12]} on 'main'" in said, said
