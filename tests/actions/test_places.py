"""git runs in a worker's directory only as the repository is configured: a worker chooses no programs for others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox import Result, Sandbox

PERSON = (
    *("list", "status", "show 1", "diff 1", "prime 1", "path 1", "log 1", "conflicts", "doctor", "doctor --fix"),
    *("done 1", "approve 1", "merge 1 -n", "merge 1", "rm 2 -n", "rm 2", "clean -n", "clean -y", "undo", "sync"),
)


def evil(repo: Sandbox, pwned: Path) -> Path:
    """Make a repository that runs a command for everything that git can be made to run one for."""
    where = repo.path.parent / "evil"
    shutil.copytree(repo.path / ".git", where, ignore=shutil.ignore_patterns("git-agent", "worktrees"))
    command = f"touch '{pwned}'; cat"
    for key in ("filter.x.clean", "filter.x.smudge", "diff.external", "core.pager", "core.editor", "gpg.program"):
        repo.git("--git-dir", where, "config", key, command)
    for key in ("agent.notify", "agent.check", "agent.setup", "core.fsmonitor"):
        repo.git("--git-dir", where, "config", key, command)
    repo.git("--git-dir", where, "config", "core.bare", "false")
    hooks = where / "hooks"
    for name in ("post-checkout", "post-merge", "pre-rebase", "post-index-change", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{pwned}'\n")
        (hooks / name).chmod(0o755)
    repo.git("--git-dir", where, "config", "core.hooksPath", str(hooks))
    (where / "info").mkdir(exist_ok=True)
    (where / "info/attributes").write_text("* filter=x\n")
    return where


def _directory(at: Path, admin: Path, evil: Path) -> None:
    (at / ".git").unlink()
    shutil.copytree(evil, at / ".git")


def _file(at: Path, admin: Path, evil: Path) -> None:
    (at / ".git").write_text(f"gitdir: {evil}\n")


def _own_admin(at: Path, admin: Path, evil: Path) -> None:
    """The worktree's own copy of its registration, with the real repository as its common directory."""
    copy = at / "admin"
    shutil.copytree(admin, copy)
    (copy / "commondir").write_text(f"{admin.parents[1]}\n")
    (copy / "config.worktree").write_text((evil / "config").read_text())
    (at / ".git").write_text(f"gitdir: {copy}\n")


def _long(at: Path, admin: Path, evil: Path) -> None:
    """A pointer whose first 8 KB lead to the registration, and the whole of it elsewhere."""
    up = "/.." * len(admin.parts)
    (at / ".git").write_text(f"gitdir: {admin}{'/.' * 9000}{up}{evil}\n")


def _link(at: Path, admin: Path, evil: Path) -> None:
    (at / ".git").unlink()
    (at / ".git").symlink_to(evil)


def _commondir(at: Path, admin: Path, evil: Path) -> None:
    (admin / "commondir").write_text(f"{evil}\n")


def _settings(at: Path, admin: Path, evil: Path) -> None:
    text = (evil / "config").read_text().replace("bare = false", "symlinks = true")
    (admin / "config.worktree").write_text(text)


def _include(at: Path, admin: Path, evil: Path) -> None:
    (admin / "config.worktree").write_text(f"[include]\n\tpath = {evil}/config\n")


FORGERIES: dict[str, Callable[[Path, Path, Path], None]] = {
    "a repository in place of .git": _directory,
    "a .git file that leads elsewhere": _file,
    "a copy of the registration": _own_admin,
    "a pointer too long to read": _long,
    "a link in place of .git": _link,
    "another common directory": _commondir,
    "settings of its own": _settings,
    "settings that it includes": _include,
}


def handed_over(repo: Sandbox) -> None:
    """Task 1 has work; task 2 is cancelled. Worktrees have a configuration of their own, as sparse checkouts do."""
    repo.git("config", "extensions.worktreeConfig", "true")
    for title in ("Work", "Stop"):
        repo.agent("spawn", title)
    for task in (1, 2):
        repo.commit(repo.worktree(task), "a.txt", f"{task}\n")
    repo.agent("cancel", "2")


@pytest.mark.rest
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_place_runs_nothing_of_its_own_for_the_person(repo: Sandbox, tmp_path: Path, forgery: str) -> None:
    handed_over(repo)
    pwned = tmp_path / "pwned"
    other = evil(repo, pwned)
    for task in (1, 2):
        at = repo.worktree(task)
        FORGERIES[forgery](at, repo.path / ".git/worktrees" / at.name, other)
        repo.write("b.txt", "modified\n", cwd=at)
    pwned.unlink(missing_ok=True)
    for words in PERSON:
        result = repo.agent(*words.split(), exit=None)
        assert not pwned.exists(), f"it ran\n{result}"
        assert "Traceback" not in result.err, result
    assert repo.tasks()[1]["state"] != "COMPLETED" or "b.txt" not in repo.git("ls-tree", "--name-only", "main")


