"""A directory that git can't read, such as another user's: its worktree is not clean, and what stays is named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.sandbox import Result, Sandbox

POWERS = "-dac_override,-dac_read_search,-fowner"
STRANGER = 12345


@pytest.fixture
def powerless() -> Sequence[str]:
    """Return the words that run a command as somebody who may not read everything."""
    if os.getuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root reads everything, and setpriv is not installed")
    return ["setpriv", f"--bounding-set={POWERS}", f"--inh-caps={POWERS}"]


@pytest.fixture
def work(repo: Sandbox, powerless: Sequence[str]) -> Iterator[Sandbox]:
    """Return a repository whose task 1 has a commit, and a directory that nobody may open."""
    repo.agent("spawn", "One")
    tree = repo.worktree(1)
    repo.commit(tree, "one.txt", "one\n")
    repo.write("pgdata/table", "precious\n", cwd=tree)
    (tree / "pgdata").chmod(0)
    yield repo
    for closed in repo.path.parent.rglob("pgdata"):
        closed.chmod(0o700)


def agent(repo: Sandbox, powerless: Sequence[str], *args: str) -> Result:
    return repo.run(*powerless, "git-agent", *args)


def another_users(directory: Path) -> None:
    """Give a directory to somebody else: our own are made readable before they are deleted."""
    if os.getuid() != 0:
        pytest.skip("only root can give a directory to another user")
    os.chown(directory, STRANGER, STRANGER)


def table(repo: Sandbox) -> list[str]:
    """Return the content of the file, wherever it is."""
    found = [*repo.path.parent.rglob("pgdata")]
    for closed in found:
        closed.chmod(0o700)
    return [file.read_text() for closed in found for file in closed.iterdir()]


def test_done_does_not_call_the_worktree_clean(work: Sandbox, powerless: Sequence[str]) -> None:
    said = agent(work, powerless, "done", "1")
    assert said.code == 3 and "can't read pgdata/" in said.err and "chmod u+rwx pgdata/" in said.err, said
    assert work.tasks()[1]["state"] == "WORKING"


@pytest.mark.parametrize("how", [("rm", "1"), ("rm", "1", "--force", "--unmerged"), ("clean",)], ids=" ".join)
def test_a_removal_leaves_the_worktree_and_names_the_directory(
    work: Sandbox, powerless: Sequence[str], how: Sequence[str]
) -> None:
    work.agent("cancel", "1")
    said = agent(work, powerless, *how)
    assert "git can't read the directory pgdata/" in said.out + said.err, said
    assert (work.worktree(1) / "one.txt").exists()
    assert table(work) == ["precious\n"]


def test_a_merge_leaves_the_worktree_and_names_the_directory(work: Sandbox, powerless: Sequence[str]) -> None:
    (work.worktree(1) / "pgdata").chmod(0o700)
    shutil.move(work.worktree(1) / "pgdata", work.path.parent / "away")
    for verb in ("done", "approve"):
        work.agent(verb, "1")
    shutil.move(work.path.parent / "away", work.worktree(1) / "pgdata")
    (work.worktree(1) / "pgdata").chmod(0)
    said = agent(work, powerless, "merge", "1")
    assert said.code == 0 and "can't read the directory pgdata/" in said.out + said.err, said
    assert (work.worktree(1) / "one.txt").exists() and table(work) == ["precious\n"]


@pytest.mark.rest
@pytest.mark.parametrize("how", ["merge", "rm"])
def test_what_an_ignored_directory_leaves_behind_is_said_and_found(
    work: Sandbox, powerless: Sequence[str], how: str
) -> None:
    another_users(work.worktree(1) / "pgdata")
    work.write(".git/info/exclude", "pgdata\n.worker-ctx.json\n")
    for verb in ("done", "approve", "merge") if how == "merge" else ("cancel", "rm --force --unmerged"):
        said = agent(work, powerless, *verb.split(), "1")
        assert said.code == 0, said
    assert "pgdata can't be deleted" in said.err and "git agent doctor" in said.err, said
    (found,) = agent(work, powerless, "doctor", "--json").json()["findings"]
    assert found["code"] == "trash-left" and "pgdata" in found["what"] and Path(found["subject"]).is_dir()
    assert table(work) == ["precious\n"]
    work.run("sh", "-c", found["fix"].removeprefix("sudo "))
    assert agent(work, powerless, "doctor", "--json").json()["findings"] == []


def test_our_own_closed_directory_is_deleted_with_its_worktree(work: Sandbox, powerless: Sequence[str]) -> None:
    work.write(".git/info/exclude", "pgdata\n.worker-ctx.json\n")
    (work.worktree(1) / "pgdata").chmod(0o700)
    work.write("pgdata/in/file", "x\n", cwd=work.worktree(1))
    outside = work.write("../outside/file", "x\n").parent
    outside.chmod(0o500)
    (work.worktree(1) / "pgdata/link").symlink_to(outside)
    for closed in ("pgdata/in", "pgdata"):
        (work.worktree(1) / closed).chmod(0)
    work.agent("cancel", "1")
    said = agent(work, powerless, "rm", "1", "--force", "--unmerged")
    assert said.code == 0 and "can't be deleted" not in said.err, said
    assert [*work.path.parent.rglob("pgdata")] == []
    assert outside.stat().st_mode & 0o777 == 0o500


def test_what_a_failed_setup_leaves_is_found(repo: Sandbox, powerless: Sequence[str]) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a directory to another user")
    setup = f"mkdir -p pgdata/in && chmod 0 pgdata && chown {STRANGER} pgdata && false"
    repo.git("config", "agent.setup", setup)
    said = agent(repo, powerless, "spawn", "One")
    assert said.code != 0
    (found,) = agent(repo, powerless, "doctor", "--json").json()["findings"]
    assert "pgdata" in found["what"]
    for closed in repo.path.parent.rglob("pgdata"):
        closed.chmod(0o700)
