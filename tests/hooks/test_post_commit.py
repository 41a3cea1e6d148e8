"""The post-commit hook, by itself: touches the worker's beat; whatever is wrong, is silent and succeeds."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.sandbox import Result, Sandbox

HOOK = Path(__file__).parents[2] / "hooks" / "post-commit"
OLD = 1_000_000_000  # seconds: a time that no test runs at
SHELLS = [["sh"], ["dash"], ["busybox", "sh"], ["bash", "--posix"], ["ksh"], ["zsh", "--emulate", "sh"]]


@pytest.fixture(params=[words for words in SHELLS if shutil.which(words[0])], ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Return the command of each shell that this machine has."""
    return list(request.param)


@pytest.fixture
def beat(repo: Sandbox) -> Path:
    """Return the beat file, long not touched, of a worker in the worktree `7-fix-login`."""
    repo.git("worktree", "add", "--quiet", "-b", "agent/7", repo.path.parent / "7-fix-login")
    file = repo.write(".git/git-agent/beat/7-fix-login", "")
    os.utime(file, (OLD, OLD))
    return file


def run_hook(repo: Sandbox, shell: list[str], git_dir: Path | str | None) -> Result:
    """Run the hook without a PATH, so that a program that it started would be missed."""
    program = shutil.which(shell[0])
    assert program
    env = {"GIT_DIR": None if git_dir is None else str(git_dir), "PATH": "/nonexistent"}
    return repo.run(program, *shell[1:], HOOK, env=env)


def assert_silent_success(result: Result) -> None:
    assert (result.code, result.out, result.err) == (0, "", ""), result


def test_a_commit_in_a_workers_worktree_touches_its_beat(repo: Sandbox, beat: Path) -> None:
    shutil.copy2(HOOK, repo.path / ".git/hooks/post-commit")
    repo.commit(repo.path.parent / "7-fix-login", "new.txt", "new\n")
    assert beat.stat().st_mtime > OLD


def test_a_commit_in_the_main_worktree_touches_nothing(repo: Sandbox, beat: Path) -> None:
    shutil.copy2(HOOK, repo.path / ".git/hooks/post-commit")
    repo.commit(None, "new.txt", "new\n")
    assert beat.stat().st_mtime == OLD


def test_every_shell_touches_the_beat_without_starting_a_program(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    assert_silent_success(run_hook(repo, shell, repo.path / ".git/worktrees/7-fix-login"))
    assert beat.stat().st_mtime > OLD


def test_a_worker_without_a_beat_file_gets_none(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    assert_silent_success(run_hook(repo, shell, repo.path / ".git/worktrees/8-other"))
    assert [file.name for file in beat.parent.iterdir()] == [beat.name]


@pytest.mark.parametrize("git_dir", [None, "", ".git", "worktrees/", "/worktrees/..", "/nonexistent/worktrees/x", "-n"])
def test_a_git_directory_without_a_worker_is_left_alone(
    repo: Sandbox, beat: Path, shell: list[str], git_dir: str | None
) -> None:
    assert_silent_success(run_hook(repo, shell, git_dir))
    assert beat.stat().st_mtime == OLD


def test_a_link_in_place_of_the_beat_is_not_followed(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    victim = repo.write("victim", "precious\n")
    beat.unlink()
    beat.symlink_to(victim)
    assert_silent_success(run_hook(repo, shell, repo.path / ".git/worktrees/7-fix-login"))
    assert victim.read_text() == "precious\n"


def test_a_fifo_in_place_of_the_beat_does_not_block(repo: Sandbox, beat: Path, shell: list[str]) -> None:
    beat.unlink()
    os.mkfifo(beat)
    assert_silent_success(run_hook(repo, shell, repo.path / ".git/worktrees/7-fix-login"))
    assert stat.S_ISFIFO(beat.stat().st_mode)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the way to make an open fail for root, too, is Linux's")
def test_a_beat_that_cannot_be_opened_is_passed_over_silently(
    repo: Sandbox, beat: Path, shell: list[str], tmp_path: Path
) -> None:
    # A running program's file cannot be opened for writing (ETXTBSY), not even by root.
    beat.unlink()
    shutil.copy2(shutil.which("sleep") or "/bin/sleep", beat)
    script = f'"{beat}" 60 & until grep -q 7-fix /proc/$!/cmdline; do :; done; "$@"; code=$?; kill $!; exit $code'
    program = shutil.which(shell[0]) or ""
    env = {"GIT_DIR": str(repo.path / ".git/worktrees/7-fix-login")}
    assert_silent_success(repo.run("bash", "-c", script, "-", program, *shell[1:], HOOK, env=env))
    assert beat.stat().st_size > 0