@pytest.mark.parametrize("forgery", FORGERIES)
def test_nor_for_a_person_who_stands_in_it(repo: Sandbox, tmp_path: Path, forgery: str) -> None:
    handed_over(repo)
    pwned = tmp_path / "pwned"
    at = repo.worktree(1)
    FORGERIES[forgery](at, repo.path / ".git/worktrees" / at.name, evil(repo, pwned))
    repo.write("b.txt", "modified\n", cwd=at)
    pwned.unlink(missing_ok=True)
    for verb in ("list", "status", "prime", "done", "done --rebase", "diff", "doctor", "sync", "path"):
        result = repo.agent(*verb.split(), cwd=at, exit=None)
        assert not pwned.exists(), f"it ran\n{result}"
        assert "Traceback" not in result.err, result


@pytest.mark.parametrize("forgery", FORGERIES)
def test_doctor_names_it_and_after_its_advice_the_worktree_works_again(
    repo: Sandbox, tmp_path: Path, forgery: str
) -> None:
    handed_over(repo)
    at = repo.worktree(1)
    FORGERIES[forgery](at, repo.path / ".git/worktrees" / at.name, evil(repo, tmp_path / "pwned"))
    found = found_by_doctor(repo)
    assert any(each["task"] == 1 and each["code"].startswith("worktree-") for each in found), found
    repo.agent("doctor", "--fix", exit=None)
    for each in found_by_doctor(repo):
        if each["task"] == 1:
            advice = each["fix"].replace(", then ", " && ")
            assert repo.run("sh", "-c", advice).code == 0, each
    assert not [each for each in found_by_doctor(repo) if each["code"].startswith("worktree-")]
    shutil.rmtree(at / "admin", ignore_errors=True)
    repo.agent("done", "1")


def found_by_doctor(repo: Sandbox) -> list[dict[str, str]]:
    result: Result = repo.agent("doctor", "--json", exit=None)
    return list(result.json()["findings"])


def test_a_sparse_checkout_of_a_worker_is_no_forgery(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    at = repo.worktree(1)
    repo.git("sparse-checkout", "set", "--cone", "src", cwd=at)
    assert (repo.path / ".git/worktrees" / at.name / "config.worktree").is_file()
    repo.commit(at, "src/a.txt", "a\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    assert repo.tasks()[1]["state"] == "COMPLETED"


def test_another_worker_s_place_is_neither_believed_nor_used(repo: Sandbox) -> None:
    """A worker can't become another one by a pointer to the other's registration."""
    for title in ("One", "Two"):
        repo.agent("spawn", title)
    one, two = repo.worktree(1), repo.worktree(2)
    repo.commit(two, "two.txt", "two\n")
    (one / ".git").write_text((two / ".git").read_text())
    refused = repo.agent("done", cwd=one, exit=3)
    assert "belongs to" in refused.err and repo.tasks()[2]["state"] != "IN_REVIEW"
    assert "belongs to" in repo.agent("done", "1", exit=3).err


def test_a_registration_that_names_another_directory_does_not_move_the_worktree(repo: Sandbox, tmp_path: Path) -> None:
    repo.agent("spawn", "Work")
    home = tmp_path / "home"
    home.mkdir()
    at = repo.worktree(1)
    (repo.path / ".git/worktrees" / at.name / "gitdir").write_text(f"{home}/.git\n")
    assert repo.agent("path", "1").out.strip() == str(at)
    assert not list(home.iterdir())
    repo.agent("doctor", "--fix", exit=None)
    assert repo.git("status", "--porcelain", cwd=at) == ""


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_worker_without_its_git_file_is_still_no_person(repo: Sandbox, how: str) -> None:
    for title in ("One", "Two"):
        repo.agent("spawn", title)
    repo.commit(repo.worktree(2), "two.txt", "two\n")
    repo.agent("done", "2")
    at = repo.worktree(1)
    (at / "sub").mkdir()
    (at / ".git").unlink()
    if how == "replaced":
        (at / ".git").mkdir()
    env = {"GIT_DIR": str(repo.path / ".git")}
    assert "you are the worker of task 1" in repo.agent("approve", "2", cwd=at / "sub", env=env, exit=3).err
