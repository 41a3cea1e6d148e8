"""A stale checkout of a submodule is updated, not committed; a pointer that goes back is said before it lands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox

SAYS = "sets the submodule 'lib' back from"


@pytest.fixture
def lib(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The repository has the submodule `lib` at the second of its three commits."""
    for number, (key, value) in enumerate({"protocol.file.allow": "always"}.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    source = Sandbox(repo.path.parent / "lib")
    repo.git("init", "--quiet", source.path)
    for number in (1, 2, 3):
        source.commit(None, "l.txt", f"{number}\n", f"Commit {number}")
    repo.git("submodule", "--quiet", "add", source.path, "lib")
    repo.git("checkout", "--quiet", "HEAD~1", cwd=repo.path / "lib")
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "-m", "Use lib")
    return repo


def spawn(repo: Sandbox, title: str, *, populated: bool = True) -> Path:
    where = Path(repo.agent("spawn", title).out.strip())
    if populated:
        repo.git("submodule", "--quiet", "update", "--init", cwd=where)
    return where


def bump(repo: Sandbox, where: Path, commit: str) -> None:
    """Record another commit of lib."""
    repo.git("checkout", "--quiet", commit, cwd=where / "lib")
    repo.git("commit", "--quiet", "-m", f"Set lib to {commit}", "lib", cwd=where)


def refused(repo: Sandbox, where: Path) -> str:
    return str(repo.agent_json("done", cwd=where, exit=3)["error"]["hint"])


@pytest.fixture
def stale(lib: Sandbox) -> Path:
    """A branch was rebased onto a base that has a newer lib; its checkout of lib is the old one."""
    where = spawn(lib, "Work")
    lib.commit(where, "work.txt", "work\n")
    bump(lib, lib.path, "origin/HEAD")
    lib.git("rebase", "--quiet", "main", cwd=where)
    return where


def test_the_hint_for_a_stale_checkout_updates_it(lib: Sandbox, stale: Path) -> None:
    command, then = refused(lib, stale).split(", then ")
    assert command == f"git -C '{stale}' submodule update -- lib"
    assert lib.run("sh", "-c", command).code == 0
    lib.run("sh", "-c", then, cwd=stale)
    assert lib.tasks()[1]["state"] == "IN_REVIEW"


def test_beside_other_changes_both_are_named(lib: Sandbox, stale: Path) -> None:
    lib.write("new.txt", "new\n", cwd=stale)
    hint = f"git -C '{stale}' submodule update -- lib, commit or ignore the other files, then git agent done"
    assert refused(lib, stale) == hint


def test_also_when_the_submodule_has_not_fetched_the_newer_commit(lib: Sandbox) -> None:
    where = spawn(lib, "Work")
    lib.commit(where, "work.txt", "work\n")
    lib.commit(lib.path.parent / "lib", "l.txt", "4\n", "Commit 4")
    lib.git("fetch", "--quiet", cwd=lib.path / "lib")
    bump(lib, lib.path, "FETCH_HEAD")
    lib.git("rebase", "--quiet", "main", cwd=where)
    assert "submodule update -- lib" in refused(lib, where)


def test_new_commits_in_a_submodule_are_committed_as_before(lib: Sandbox) -> None:
    where = spawn(lib, "Work")
    lib.commit(where, "work.txt", "work\n")
    lib.commit(where / "lib", "l.txt", "own\n")
    assert refused(lib, where) == "commit or ignore them, then git agent done"


def test_neither_is_a_changed_file_in_a_submodule_a_stale_checkout(lib: Sandbox) -> None:
    where = spawn(lib, "Work")
    lib.commit(where, "work.txt", "work\n")
    lib.write("lib/l.txt", "changed\n", cwd=where)
    assert refused(lib, where) == "commit or ignore them, then git agent done"


def test_done_and_diff_warn_of_a_pointer_that_goes_back(lib: Sandbox, stale: Path) -> None:
    lib.git("commit", "--quiet", "-a", "-m", "Commit the stale checkout", cwd=stale)
    said = lib.agent("done", cwd=stale).err
    assert SAYS in said and SAYS in lib.agent("diff", "1").err and SAYS in lib.agent("diff", "1", "--stat").err
    command = said.partition("intended: ")[2].partition(", then commit it")[0]
    assert lib.run("sh", "-c", command).code == 0
    lib.git("commit", "--quiet", "-m", "Take it back", cwd=stale)
    assert SAYS not in lib.agent("diff", "1").err


def test_also_to_a_commit_that_was_never_recorded(lib: Sandbox) -> None:
    where = spawn(lib, "Work")
    bump(lib, where, "HEAD~1")
    assert SAYS in lib.agent("done", cwd=where).err


def test_also_where_no_checkout_has_the_submodule(lib: Sandbox) -> None:
    old = lib.git("rev-parse", "HEAD", cwd=lib.path / "lib")
    bump(lib, lib.path, "origin/HEAD")
    where = spawn(lib, "Work", populated=False)
    lib.git("update-index", "--cacheinfo", f"160000,{old},lib", cwd=where)
    lib.git("commit", "--quiet", "-m", "Set it back", cwd=where)
    lib.git("submodule", "--quiet", "deinit", "--force", "lib")
    assert SAYS in lib.agent("done", cwd=where).err


def test_a_pointer_that_goes_forward_is_no_warning(lib: Sandbox) -> None:
    where = spawn(lib, "Work")
    bump(lib, where, "origin/HEAD")
    assert SAYS not in lib.agent("done", cwd=where).err + lib.agent("diff", "1").err


def test_nor_is_one_that_only_the_base_moved(lib: Sandbox) -> None:
    where = spawn(lib, "Work")
    lib.commit(where, "work.txt", "work\n")
    bump(lib, lib.path, "origin/HEAD")
    assert SAYS not in lib.agent("done", cwd=where).err + lib.agent("diff", "1").err
