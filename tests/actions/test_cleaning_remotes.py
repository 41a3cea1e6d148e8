"""`clean --remote` deletes what remotes still have of merged tasks, and nothing that was not merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.faults.world import Worlds
from tests.sandbox import Sandbox

ONE, TWO = "agent/1-fix-login", "agent/2-write-docs"


def _merged(repo: Sandbox) -> None:
    """Two tasks are merged, and task 3 is worked on. `origin` has main and all three branches; `team/up` has main."""
    for name in ("origin", "team/up"):
        there = repo.path.parent / f"{name.replace('/', '-')}.git"
        repo.git("clone", "--quiet", "--bare", repo.path, there)
        repo.git("remote", "add", name, there)
    for number, title in enumerate(("Fix login", "Write docs", "Go on"), 1):
        repo.agent("spawn", title)
        repo.commit(repo.worktree(number), f"{number}.txt", "x\n")
        repo.git("push", "--quiet", "origin", "HEAD", cwd=repo.worktree(number))
    for task in ("1", "2"):
        repo.agent("done", task)
        repo.agent("approve", task)
    repo.agent("merge", "1", "2", "--strategy", "squash")
    repo.git("push", "--quiet", "origin", "main")


@pytest.fixture
def merged(repo: Sandbox, worlds: Worlds) -> Sandbox:
    return worlds.lend(repo, _merged)


def on(repo: Sandbox, remote: str = "origin") -> list[str]:
    there = repo.path.parent / f"{remote.replace('/', '-')}.git"
    listed = repo.git("--git-dir", there, "for-each-ref", "--format=%(refname:short)", "refs/heads/agent/")
    return listed.splitlines()


def cleaned(repo: Sandbox, *flags: str, exit: int = 0) -> dict[str, tuple[str, str]]:
    """Clean remotes; return what became of each branch, and why."""
    found = repo.agent_json("clean", "--remote", "--yes", *flags, exit=exit)["remote"]
    return {f"{each['remote']}/{each['branch']}": (each["status"], each["why"] or "") for each in found}


def move(repo: Sandbox, branch: str, remote: str = "origin") -> str:
    """Let somebody else push a commit to a branch; return it."""
    there = repo.path.parent / f"{remote.replace('/', '-')}.git"
    oid = repo.git("--git-dir", there, "commit-tree", "-p", branch, "-m", "More", f"{branch}^{{tree}}")
    repo.git("--git-dir", there, "update-ref", f"refs/heads/{branch}", oid)
    return oid


def test_merge_and_clean_say_once_what_a_remote_still_has(merged: Sandbox) -> None:
    said = merged.agent("clean")
    assert said.out == "nothing to clean\n" and len(on(merged)) == 3
    assert said.err == f"hint: remotes still have origin/{ONE}, origin/{TWO}: git agent clean --remote\n"
    merged.agent("done", "3")
    merged.agent("approve", "3")
    note = "still on a remote: origin/agent/3-go-on; after 'main' is pushed, git agent clean --remote deletes it"
    assert note in merged.agent("merge", "3").err


def test_the_list_comes_first_and_without_a_terminal_only_yes_deletes(merged: Sandbox) -> None:
    listed = merged.agent("clean", "--remote", "-n").out
    assert listed == f"task 1: would delete {ONE} on origin\ntask 2: would delete {TWO} on origin\n"
    said = merged.agent("clean", "--remote", exit=3).err
    assert "this deletes branches on remotes (2)" in said and "git agent clean --remote --yes" in said
    assert len(on(merged)) == 3
    assert merged.agent("clean", "--remote", "--yes").out == listed.replace("would delete", "deleted")
    assert on(merged) == ["agent/3-go-on"]
    assert "task.remote-branch-deleted 1" in merged.agent("log", "1").out
    assert merged.agent("clean", "--remote").out == "nothing to clean\n"


def test_a_no_at_the_terminal_removes_nothing(merged: Sandbox) -> None:
    words = ("git", "agent", "clean", "--remote")
    said = Terminal(merged.path).type(*words, asked="Delete them there? [y/N]:", answer=lambda: "n\n")
    assert f"would delete {ONE} on origin\n" in said and "error: nothing was removed\n" in said
    assert len(on(merged)) == 3


def test_a_branch_that_moved_stays(merged: Sandbox) -> None:
    oid = move(merged, ONE)
    left = ("left", f"{oid[:12]} is not part of what was merged")
    assert cleaned(merged) == {f"origin/{ONE}": left, f"origin/{TWO}": ("deleted", "")}
    merged.git("fetch", "--quiet", "origin")  # then the commit is known here
    assert cleaned(merged) == {f"origin/{ONE}": left}


def test_also_one_that_moves_while_it_is_deleted(merged: Sandbox) -> None:
    there = merged.path.parent / "origin.git"
    script = f"""#!/bin/sh
