"""A repository that somebody deletes or copies while a background process looks at it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sandbox import Sandbox, _environment

HOOKS = {"GIT_AGENT_HOOKS": "1"}


@pytest.fixture
def going(repo: Sandbox) -> Sandbox:
    repo.agent("init")
    repo.agent("spawn", "Fix login")
    return repo


def files(repo: Sandbox) -> set[str]:
    git = repo.path / ".git"
    return {str(path.relative_to(git)) for path in git.rglob("*")} if git.exists() else set()


def look(repo: Sandbox) -> subprocess.CompletedProcess[str]:
    """Run what a hook starts in the background, as it was started before the repository began to go."""
    (repo.path / ".git").is_dir()
    return subprocess.run(
        ["git-agent", "sync", "--background"],
        cwd=repo.worktree(1),
        env=_environment({"GIT_DIR": str(repo.path / ".git"), **HOOKS}),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("part", ["HEAD", "objects", "refs", "git-agent/agent.db", "git-agent", "git-agent/spool"])
def test_a_background_look_makes_no_file_where_a_part_is_gone(going: Sandbox, part: str) -> None:
    path = going.path / ".git" / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("drain.lock", "drain.pid"):
        (going.path / ".git/git-agent" / name).unlink(missing_ok=True)
    before = files(going)
    said = look(going)
    assert files(going) <= before and "Traceback" not in said.stderr, said


@pytest.mark.parametrize("part", ["hooks", "git-agent/hooks", "git-agent/program"])
def test_a_background_look_does_not_bring_back_hooks_that_are_being_deleted(going: Sandbox, part: str) -> None:
    path = going.path / ".git" / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = files(going) | {"git-agent/drain.lock", "git-agent/drain.pid"}
    look(going)
    assert files(going) <= before
    going.agent("list", env=HOOKS)
    assert path.exists()  # a command that somebody types does


def test_what_a_background_look_made_goes_with_the_repository(going: Sandbox, tmp_path: Path) -> None:
    """It has opened its files and waits for another one to end; meanwhile the repository is deleted."""
    import fcntl

    agent = going.path / ".git/git-agent"
    with open(agent / "drain.lock", "a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = subprocess.Popen(
            ["git-agent", "sync", "--background"], cwd=going.path, env=_environment(HOOKS), stderr=subprocess.DEVNULL
        )
        try:
            while not (agent / "drain.pid").exists():
                assert process.poll() is None
            shutil.rmtree(going.path / ".git")
            agent.mkdir(parents=True)
            (agent / "drain.pid").touch()
        finally:
            held.close()
            process.wait(30)
    assert files(going) <= {"git-agent"} or not agent.exists()
