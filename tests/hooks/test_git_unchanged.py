"""Git does with our hooks exactly what it does without: the same words, exit codes, refs and files, the same hooks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.hooks.newer_git import SINCE, either, newer_git, version  # noqa: F401 - a fixture
from tests.sandbox import Sandbox

# The user's hooks write down what they get; pre-push and commit-msg refuse what has a certain word in it.
HOOK = """\
#!/bin/sh
echo "${0##*/} $* $(cat | tr '\\n' ' ') $GIT_DIR $GIT_REFLOG_ACTION" | sed 's/ [0-9a-f]*\\.lock//' >>"$LOG"
case ${0##*/} in
pre-push) [ ! -e veto ] ;;
commit-msg) ! grep -q Forbidden "$1" ;;
esac
"""
HOOKS = (
    "pre-commit",
    "commit-msg",
    "post-commit",
    "post-merge",
    "post-rewrite",
    "pre-push",
    "post-checkout",
    "pre-rebase",
)
# One line each, typed in the main worktree; `w` is the worker's.
STEPS = """\
git -C ../w commit --quiet --allow-empty -m One
git -C ../w commit -m Forbidden --allow-empty
echo 1 >../w/a && git -C ../w add a && git -C ../w commit -m Two
git -C ../w commit --amend -m Three
git commit --allow-empty -m "On main"
git -C ../w rebase main
git -C ../w push origin agent/7-x
git -C ../w push origin agent/7-x
git -C ../w push --dry-run origin agent/7-x:other
touch veto ../w/veto; git push origin main; git -C ../w push origin agent/7-x:vetoed; rm veto ../w/veto
git push origin main && git push --force origin main~1:main
git push --delete origin main
git push ../forge.git main:by-path
git push --all && git push --tags
git merge --no-edit agent/7-x
git merge agent/7-x
git -C ../w commit --quiet --allow-empty -m Four && git merge --no-ff --no-edit agent/7-x
echo 2 >../w/a && git -C ../w commit -am Clash; echo 3 >a && git commit -am Clash; git merge agent/7-x
git merge --abort
git merge -X ours --no-edit agent/7-x
git -C ../w merge --squash main; git -C ../w commit -m Squashed
git cherry-pick --allow-empty agent/7-x
git revert --no-edit HEAD
git fetch origin && git pull --no-rebase origin main
git stash list; echo 5 >a; git stash; git stash pop; git checkout a
git -C ../w switch -c mine && git -C ../w commit --allow-empty -m Mine && git -C ../w switch agent/7-x
git worktree add ../v -b other && git -C ../v commit --allow-empty -m Other && git worktree remove ../v
git branch -m other renamed && git branch -D renamed
git -c protocol.file.allow=always submodule add ../forge.git sub
git commit -m Sub && git -C sub commit --allow-empty -m In
git -C sub push origin HEAD:refs/heads/sub
git gc --quiet && git pack-refs --all
git -C ../w rebase --force-rebase HEAD~2
git reset --hard HEAD~1 && git reflog -5
git commit --quiet --allow-empty -m Piped | cat
git am --abort; git format-patch -1 --stdout agent/7-x | git am --keep-cr
git worktree move ../w ../u && git -C ../u commit --allow-empty -m Moved && git worktree move ../u ../w
git status --short && git log --all --format=%s%d
"""


def made(template: Path, where: Path, *, hooks: bool) -> Sandbox:
    """Return a repository with the user's hooks, a remote and a worktree named as a worker's."""
    where.mkdir()
    found = Sandbox(Path(shutil.copytree(template, where / "r", symlinks=True)))
    found.git("clone", "--quiet", "--bare", str(found.path), str(where / "forge.git"))
    found.git("remote", "add", "origin", str(where / "forge.git"))
    for name in HOOKS:
        found.write(f".git/hooks/{name}", HOOK).chmod(0o755)
    if hooks:
        found.agent("init")
        where_ours = found.agent("hooks").out
        assert "none" not in where_ours, where_ours
    found.git("worktree", "add", "--quiet", "-b", "agent/7-x", str(where / "w"))
    if hooks:  # with a beat, as if a worker had it
        admin = next((found.path / ".git/worktrees").iterdir()).name
        found.write(f".git/git-agent/beat/{admin}", "")
    return found


@pytest.mark.parametrize("scheme", either("files", "config"))
def test_every_command_says_and_does_the_same(
    scheme: str, template: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scheme == "config":
        monkeypatch.setenv("PATH", request.getfixturevalue("newer_git"))
    elif version("git") >= SINCE:
        pytest.skip("this git runs our hooks from its configuration, which is the other case")
    said = []
    for name, hooks in (("with", True), ("without", False)):
        repo = made(template, tmp_path / name, hooks=hooks)
        env = {"LOG": str(tmp_path / name / "log"), "GIT_ALLOW_PROTOCOL": "file"}
        lines = [f"{step}\n{repo.run('sh', '-c', step, env=env)}" for step in STEPS.splitlines()]
        ran = (tmp_path / name / "log").read_text().splitlines()
        said.append([line.replace(str(tmp_path / name), "") for line in (*lines, *ran)])
    assert any("pre-push origin" in line and "refs/heads/agent/7-x" in line for line in said[1])  # they ran, with input
    for ours, plain in zip(*said, strict=True):
        assert ours == plain
