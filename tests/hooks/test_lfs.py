"""Where Git LFS is in use but pre-push does not run git-lfs, doctor and the next command say what puts it there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

FORCE, MANUAL = "git lfs update --force, then git agent init", "git lfs update --manual"
NOTICE = "pushes upload no LFS files"


@pytest.fixture(autouse=True)
def with_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_AGENT_HOOKS")


def found(repo: Sandbox) -> str:
    """Return the command that doctor names, "" for no finding."""
    findings = repo.agent_json("doctor", exit=None)["findings"]
    return next((each["fix"] for each in findings if each["code"] == "hooks-lfs"), "")


@pytest.fixture
def used(repo: Sandbox) -> Sandbox:
    """Git LFS stored a file here after `git agent init`, which git-lfs need not be installed for."""
    repo.agent("init")
    (repo.path / ".git/lfs/objects/ab/cd").mkdir(parents=True)
    return repo


@pytest.fixture
def files_of_hooks(repo: Sandbox) -> Sandbox:
    """Skip with a git whose hooks are part of its configuration: there git-lfs finds room for its own."""
    repo.agent("init")
    if not (repo.path / ".git/hooks/pre-push").exists():
        pytest.skip("this git has hooks in its configuration")
    return repo


def test_the_next_command_says_once_that_pushes_upload_nothing(used: Sandbox) -> None:
    assert NOTICE in used.agent("list").err
    assert NOTICE not in used.agent("list").err and found(used) == FORCE


def test_a_file_with_the_attribute_is_enough_for_doctor(repo: Sandbox) -> None:
    repo.agent("init")
    repo.write("big.bin", "big\n")
    repo.git("add", "big.bin")
    assert found(repo) == ""
    repo.write(".gitattributes", "*.bin filter=lfs\n")
    assert found(repo) == FORCE


def test_hooks_of_your_own_are_not_replaced(files_of_hooks: Sandbox) -> None:
    (files_of_hooks.path / ".git/lfs/objects/ab").mkdir(parents=True)
    hook = files_of_hooks.path / ".git/hooks/post-commit"
    hook.write_text(hook.read_text() + "echo mine\n")
    assert MANUAL in found(files_of_hooks)
    hook.unlink()
    files_of_hooks.agent("init")
    assert found(files_of_hooks) == FORCE


@pytest.mark.parametrize("runs", ['git lfs pre-push "$@"', "lefthook run pre-push"])
def test_a_hook_that_runs_it_or_a_manager_that_may_is_no_finding(used: Sandbox, runs: str) -> None:
    hook = used.path / ".git/hooks/pre-push"
    hook.write_text(f"#!/bin/sh\n{runs}\n")
    hook.chmod(0o755)
    assert NOTICE not in used.agent("list").err and found(used) == ""
    hook.unlink()
    assert NOTICE in used.agent("list").err


def test_a_repository_without_lfs_files_is_no_finding(repo: Sandbox) -> None:
    (repo.path / ".git/lfs/objects/incomplete").mkdir(parents=True)
    assert NOTICE not in repo.agent("init").err and found(repo) == ""


def test_nor_are_hooks_that_were_turned_off(used: Sandbox) -> None:
    used.agent("init", "--no-hooks")
    assert NOTICE not in used.agent("list").err and found(used) == ""


def uploaded(there: Path) -> int:
    return len([path for path in (there / "lfs/objects").rglob("*") if path.is_file()])


def test_what_is_named_makes_the_real_git_lfs_upload(files_of_hooks: Sandbox, tmp_path: Path) -> None:
    if not shutil.which("git-lfs"):
        pytest.skip("git-lfs is not installed")
    repo, there = files_of_hooks, tmp_path / "there.git"
    repo.git("init", "--quiet", "--bare", there)
    repo.git("remote", "add", "origin", f"file://{there}")
    repo.git("lfs", "install", "--local", "--skip-repo")
    repo.git("lfs", "track", "*.bin")
    repo.write("a.bin", bytes(5000))
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "-m", "Add a file")
    repo.git("push", "--quiet", "origin", "main")
    assert uploaded(there) == 0 and found(repo) == FORCE
    for command in found(repo).split(", then "):
        assert repo.run("sh", "-c", command).code == 0
    repo.git("lfs", "push", "--all", "origin")
    repo.commit(None, "b.bin", bytes(6000))
    repo.git("push", "--quiet", "origin", "main")
    hook = (repo.path / ".git/hooks/pre-push").read_text()
    assert uploaded(there) == 2 and found(repo) == "" and "git agent" in hook and "git lfs" in hook
