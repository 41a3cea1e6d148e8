"""Everything is killed while git is in the middle of it: a hook or filter ends its whole process group with SIGKILL."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.scenes import SCENES
from tests.faults.whole import rows, wrong
from tests.sandbox import Sandbox

REF = (
    '#!/bin/sh\n[ "$1" = {state} ] || exit 0\nwhile read -r _ _ ref; do\n  case $ref in {ref}) kill -9 0;; esac\ndone\n'
)


def killed(repo: Sandbox, *argv: str) -> None:
    """Run `git agent` in a process group of its own, which a hook kills."""
    with subprocess.Popen(
        ["git-agent", *argv], cwd=repo.path, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == -9, (process.returncode, out, err)


def mended(repo: Sandbox, argv: tuple[str, ...], goal: str) -> None:
    """Let the next command mend; then do the verb again."""
    said = repo.agent("list").err
    assert "interrupted" in said or rows(repo, "select * from intent") == []
    assert wrong(repo) == []
    repo.agent(*argv, exit=None)
    assert goal in {task["state"] for task in repo.tasks().values()}
    assert wrong(repo) == []


@pytest.mark.parametrize("where", ["post-checkout", "filter"])
def test_while_git_writes_a_new_worktree(repo: Sandbox, where: str) -> None:
    if where == "filter":
        repo.write(".gitattributes", "*.md filter=slow\n")
        repo.git("add", ".gitattributes")
        repo.git("commit", "--quiet", "--message", "Filter")
        repo.git("config", "filter.slow.smudge", "kill -9 0")
    else:
        repo.write(".git/hooks/post-checkout", "#!/bin/sh\nkill -9 0\n").chmod(0o755)
    repo.agent("init")
    killed(repo, "spawn", "Fix login")
    if where == "filter":
        repo.git("config", "filter.slow.smudge", "cat")
    else:
        (repo.path / ".git" / "hooks" / "post-checkout").unlink()
    mended(repo, ("spawn", "Fix login"), "ASSIGNED")


@pytest.mark.parametrize("state", ["prepared", "committed"])
@pytest.mark.parametrize("name", ["merge", "merge-elsewhere", "merge-rebase", "merge-ff"])
def test_while_git_moves_the_base(repo: Sandbox, name: str, state: str) -> None:
    scene = SCENES[name]
    scene.prepare(repo)
    hook = repo.path / ".git" / "hooks" / "reference-transaction"
    repo.write(hook, REF.format(state=state, ref="refs/heads/main")).chmod(0o755)
    killed(repo, *scene.argv)
    hook.unlink()
    for left in (repo.path / ".git").rglob("*.lock"):
        if left.name != "worktree.lock":
            left.unlink()  # git's own; it says that a person has to
    mended(repo, scene.argv, scene.goal)


@pytest.mark.parametrize("hook", ["commit-msg", "post-merge"])
def test_in_a_hook_of_the_merge(repo: Sandbox, hook: str) -> None:
    scene = SCENES["merge"]
    scene.prepare(repo)
    path: Path = repo.write(f".git/hooks/{hook}", "#!/bin/sh\nkill -9 0\n")
    path.chmod(0o755)
    killed(repo, *scene.argv)
    path.unlink()
    mended(repo, scene.argv, scene.goal)