oid=$(git --git-dir '{there}' commit-tree -p {ONE} -m More {ONE}^{{tree}})
git --git-dir '{there}' update-ref refs/heads/{ONE} "$oid"
"""
    merged.write(".git/hooks/pre-push", script).chmod(0o755)
    found = cleaned(merged, exit=1)
    assert found[f"origin/{ONE}"][0] == "failed" and found[f"origin/{TWO}"] == ("deleted", "")
    assert on(merged) == [ONE, "agent/3-go-on"]


def test_one_that_is_behind_what_was_merged_goes(merged: Sandbox) -> None:
    old = merged.git("rev-parse", f"origin/{ONE}^")
    merged.git("push", "--quiet", "--force", "origin", f"{old}:refs/heads/{ONE}")
    assert cleaned(merged)[f"origin/{ONE}"] == ("deleted", "")


def test_an_unreachable_remote_stops_nothing_else_and_is_named(merged: Sandbox) -> None:
    merged.git("push", "--quiet", "team/up", f"origin/{ONE}:refs/heads/{ONE}")
    merged.git("config", "remote.origin.url", merged.path.parent / "nowhere.git")
    said = merged.agent("clean", "--remote", "--yes", exit=1)
    assert said.out == f"task 1: deleted {ONE} on team/up\n" and on(merged, "team/up") == []
    assert f"error: origin/{ONE} was not deleted: " in said.err
    assert "hint: git ls-remote origin, then git agent clean --remote\n" in said.err


def test_a_remote_with_a_relative_path_is_asked_as_git_asks_it(merged: Sandbox) -> None:
    merged.git("config", "remote.origin.url", "../origin.git")
    (merged.path / "src").mkdir(exist_ok=True)
    said = merged.agent("clean", "--remote", "--yes", cwd=merged.path / "src")
    assert f"deleted {ONE} on origin" in said.out and len(on(merged)) == 1


def test_a_remote_that_forbids_it_is_named(merged: Sandbox) -> None:
    merged.git("--git-dir", merged.path.parent / "origin.git", "config", "receive.denyDeletes", "true")
    refused = ("failed", "[remote rejected] (deletion prohibited)")
    assert cleaned(merged, exit=1) == {f"origin/{ONE}": refused, f"origin/{TWO}": refused}


def test_a_hook_of_the_user_may_forbid_it(merged: Sandbox) -> None:
    merged.write(".git/hooks/pre-push", "#!/bin/sh\necho not today >&2\nexit 1\n").chmod(0o755)
    assert cleaned(merged, exit=1)[f"origin/{ONE}"] == ("failed", "not today")
    assert len(on(merged)) == 3


def test_nothing_goes_before_the_merge_is_on_a_remote(merged: Sandbox) -> None:
    merged.git("push", "--quiet", "--force", "origin", "main~2:main")
    found = cleaned(merged)
    assert found[f"origin/{ONE}"][0] == "left" and "push 'main' first" in found[f"origin/{ONE}"][1]
    merged.git("push", "--quiet", "origin", "main~1:main")
    assert {name: status for name, (status, _) in cleaned(merged).items()} == {
        f"origin/{ONE}": "deleted",
        f"origin/{TWO}": "left",
    }


def test_what_the_remote_has_deleted_itself_is_forgotten(merged: Sandbox) -> None:
    merged.git("--git-dir", merged.path.parent / "origin.git", "update-ref", "-d", f"refs/heads/{ONE}")
    assert cleaned(merged)[f"origin/{ONE}"] == ("gone", "")
    assert cleaned(merged) == {}


def test_a_fetch_that_renames_branches_is_followed(merged: Sandbox) -> None:
    merged.git("config", "--replace-all", "remote.origin.fetch", "+refs/heads/*:refs/remotes/mirror/of/*")
    merged.git("fetch", "--quiet", "origin")
    assert cleaned(merged)[f"origin/{ONE}"] == ("deleted", "")


def test_branches_that_are_in_use_or_were_not_made_here_or_not_merged_stay(merged: Sandbox) -> None:
    merged.git("branch", "theirs", "main")
    merged.agent("spawn", "Adopt", "--branch", "theirs")
    where = Path(merged.tasks()[4]["worktree"])
    merged.commit(where, "4.txt", "x\n")
    merged.git("push", "--quiet", "origin", "theirs")
    merged.agent("done", "4")
    merged.agent("approve", "4")
    merged.agent("merge", "4")
    merged.git("switch", "--quiet", "--create", ONE, f"origin/{ONE}")
    merged.commit(None, "more.txt", "more\n")
    merged.git("switch", "--quiet", "main")
    merged.agent("spawn", "Go on with it", "--branch", ONE)
    merged.agent("cancel", "3")
    merged.git("push", "--quiet", "origin", "main")
    assert cleaned(merged) == {f"origin/{TWO}": ("deleted", "")}


def test_a_reverted_merge_keeps_its_branch(merged: Sandbox) -> None:
    merged.git("revert", "--no-edit", merged.tasks()[1]["merged_oid"])
    merged.agent("sync")
    assert merged.tasks()[1]["reverted_oid"]
    merged.git("push", "--quiet", "origin", "main")
    assert cleaned(merged) == {f"origin/{TWO}": ("deleted", "")}
