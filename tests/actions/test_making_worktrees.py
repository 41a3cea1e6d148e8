"""spawn: a target or branch in the way is refused, and whatever fails leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.whole import wrong
from tests.sandbox import Sandbox


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    return tmp_path / "my repo.worktrees"


def spawned(repo: Sandbox, *args: str) -> Path:
    task: dict[str, Any] = repo.agent_json("spawn", *args)["task"]
    return Path(task["worktree"])


def nothing_was_made(repo: Sandbox) -> bool:
    return repo.tasks() == {} and wrong(repo) == [] and repo.git("branch", "--list", "agent/*") == ""


@pytest.mark.parametrize("kind", ["full", "file", "link", "dangling"])
def test_a_target_in_the_way_is_refused_and_left_alone(repo: Sandbox, beside: Path, tmp_path: Path, kind: str) -> None:
    target, other = beside / "1-fix-login", tmp_path / "other"
    beside.mkdir()
    other.mkdir()
    if kind == "full":
        repo.write(target / "mine", "mine\n")
    elif kind == "file":
        target.write_text("mine\n")
    else:
        target.symlink_to(other if kind == "link" else tmp_path / "nowhere")
    before = sorted(str(p) for p in tmp_path.rglob("*") if ".git" not in p.parts)
    result = repo.agent("spawn", "Fix login", exit=3)
    assert str(target) in result.err and "hint: " in result.err
    assert sorted(str(p) for p in tmp_path.rglob("*") if ".git" not in p.parts) == before
    assert repo.tasks() == {}
    assert repo.git("branch", "--list", "agent/*") == ""


def test_a_worktree_of_somebody_else_in_the_way_is_left_alone(repo: Sandbox, beside: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "mine", str(beside / "1-fix-login"))
    repo.write("precious.txt", "mine\n", cwd=beside / "1-fix-login")
    result = repo.agent("spawn", "Fix login", exit=3)
    assert "registered as a worktree already" in result.err
    assert (beside / "1-fix-login" / "precious.txt").read_text() == "mine\n"
    assert repo.git("branch", "--show-current", cwd=beside / "1-fix-login") == "mine"
    assert repo.tasks() == {} and repo.git("branch", "--list", "agent/*") == ""


def test_a_directory_for_worktrees_is_not_gits_own_and_stays_out_of_commits(repo: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.path / ".git" / "refs")
    for bad in (".git", ".git/hooks/x", str(tmp_path / "link")):
        refused = repo.agent("-C", "src", "spawn", "Fix login", exit=3, env=worktree_dir(bad))
        assert "inside the git directory" in refused.err and nothing_was_made(repo)
    places = ("in here#1", "src", ".")
    made = [Path(repo.agent("spawn", "Fix login", env=worktree_dir(place)).out.strip()) for place in places]
    assert repo.git("status", "--porcelain", "--untracked-files=all") == ""
    repo.write("src/new.py", "new\n"), repo.write("notes/new.py", "new\n")
    assert repo.git("status", "--porcelain").split("\n") == ["?? notes/", "?? src/new.py"]
    assert repo.git("status", "--porcelain", cwd=made[1]) == ""


def worktree_dir(path: str) -> dict[str, str]:
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "agent.worktreeDir", "GIT_CONFIG_VALUE_0": path}


def test_an_empty_target_is_used(repo: Sandbox, beside: Path) -> None:
    (beside / "1-fix-login").mkdir(parents=True)
    assert (spawned(repo, "Fix login") / "README.md").exists()


@pytest.mark.parametrize("name", ["agent/1-fix-login", "agent", "agent/1-fix-login/deeper", "Agent/1-Fix-Login"])
def test_a_branch_in_the_way_is_refused_and_named(repo: Sandbox, name: str) -> None:
    repo.git("branch", name)
    result = repo.agent("spawn", "Fix login", exit=3)
    assert f"'{name}'" in result.err and "hint: " in result.err
    assert repo.tasks() == {}
    assert repo.git("rev-parse", name) == repo.git("rev-parse", "main")


def test_a_branch_is_adopted_and_never_deleted(repo: Sandbox) -> None:
    repo.git("branch", "feature")
    where = spawned(repo, "Fix login", "--branch", "feature")
    assert repo.git("branch", "--show-current", cwd=where) == "feature"
    repo.commit(where, "login.py", "fixed\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    assert not where.exists()
    assert repo.git("show", "feature:login.py") == "fixed"


def test_a_branch_that_is_checked_out_elsewhere_is_not_adopted(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "feature", str(tmp_path / "elsewhere"))
    result = repo.agent("spawn", "Fix login", "--branch", "feature", exit=3)
    assert str(tmp_path / "elsewhere") in result.err
    assert repo.tasks() == {}


def test_a_post_checkout_hook_that_fails_is_shown_and_everything_rolled_back(repo: Sandbox, beside: Path) -> None:
    repo.write(".git/hooks/post-checkout", "#!/bin/sh\necho no room >&2\nexit 3\n").chmod(0o755)
    result = repo.agent("spawn", "Fix login", exit=None)
    assert result.code in (1, 3) and "no room" in result.err and "post-checkout" in result.err
    assert nothing_was_made(repo)
    assert not beside.exists()


def test_a_setup_that_fails_is_shown_and_everything_rolled_back(repo: Sandbox, beside: Path, tmp_path: Path) -> None:
    command = f"echo made > made.txt; echo kept > '{tmp_path}/outside'; echo went wrong; exit 7"
    repo.git("config", "agent.setup", command)
    result = repo.agent("spawn", "Fix login", exit=1)
    assert "went wrong" in result.err and "failed with 7" in result.err
    assert nothing_was_made(repo)
    assert not beside.exists()
    # What a command does elsewhere is its own affair: it ran with the user's rights.
    assert (tmp_path / "outside").read_text() == "kept\n"


def test_a_setup_that_fails_puts_a_task_of_the_queue_back(repo: Sandbox) -> None:
    repo.agent("add", "Fix login")
    repo.git("config", "agent.setup", "git commit --quiet --allow-empty -m own; exit 1")
    repo.agent("spawn", "1", exit=1)
    assert repo.tasks()[1]["state"] == "OPEN"
    # The commit of a setup command is somebody's work: the branch stays, and is named.
    repo.git("config", "--unset", "agent.setup")
    result = repo.agent("spawn", "1", exit=None)
    assert result.code == 0 or "agent/1-fix-login" in result.err


def test_several_setup_commands_run_in_order_in_the_worktree(repo: Sandbox) -> None:
    repo.git("config", "--add", "agent.setup", "pwd > build.log")
    repo.git("config", "--add", "agent.setup", 'echo "$GIT_AGENT_TASK" "$GIT_AGENT_WORKTREE" >> build.log')
    where = spawned(repo, "Fix login")
    assert (where / "build.log").read_text().splitlines() == [str(where), f"1 {where}"]


def test_ignored_files_are_copied_and_linked(repo: Sandbox) -> None:
    repo.write(".env", "SECRET=1\n").chmod(0o600)
    repo.write("build/cache/big", "big\n")
    repo.write("config/local.log", "local\n")
    repo.write("not-ignored.txt", "mine\n")
    repo.write(".worktreeinclude", "*.log\nnot-ignored.txt\n")
    repo.git("config", "agent.copy", ".env")
    repo.git("config", "agent.link", "build")
    where = spawned(repo, "Fix login")
    assert (where / ".env").read_text() == "SECRET=1\n"
    assert (where / ".env").stat().st_mode & 0o777 == 0o600
    assert (where / "config" / "local.log").exists()
    assert not (where / "not-ignored.txt").exists()
    assert os.readlink(where / "build") == str(repo.path / "build")
    assert repo.git("status", "--porcelain", cwd=where) == ""


@pytest.mark.parametrize("value", ["../outside", "/etc/passwd", "a/../../outside", ".git", ".git/hooks"])
def test_a_hostile_link_is_refused_or_does_nothing(repo: Sandbox, tmp_path: Path, value: str) -> None:
    repo.write(tmp_path / "outside", "mine\n")
    repo.git("config", "agent.link", value)
    result = repo.agent("spawn", "Fix login", exit=None)
    assert "Traceback" not in result.err
    assert (tmp_path / "outside").read_text() == "mine\n"
    assert not (tmp_path / "my repo.worktrees" / "outside").exists()
    if result.code == 0:
        assert repo.git("status", "--porcelain", cwd=tmp_path / "my repo.worktrees" / "1-fix-login") == ""
    else:
        assert result.code == 3 and nothing_was_made(repo)


@pytest.mark.parametrize("value", ["../outside", "/etc/passwd", "!*", "*"])
def test_a_hostile_copy_pattern_copies_nothing_from_outside(repo: Sandbox, tmp_path: Path, value: str) -> None:
    repo.write(tmp_path / "outside", "mine\n")
    repo.write("x.log", "log\n")
    (repo.path / "link.log").symlink_to(tmp_path / "outside")
    repo.git("config", "agent.copy", value)
    where = spawned(repo, "Fix login")
    assert not (where / "outside").exists() and not (where.parent / "outside").exists()
    # A link is copied as a link: what it points to is not read.
    assert not (where / "link.log").exists() or (where / "link.log").is_symlink()
    assert repo.git("status", "--porcelain", cwd=where) == ""


def test_a_directory_that_is_a_link_in_the_new_worktree_is_not_written_through(repo: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (repo.path / "conf").symlink_to(tmp_path / "victim")
    repo.git("add", "conf")
    repo.git("commit", "--quiet", "--message", "Link conf")
    (repo.path / "conf").unlink()
    repo.write("conf/secret.log", "secret\n")
    repo.git("config", "agent.copy", "*.log")
    repo.git("config", "agent.link", "conf/secret.log")
    repo.agent("spawn", "Fix login", exit=None)
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_tracked_context_file_is_refused_and_the_victim_untouched(repo: Sandbox, tmp_path: Path, kind: str) -> None:
    victim = repo.write(tmp_path / "victim", "mine\n")
    if kind == "file":
        repo.write(".worker-ctx.json", "{}\n")
    else:
        (repo.path / ".worker-ctx.json").symlink_to(victim)
    repo.git("add", "--force", ".worker-ctx.json")
    repo.git("commit", "--quiet", "--message", "Track it")
    result = repo.agent("spawn", "Fix login", exit=3)
    assert "tracked" in result.err and "git rm --cached" in result.err
    assert nothing_was_made(repo)
    assert victim.read_text() == "mine\n"


def test_two_with_one_name_make_one_task_and_the_other_exits_3(repo: Sandbox) -> None:
    repo.agent("init")
    results = repo.parallel([("spawn", "Fix", "--name", "fix"), ("spawn", "Fix", "--name", "fix")])
    assert sorted(r.code for r in results) == [0, 3], results
    assert len(repo.tasks()) == 1 and wrong(repo) == []
