"""rm, clean and merge never lose work: what would be lost is listed, and what is forced away is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.whole import wrong
from tests.faults.world import Worlds
from tests.sandbox import Sandbox
from tests.tables import execute


def _cancelled(repo: Sandbox) -> None:
    repo.write(".env", "SECRET=1\n")
    repo.git("config", "agent.copy", ".env")
    repo.agent("spawn", "Fix login")
    repo.agent("cancel", "1")


@pytest.fixture
def where(repo: Sandbox, worlds: Worlds) -> Path:
    """Return the worktree of task 1, which is cancelled and has nothing in it."""
    return worlds.lend(repo, _cancelled).worktree(1)


def rescued(repo: Sandbox) -> list[str]:
    return repo.git("for-each-ref", "--format=%(refname)", "refs/git-agent/rescue/1/").splitlines()


def refused(repo: Sandbox, *flags: str) -> str:
    result = repo.agent("rm", "1", *flags, exit=3)
    assert "work would be lost" in result.err and "hint: git agent rm 1 --" in result.err
    return result.err


def test_a_live_task_is_never_removed(repo: Sandbox) -> None:
    where = Path(repo.agent_json("spawn", "Fix login")["task"]["worktree"])
    for flags in ((), ("--force",), ("--force", "--unmerged")):
        assert "git agent cancel 1" in repo.agent("rm", "1", *flags, exit=3).err
    assert where.is_dir()


def test_a_clean_one_goes_without_a_question(repo: Sandbox, where: Path) -> None:
    repo.agent("rm", "1")
    assert not where.exists() and repo.git("branch", "--list", "agent/*") == "" and wrong(repo) == []
    assert "no worktree or branch" in repo.agent("rm", "1").out


def test_modified_and_untracked_files_are_listed_and_with_force_kept(repo: Sandbox, where: Path) -> None:
    repo.write("README.md", "changed\n", cwd=where)
    repo.write("staged.txt", "staged\n", cwd=where)
    repo.git("add", "staged.txt", cwd=where)
    repo.write("new/untracked.txt", "untracked\n", cwd=where)
    said = refused(repo)
    for name in ("README.md", "staged.txt", "new/untracked.txt"):
        assert name in said
    assert where.is_dir()
    repo.agent("rm", "1", "--force")
    assert not where.exists()
    assert len(rescued(repo)) == 1
    kept = rescued(repo)[0]
    assert repo.git("show", f"{kept}:README.md") == "changed"
    assert repo.git("show", f"{kept}:staged.txt") == "staged"
    assert repo.git("show", f"{kept}:new/untracked.txt") == "untracked"
    assert wrong(repo) == []


def test_an_edited_copy_of_an_ignored_file_is_listed_and_with_force_kept(repo: Sandbox, where: Path) -> None:
    repo.write(".env", "SECRET=2\n", cwd=where)
    assert ".env" in refused(repo)
    repo.agent("rm", "1", "--force")
    assert (repo.store.parent / "kept/1/1/.env").read_text() == "SECRET=2\n" and rescued(repo) == []


def test_an_unchanged_copy_and_build_products_are_no_work(repo: Sandbox, where: Path) -> None:
    repo.write("build/out.o", "object\n", cwd=where)
    repo.agent("rm", "1")
    assert not where.exists()


def test_commits_that_are_nowhere_else_are_listed_and_kept(repo: Sandbox, where: Path) -> None:
    tip = repo.commit(where, "login.py", "fixed\n")
    said = refused(repo)
    assert "agent/1-fix-login" in said and "--unmerged" in said
    repo.write("new.txt", "x\n", cwd=where)
    assert "hint: git agent rm 1 --force --unmerged; " in refused(repo, "--force")
    assert "hint: git agent rm 1 --force --unmerged; " in refused(repo, "--unmerged")
    (where / "new.txt").unlink()
    assert where.is_dir()
    repo.agent("rm", "1", "--unmerged")
    assert repo.git("rev-parse", rescued(repo)[0]) == tip
    assert repo.git("branch", "--list", "agent/*") == ""


def test_commits_on_a_detached_head_are_kept(repo: Sandbox, where: Path) -> None:
    repo.git("checkout", "--quiet", "--detach", cwd=where)
    tip = repo.commit(where, "login.py", "fixed\n")
    repo.agent("rm", "1", "--unmerged", "--force")
    kept = {repo.git("rev-parse", ref) for ref in rescued(repo)}
    assert tip in kept


def test_a_stash_made_there_is_listed(repo: Sandbox, where: Path) -> None:
    repo.write("README.md", "stashed\n", cwd=where)
    repo.git("stash", "--quiet", cwd=where)
    assert "stash@{0}" in refused(repo)
    repo.agent("rm", "1", "--force")
    assert repo.git("show", "stash@{0}:README.md") == "stashed"


def test_a_process_inside_is_listed(repo: Sandbox, where: Path) -> None:
    with subprocess.Popen(["sleep", "60"], cwd=where) as inside:
        try:
            said = refused(repo)
            assert f"{inside.pid} sleep 60" in said
        finally:
            inside.kill()
    repo.agent("rm", "1")
    assert not where.exists()


def test_a_rebase_under_way_is_not_forced_away(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "README.md", "theirs\n")
    repo.commit(None, "README.md", "ours\n")
    repo.git("rebase", "main", cwd=where, check=False)
    for flags in ([], ["--force", "--unmerged"]):
        said = repo.agent("rm", "1", *flags, exit=3).err
        assert "in progress: a rebase" in said and "hint: finish it there, or git rebase --abort" in said
    assert where.is_dir()


def test_a_dry_run_removes_nothing(repo: Sandbox, where: Path) -> None:
    assert str(where) in repo.agent("rm", "1", "--dry-run").out
    assert str(where) in repo.agent("clean", "--dry-run").out
    assert where.is_dir() and rescued(repo) == []


def test_clean_leaves_what_would_lose_work_and_names_it(repo: Sandbox, where: Path) -> None:
    other = Path(repo.agent_json("spawn", "Other")["task"]["worktree"])
    repo.agent("cancel", "2")
    repo.write("mine.txt", "mine\n", cwd=where)
    said = repo.agent("clean").out
    assert "mine.txt" in said and where.is_dir() and not other.exists()


def test_a_merge_leaves_a_worktree_with_untracked_files_and_says_so(repo: Sandbox) -> None:
    where = Path(repo.agent_json("spawn", "Fix login")["task"]["worktree"])
    repo.commit(where, "login.py", "fixed\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.write("late.txt", "late\n", cwd=where)
    assert "late.txt" in repo.agent("merge", "1").out
    assert where.is_dir() and repo.tasks()[1]["state"] == "COMPLETED"


STRANGERS = {
    "other files": 'rm -r "$0"; mkdir "$0"',
    "another repository": 'rm "$0/.git"; git init --quiet "$0"',
    "a symbolic link": 'mv "$0" "$0/../../aside"; ln -s ../aside "$0"',
    "a worktree of a repository that was moved": 'echo "gitdir: /no/where" >"$0/.git"',
}


@pytest.mark.parametrize("what", STRANGERS)
def test_what_took_the_place_of_a_worktree_is_left_alone_and_keeps_nothing_else_from_going(
    repo: Sandbox, where: Path, what: str
) -> None:
    other = Path(repo.agent_json("spawn", "Two")["task"]["worktree"])
    repo.commit(other, "two.txt", "x\n")
    repo.agent("done", "2")
    repo.agent("approve", "2")
    repo.run("sh", "-c", STRANGERS[what], other)
    repo.write("PRECIOUS", "x\n", cwd=other)
    left = f"left: not the worktree that was made there, but {what}: {other} "
    assert left in repo.agent("merge", "2").out and _pending(repo) == 0
    # As an older version left it: it asked git for the status of what was there.
    rest = '{"attempts": [], "rest": true, "force": false, "unmerged": false, "gone": [], "operation": "x"}'
    columns = "kind, task, data, host, boot_id, pid, pid_start, at"
    _write(
        repo, f"insert into intent ({columns}) values ('remove', 2, '{rest}', '{os.uname().nodename}', 'x', 1, 1, 1)"
    )
    assert "finished an interrupted remove of task 2" in repo.agent("list").err and _pending(repo) == 0
    said = repo.agent("clean").out
    assert left in said and not where.exists()
    assert f"mv '{other}' ELSEWHERE, then git agent clean" in repo.agent("rm", "2", "--force", exit=3).err
    assert (other / "PRECIOUS").read_text() == "x\n"
    other.rename(repo.path.parent / "ELSEWHERE")
    repo.agent("clean")
    assert repo.git("branch", "--list", "agent/*") == "" and wrong(repo) == []


def _write(repo: Sandbox, statement: str) -> list[list[int]]:
    return execute(repo.store, statement)


def _pending(repo: Sandbox) -> int:
    return _write(repo, "select count(*) from intent")[0][0]


def test_a_removal_that_is_refused_at_the_last_moment_has_an_end(repo: Sandbox, where: Path) -> None:
    other = Path(repo.agent_json("spawn", "Two")["task"]["worktree"])
    repo.write("refs/x", "x\n", cwd=other)
    repo.git("add", "refs", cwd=other)
    repo.commit(other, "objects/x", "x\n")
    repo.agent("done", "2")
    repo.agent("approve", "2")
    said = repo.agent("merge", "2")
    assert f"left: can't be removed: {other} looks like a repository" in said.out
    assert "removed worktree" not in said.out and "removed branch" not in said.out and _pending(repo) == 0
    assert "looks like a repository" in repo.agent("clean").out and not where.exists() and other.is_dir()
    repo.agent("rm", "2", exit=3)
    assert _pending(repo) == 0 and repo.git("branch", "--list", "agent/2*") != ""


def test_an_empty_directory_is_nothing_and_what_git_can_t_look_into_is_an_obstacle(repo: Sandbox, where: Path) -> None:
    other = Path(repo.agent_json("spawn", "Two")["task"]["worktree"])
    repo.agent("cancel", "2")
    shutil.rmtree(other)
    other.mkdir()
    (Path(repo.git("rev-parse", "--absolute-git-dir", cwd=where)) / "index").write_text("nothing")
    said = repo.agent("clean").out
    assert f"left: git can't examine {where}: " in said and where.is_dir() and not other.exists()
    assert repo.git("branch", "--list", "agent/2*") == ""


def test_a_link_in_the_place_of_a_worktree_is_not_followed(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    where.rename(victim)
    where.symlink_to(victim)
    result = repo.agent("rm", "1", "--force", "--unmerged", exit=None)
    assert (victim / "README.md").exists() and os.path.islink(where), result
    assert "Traceback" not in result.err and result.code != 0


def test_the_repository_itself_is_never_removed(repo: Sandbox, where: Path) -> None:
    _write(repo, f"update attempt set worktree = '{repo.path}'")
    repo.agent("rm", "1", "--force", "--unmerged", exit=None)
    assert (repo.path / ".git" / "objects").is_dir() and (repo.path / "README.md").exists()
