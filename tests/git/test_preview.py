"""A scratch worktree shows each commit as a fresh checkout would."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from git_agent.git.merging.rebase import rebase
from git_agent.git.repo import Repo
from git_agent.git.worktrees.preview import Preview
from tests.hooks.newer_git import any_git as any_git
from tests.hooks.newer_git import newer_git as newer_git
from tests.sandbox import Sandbox

HOOKS = ("post-checkout", "post-index-change", "reference-transaction", "post-commit", "pre-rebase")


@pytest.mark.usefixtures("any_git")
def test_no_hook_runs_of_a_file_or_of_the_configuration(repo: Sandbox) -> None:
    log = repo.path / ".git/ran"
    for hook in HOOKS:
        path = repo.write(f".git/hooks/{hook}", f'#!/bin/sh\necho {hook} >>"{log}"\n')
        path.chmod(0o755)
        repo.git("config", "--add", "hook.mine.event", hook)
    repo.git("config", "hook.mine.command", f"echo configured >>'{log}'; :")
    first = repo.commit(None, "a", "1\n")
    repo.git("switch", "--quiet", "--create", "topic", "HEAD^")
    second = repo.commit(None, "b", "2\n")
    assert log.exists()
    log.unlink()
    opened = Repo.open(str(repo.path))
    with Preview(opened) as preview:
        assert sorted(os.listdir(preview.at(first))) == sorted([*base(repo), "a"])
        assert sorted(os.listdir(preview.at(second))) == sorted([*base(repo), "b"])
    assert isinstance(rebase(opened, first, second), str)
    assert not log.exists(), log.read_text()


def base(repo: Sandbox) -> list[str]:
    return [".git", *{path.partition("/")[0] for path in repo.git("ls-files").splitlines()} - {"a", "b"}]


def _clone(repo: Sandbox, where: Path) -> None:
    repo.git("clone", "--quiet", repo.path, where)


def _lock(repo: Sandbox, where: Path) -> None:
    (where / "x").mkdir()
    where.chmod(0)


LEFT: dict[str, Callable[[Sandbox, Path], object]] = {
    "a clone": _clone,
    "a file": lambda repo, where: repo.write(where / "file", "x\n"),
    "a file in its place": lambda repo, where: (where.rmdir(), where.write_text("x\n")),
    "nothing in its place": lambda repo, where: where.rmdir(),
    "a closed directory": _lock,
}


@pytest.mark.parametrize("left", LEFT)
def test_what_a_check_left_is_gone_in_a_submodule_too(repo: Sandbox, left: str) -> None:
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/lib")
    repo.write(".gitignore", "*.o\n")
    repo.git("add", ".gitignore")
    repo.git("commit", "--quiet", "--message", "Have a submodule")
    first = repo.git("rev-parse", "HEAD")
    second = repo.commit(None, "b", "2\n")
    with Preview(Repo.open(str(repo.path))) as preview:
        path = Path(preview.at(first))
        assert os.listdir(path / "vendor/lib") == []
        for name in ("stray", "object.o", "deep/er"):
            repo.write(name, "x\n", cwd=path)
        _clone(repo, path / "nested")
        repo.git("switch", "--quiet", "--create", "mine", cwd=path)
        LEFT[left](repo, path / "vendor/lib")
        after = Path(preview.at(second))
        assert os.listdir(after / "vendor/lib") == []
        assert repo.run("git", "status", "--porcelain", "--ignored", cwd=after).out == ""
        assert repo.git("rev-parse", "HEAD", "mine", cwd=after).split() == [second, first]
        if left in ("a file in its place", "nothing in its place"):
            assert after == path
    assert repo.git("worktree", "list", "--porcelain").count("worktree ") == 1
