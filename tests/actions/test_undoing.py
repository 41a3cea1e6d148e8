"""undo: what rm, clean, merge and cancel took away is there again, exactly, or nothing is changed and it says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_agent.store import events
from tests.faults.whole import rows, wrong
from tests.faults.world import Worlds
from tests.hooks.crowd import eventually
from tests.sandbox import Sandbox
from tests.tables import ask, change


def spawned(repo: Sandbox, title: str = "Fix login", file: str = "login.py") -> Path:
    where = Path(repo.agent("spawn", title).out.strip())
    repo.commit(where, file, "fixed = True\n", title)
    return where


def approved(repo: Sandbox, title: str = "Fix login", file: str = "login.py") -> Path:
    where = spawned(repo, title, file)
    repo.agent("done", cwd=where)
    repo.agent("approve", title.lower().replace(" ", "-"))
    return where


def listed(where: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file with its mode and content, links as what they point to."""
    files = [p for p in where.rglob("*") if not p.is_dir() and ".git" != p.name != ".worker-ctx.json"]
    content = {p: os.fsencode(os.readlink(p)) if p.is_symlink() else p.read_bytes() for p in files}
    return {str(p.relative_to(where)): (p.lstat().st_mode, content[p]) for p in files}


def task(repo: Sandbox, number: int = 1) -> dict[str, object]:
    return rows(repo, f"select * from task where id = {number}")[0]


def test_a_removed_worktree_is_again_as_it_was(repo: Sandbox) -> None:
    repo.write(".env", "SECRET=1\n")
    repo.git("config", "agent.copy", ".env")
    repo.git("config", "agent.setup", "echo made > setup.log")
    where = spawned(repo)
    repo.write(".env", "SECRET=2\n", cwd=where)
    repo.write("own.log", "ignored\n", cwd=where)
    repo.write("new/deep/untracked é.bin", b"\0\xff\r\n", cwd=where)
    repo.write("README.md", "changed\n", cwd=where)
    repo.write("staged.txt", "staged\n", cwd=where)
    repo.git("add", "staged.txt", cwd=where)
    (where / "docs/guide.md").unlink()
    (where / "src/app.py").chmod(0o755)
    (where / "link").symlink_to("nowhere")
    before, second = listed(where), Path(repo.agent("reassign", "1").out.strip())
    repo.agent("start", cwd=second)
    repo.commit(second, "second.py", "2\n")
    repo.agent("fail", "1", "-m", "too hard")
    repo.agent("rm", "1", "--force", "--unmerged")
    assert not where.exists() and not second.exists()
    said = repo.agent("undo").out
    assert said.count("restored worktree") == 2 and wrong(repo) == []
    assert listed(where) == before
    assert repo.git("diff", "--cached", "--name-only", cwd=where) == "staged.txt"
    assert repo.git("log", "-1", "--format=%s", cwd=second) == "Change a file"
    found = task(repo)
    assert (found["state"], found["attempt"], found["worktree"]) == ("FAILED", 2, str(second))
    assert repo.agent("undo", exit=3).err.startswith("error: there is nothing to undo\n")


@pytest.mark.parametrize("head", ["detached", "other"])
def test_a_worktree_that_stood_elsewhere_stands_there_again(repo: Sandbox, worlds: Worlds, head: str) -> None:
    where = worlds.lend(repo, spawned).worktree(1)
    repo.git(*(["checkout", "-q", "--detach"] if head == "detached" else ["checkout", "-qb", "other"]), cwd=where)
    oid = repo.commit(where, "elsewhere.py", "1\n")
    repo.write("loose.txt", "loose\n", cwd=where)
    repo.agent("fail", "1", "-m", "x")
    repo.agent("rm", "1", "--force", "--unmerged")
    repo.agent("undo")
    assert repo.git("rev-parse", "HEAD", cwd=where) == oid and (where / "loose.txt").exists()
    assert repo.git("branch", "--show-current", cwd=where) == ("" if head == "detached" else "other")
    assert repo.git("log", "-1", "--format=%s", "agent/1-fix-login") == "Fix login"


def test_what_stands_in_the_way_is_named_and_nothing_changes(repo: Sandbox, worlds: Worlds) -> None:
    where = worlds.lend(repo, spawned).worktree(1)
    repo.agent("fail", "1", "-m", "x")
    repo.agent("rm", "1", "--unmerged")
    before = repo.git("for-each-ref")
    repo.git("branch", "agent/1-fix-login", "main")
    assert "branch 'agent/1-fix-login' exists again, at" in repo.agent("undo", exit=3).err
    repo.git("branch", "-D", "agent/1-fix-login")
    repo.git("branch", "agent/1-fix-login/below", "main")
    assert "can't coexist with 'agent/1-fix-login/below'" in repo.agent("undo", exit=3).err
    repo.git("branch", "-D", "agent/1-fix-login/below")
    where.parent.mkdir(exist_ok=True)
    where.symlink_to(repo.path)
    assert "exists again" in repo.agent("undo", exit=3).err
    where.unlink()
    repo.git("config", "agent.setup", "exit 7")
    assert "the setup command failed with 7" in repo.agent("undo", exit=1).err
    assert repo.git("for-each-ref") == before and not where.exists() and wrong(repo) == []
    repo.git("config", "--unset", "agent.setup")
    where.mkdir(parents=True)  # empty: nobody's
    repo.agent("undo")
    assert (where / "login.py").exists() and wrong(repo) == []


def test_an_adopted_branch_that_moved_stays_where_it_is(repo: Sandbox) -> None:
    repo.git("branch", "topic")
    where = Path(repo.agent("spawn", "Go on", "--branch", "topic").out.strip())
    repo.agent("cancel", "1")
    repo.agent("clean")
    oid = repo.git("commit-tree", "-p", "topic", "-m", "Later", "topic^{tree}")
    repo.git("update-ref", "refs/heads/topic", oid)
    repo.agent("undo")
    assert repo.git("rev-parse", "HEAD", cwd=where) == oid and wrong(repo) == []


def test_a_task_that_changed_since_is_not_put_back(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, spawned)
    repo.agent("cancel", "1")
    repo.agent("rm", "1", "--unmerged")
    repo.agent("reopen", "1")
    said = repo.agent("undo", exit=3).err
    assert said == "error: cannot undo: task 1 was reopened since then by Ada Lovelace\nhint: git agent rescue list 1\n"
    assert "no: task 1 was reopened since" in repo.agent("undo", "--list").out
    repo.agent("cancel", "1")  # undoing that is no change, and then it is as it was after the reopening
    assert "task 1 is OPEN again" in repo.agent("undo").out
    repo.agent("undo", exit=3)


def test_a_cancelled_task_goes_on_in_a_new_epoch_with_its_hold(repo: Sandbox, worlds: Worlds) -> None:
    where = worlds.lend(repo, spawned).worktree(1)
    repo.agent("ask", "Which port?", cwd=where)
    before = task(repo)
    repo.agent("cancel", "1", "-m", "not needed")
    token = {"GIT_AGENT_TASK": "1", "GIT_AGENT_EPOCH": str(before["epoch"])}
    assert "WORKING needs_input again" in repo.agent("undo").out
    after = task(repo)
    assert (after["state"], after["hold"], after["reason"]) == ("WORKING", "needs_input", before["reason"])
    assert after["epoch"] == int(str(before["epoch"])) + 2 and wrong(repo) == []
    repo.agent("start", "1", env=token, exit=5)
    repo.agent("start", cwd=where)
    assert "has undone its cancellation" in repo.agent("inbox", cwd=where).out
    repo.agent("done", cwd=where)


def test_an_open_task_whose_name_was_taken_stays_cancelled(repo: Sandbox) -> None:
    repo.agent("add", "Write docs")
    repo.agent("cancel", "1")
    repo.agent("add", "Write docs")
    assert "another task is named 'write-docs'" in repo.agent("undo", exit=3).err
    repo.agent("cancel", "2")
    repo.agent("undo", "--only", "2")
    assert [t["state"] for t in repo.tasks().values()] == ["OPEN", "CANCELLED"]


def test_a_superseded_worker_undoes_nothing(repo: Sandbox, worlds: Worlds) -> None:
    where = worlds.lend(repo, spawned).worktree(1)
    repo.agent("cancel", "1")
    assert "your attempt at task 1 is not the current one" in repo.agent("undo", cwd=where, exit=5).err
    assert task(repo)["state"] == "CANCELLED"


@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase", "ff"])
def test_a_merge_is_taken_back_while_nothing_stands_on_it(repo: Sandbox, worlds: Worlds, strategy: str) -> None:
    where = worlds.lend(repo, approved).worktree(1)
    if strategy != "ff":
        repo.commit(None, "other.py", "1\n")
    old = repo.git("rev-parse", "main")
    repo.git("config", "agent.mergeStrategy", strategy)
    repo.agent("merge", "1")
    repo.write("draft.txt", "untracked\n")
    repo.write("README.md", "staged\n")
    repo.git("add", "README.md")
    repo.write("README.md", "and more\n")
    status = repo.git("status", "--porcelain")
    repo.agent("undo")
    assert repo.git("rev-parse", "main") == old and repo.git("status", "--porcelain") == status
    assert not (repo.path / "login.py").exists() and (repo.path / "README.md").read_text() == "and more\n"
    assert repo.git("show", ":README.md") == "staged"
    found = task(repo)
    assert (found["state"], found["merged_oid"], found["reverted_oid"]) == ("APPROVED", None, None)
    assert found["reviewed_oid"] == repo.git("rev-parse", "HEAD", cwd=where)
    for _ in range(2):
        assert repo.agent("sync").out == "nothing new\n"
    assert rows(repo, "select * from event where kind in ('task.reverted', 'task.moved')") == []
    repo.git("checkout", "-q", "HEAD", "--", "README.md")
    (repo.path / "draft.txt").unlink()
    assert wrong(repo) == []
    repo.agent("merge", "1")
    assert task(repo)["state"] == "COMPLETED"


@pytest.mark.parametrize("place", ["nowhere", "linked", "bare"])
def test_a_base_elsewhere_is_set_back_too(repo: Sandbox, worlds: Worlds, place: str) -> None:
    worlds.lend(repo, approved)
    old = repo.git("rev-parse", "main")
    repo.agent("merge", "1")
    repo.git("switch", "-qc", "side", old)
    linked = repo.path.parent / "linked"
    if place == "linked":
        repo.git("worktree", "add", "-q", str(linked), "main")
    repo.agent("undo")
    assert repo.git("rev-parse", "main") == old and wrong(repo) == []
    assert place != "linked" or not (linked / "login.py").exists()


def test_whatever_stands_on_a_merge_keeps_it(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, approved)
    repo.agent("merge", "1")
    oid = repo.git("rev-parse", "main")
    apart, pushed = repo.path.parent / "apart", "refs/remotes/origin/main"
    ways = (
        (("branch", "side"), ("branch", "-D", "side"), "side"),
        (("tag", "v1"), ("tag", "-d", "v1"), "tags/v1"),
        (("update-ref", pushed, oid), ("update-ref", "-d", pushed), "origin/main"),
        (("worktree", "add", "-q", "--detach", str(apart)), ("worktree", "remove", str(apart)), "the checkout"),
    )
    for make, clear, name in ways:
        repo.git(*make)
        said = repo.agent("undo", exit=3).err
        assert name in said and f"hint: git revert -m 1 {oid[:12]}" in said
        repo.git(*clear)
    repo.commit(None, "later.py", "1\n")
    assert "'main' has later commits" in repo.agent("undo", exit=3).err
    assert repo.git("rev-parse", "main~1") == oid and task(repo)["state"] == "COMPLETED" and wrong(repo) == []


def test_changes_in_the_way_of_a_base_are_named(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, approved)
    repo.agent("merge", "1")
    repo.write("login.py", "mine\n")
    said = repo.agent("undo", exit=3).err
    assert "  login.py\n" in said and "uncommitted changes" in said
    assert (repo.path / "login.py").read_text() == "mine\n" and task(repo)["state"] == "COMPLETED"


def test_a_kept_worktree_is_locked_again_when_its_merge_is_undone(repo: Sandbox, worlds: Worlds) -> None:
    where = worlds.lend(repo, approved).worktree(1)
    repo.agent("merge", "1", "--keep")
    repo.agent("undo")
    assert where.exists() and wrong(repo) == []


def test_of_two_that_undo_at_once_one_does_it(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, spawned)
    repo.agent("fail", "1", "-m", "x")
    repo.agent("rm", "1", "--unmerged")
    codes = sorted(result.code for result in repo.parallel([("undo",)] * 4))
    assert codes[0] == 0 and 0 not in codes[1:] and set(codes[1:]) <= {3, 6}
    assert len(rows(repo, "select * from event where kind = 'task.undone'")) == 1 and wrong(repo) == []


def test_what_can_be_undone_is_found_through_indexes(repo: Sandbox) -> None:
    repo.agent("add", "One")
    left = f"{events._OPERATION} IS NOT NULL AND {events._NOT_UNDONE}"
    for where in (f"{left} ORDER BY e.seq DESC", f"{left} AND {events._OPERATION} = 'x'"):
        plan = [row["detail"] for row in rows(repo, f"explain query plan SELECT * FROM event e WHERE {where}")]
        assert any("INDEX event_undoable" in line or "SEARCH e USING" in line for line in plan), plan
        assert any("INDEX event_undoes (<expr>=?)" in line for line in plan), plan
        assert not any("TEMP B-TREE" in line for line in plan), plan


def test_what_was_staged_is_staged_again_and_what_was_ignored_is_named(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", "data/\n*.log\n", "Ignore")
    where = spawned(repo)

    def staged(name: str, text: str) -> None:
        repo.write(name, text, cwd=where)
        repo.git("add", "--force", name, cwd=where)

    for name in ("twice.txt", "deleted.txt", "whole.txt", "forced.log", "README.md"):
        staged(name, "staged\n")
    repo.write("twice.txt", "then changed\n", cwd=where)
    repo.write("forced.log", "then changed\n", cwd=where)
    (where / "deleted.txt").unlink()
    repo.git("rm", "--quiet", "--cached", "docs/guide.md", cwd=where)
    repo.write("meant.txt", "by intent\n", cwd=where)
    repo.git("add", "--intent-to-add", "meant.txt", cwd=where)
    repo.write("data/much.bin", "x\n", cwd=where)
    look = ("status", "--porcelain", "--untracked-files=all")
    before, files, index = repo.git(*look, cwd=where), listed(where), repo.git("ls-files", "--stage", cwd=where)
    assert "AM twice.txt" in before and "AD deleted.txt" in before and " A meant.txt" in before
    repo.agent("cancel", "1")
    for flags in ("-nf", "-f"):
        words = ["--force", "--unmerged", *(["-n"] if flags == "-nf" else [])]
        assert "not kept: data/ (ignored directories)" in repo.agent("rm", "1", *words).out
    assert "+then changed" in repo.agent("rescue", "show", "1/2").out
    assert [r["size"] for r in repo.agent_json("rescue", "list")["rescues"]][1] == 5
    assert "would not restore: data/" in repo.agent("undo", "-n").out
    assert "not restored: data/ (ignored directories)" in repo.agent("undo", "2", "-y").out
    del files["data/much.bin"]
    assert (listed(where), repo.git(*look, cwd=where)) == (files, before)
    assert repo.git("ls-files", "--stage", cwd=where) == index


def test_ignored_links_come_back_as_links_and_those_of_the_main_worktree_are_not_kept(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", "*.log\n.env*\nlinked\n", "Ignore")
    repo.git("config", "agent.link", "linked")
    repo.write("linked/x", "x\n")
    repo.write(".env.copied", "x\n")
    repo.git("config", "agent.copy", ".env.copied")
    (repo.path / ".env.same").symlink_to("README.md")
    where = spawned(repo)
    links = {".env": "/nowhere", "docs/dir.log": "..", "own.log": "README.md", ".env.copied": "/else"}
    for name, to in {**links, ".env.same": "README.md"}.items():
        (where / name).unlink(missing_ok=True)
        (where / name).symlink_to(to)
    assert (where / "linked").is_symlink()
    repo.agent("cancel", "1")
    said = repo.agent("rm", "1", "--force", "--unmerged").out
    kept = repo.store.parent / "kept/1/1"
    assert f"kept under {kept}" in said and not where.exists()
    assert {str(p.relative_to(kept)): os.readlink(p) for p in kept.rglob("*") if p.is_symlink()} == links
    assert [d["size"] for d in repo.agent_json("rescue")["ignored"]] == [len(links)]
    assert f"({len(links)} ignored files)" in repo.agent("undo", "2", "-y").out
    assert {name: os.readlink(where / name) for name in links} == links and (where / "linked/x").is_file()


def test_an_unmerged_index_and_a_worktree_without_a_commit_come_back(repo: Sandbox) -> None:
    where, other = spawned(repo), spawned(repo, "Other", "other.py")
    repo.write("README.md", "stashed\n", cwd=where)
    repo.git("stash", "--quiet", cwd=where)
    repo.commit(where, "README.md", "committed\n")
    repo.git("stash", "pop", "--quiet", cwd=where, check=False)
    repo.git("stash", "drop", "--quiet")
    repo.git("checkout", "--quiet", "--orphan", "fresh", cwd=other)
    look = ("status", "--porcelain", "--untracked-files=all")
    before = [(repo.git(*look, cwd=w), repo.git("ls-files", "--stage", cwd=w)) for w in (where, other)]
    assert "UU README.md" in before[0][0]
    files = [listed(w) for w in (where, other)]
    for number in ("1", "2"):
        repo.agent("cancel", number)
        repo.agent("rm", number, "--force", "--unmerged")
    repo.git("gc", "--quiet", "--prune=now")
    repo.agent("undo", "--only", "1")
    repo.agent("undo", "--only", "2")
    assert [listed(w) for w in (where, other)] == files
    assert (repo.git(*look, cwd=where), repo.git("ls-files", "--stage", cwd=where)) == before[0]


def test_a_branch_that_doctor_made_again_is_kept_before_its_fix_is_undone(repo: Sandbox, worlds: Worlds) -> None:
    where = worlds.lend(repo, spawned).worktree(1)
    repo.agent("start", cwd=where)
    tip = repo.git("rev-parse", "HEAD", cwd=where)
    repo.git("worktree", "unlock", where)
    repo.git("worktree", "remove", "--force", where)
    repo.git("branch", "-D", "agent/1-fix-login")
    repo.agent("doctor", "--fix", exit=None)
    assert repo.git("rev-parse", "agent/1-fix-login") == tip
    assert "kept under refs/git-agent/rescue/1/1" in repo.agent("undo").out
    assert repo.git("rev-parse", "refs/git-agent/rescue/1/1") == tip
    assert repo.git("branch", "--list", "agent/*") == ""


def test_a_name_that_was_given_again_is_in_the_way_and_a_look_knows(repo: Sandbox) -> None:
    approved(repo)
    repo.agent("merge", "1")
    repo.agent("add", "Fix it again", "--name", "fix-login")
    head = repo.git("rev-parse", "main")
    for dry in (("-n",), ()):
        said = repo.agent("undo", *dry, exit=3).err
        assert "another task is named 'fix-login'" in said and "git revert -m 1" in said
    assert (repo.git("rev-parse", "main"), task(repo)["state"]) == (head, "COMPLETED")
    repo.agent("cancel", "2")
    repo.agent("add", "And again", "--name", "fix-login")
    repo.agent("cancel", "3")
    for dry in (("-n",), ("--yes",)):  # each alone could be undone
        assert "another task is named 'fix-login'" in repo.agent("undo", "2", *dry, exit=3).err
    assert {task(repo, n)["state"] for n in (2, 3)} == {"CANCELLED"}
    assert wrong(repo) == []


BEATEN = """
import subprocess
from git_agent.actions.doctor import undo
from git_agent.app import App
from git_agent.errors import AgentError
app = App()
(event,) = (e for e in app.store.events.of_task(None) if e.kind == "doctor.fixed")
act = undo._OUTSIDE["context-included"]
def beaten(*given):
    text = act(*given)
    print(subprocess.run(["git", "agent", "undo"], capture_output=True, text=True, check=True).stdout, end="")
    return text
undo._OUTSIDE["context-included"] = beaten
try:
    undo.undo_fix(app, [event])
except AgentError as error:
    print(error.code)
"""


def test_of_two_who_take_a_fix_back_at_once_one_is_told_that_it_was(repo: Sandbox) -> None:
    spawned(repo)
    (repo.path / ".git/info/exclude").write_text("")
    repo.agent("doctor", "--fix")
    said = repo.run(sys.executable, "-c", BEATEN).out.splitlines()
    assert said[0].startswith("undid the fix by doctor") and said[-1] == "undone-already"
    assert len(rows(repo, "select * from event where kind = 'doctor.unfixed'")) == 1


def list_of(repo: Sandbox) -> list[tuple[object, object]]:
    """Return of each operation what has to be undone before it, and why it can't be undone."""
    return [(each["after"], each["why"]) for each in repo.agent_json("undo", "--list")["operations"]]


@pytest.mark.rest
def test_merges_on_each_other_are_undone_in_turn_and_looked_at_as_they_would_be_then(
    repo: Sandbox, worlds: Worlds
) -> None:
    worlds.lend(repo, approved)
    approved(repo, "Fix logout", "logout.py")
    old = repo.git("rev-parse", "main")
    repo.agent("merge", "1")
    repo.agent("merge", "2")
    tip = repo.git("rev-parse", "main")
    assert list_of(repo) == [(None, None), (1, None)]
    assert repo.agent("undo", "--list").out.endswith("\tmerge of task 1 into main\tyes, after 1\n")
    said = repo.agent("undo", "3", exit=3).err
    assert said.startswith("error: only 2 operations can be undone\n") and "it is not the number of a task" in said
    said = repo.agent("undo", "-n", "2").out
    assert f"  would move main back to {old[:12]}\n" in said and said.count("would restore worktree") == 2
    repo.git("branch", "side", "main~1")
    said = repo.agent("undo", "2", exit=3).err
    assert "side is built on it" in said and "  nothing was undone; git agent undo 1 undoes what is newer\n" in said
    assert repo.git("rev-parse", "main") == tip and [why is None for _, why in list_of(repo)] == [True, False]
    repo.git("branch", "-D", "side")
    said = repo.agent("undo", "2", exit=3).err
    assert "this undoes 2 operations" in said and "git agent undo 2 --yes" in said
    repo.agent("undo", "2", "--yes")
    assert repo.git("rev-parse", "main") == old and wrong(repo) == []


def test_a_merge_that_was_pushed_rewritten_or_branched_from_says_so(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, approved)
    repo.agent("merge", "1")
    oid, old = repo.git("rev-parse", "main"), repo.git("rev-parse", "main~1")
    repo.git("update-ref", "refs/remotes/pub/main", oid)
    assert "it was pushed: remotes/pub/main\nhint: git revert -m 1" in repo.agent("undo", exit=3).err
    repo.git("update-ref", "-d", "refs/remotes/pub/main")
    repo.agent("spawn", "Fresh")
    said = repo.agent("undo", exit=3).err
    assert "agent/2-fresh, the branch of task 2, is built on it\n" in said
    repo.git("commit", "-q", "--amend", "-m", "Better said")
    now = repo.git("rev-parse", "--short=12", "main")
    said = repo.agent("undo", exit=3).err
    assert f"the merge commit was rewritten and is now {now}\nhint: git revert -m 1 {now}, on 'main'" in said
    repo.git("reset", "-q", "--hard", old)
    assert "'main' no longer contains it\nhint: git agent reopen 1" in repo.agent("undo", exit=3).err


def test_the_fixes_of_one_run_are_taken_back_as_one_and_what_changed_since_blocks_nothing(
    repo: Sandbox, worlds: Worlds
) -> None:
    worlds.lend(repo, spawned)
    spawned(repo, "Fix logout", "logout.py")
    repo.agent("cancel", "2")
    where = repo.path.with_name("my repo.worktrees") / "1-fix-login"
    repo.git("worktree", "unlock", str(where))
    (where / ".worker-ctx.json").unlink()
    change(repo.store, "insert into task_dep values (1, 99)", "update task set unresolved = 1 where id = 1")
    repo.agent("doctor", "--fix", exit=None)
    triggers = ask(repo.store, "select name from sqlite_master where type = 'trigger'")
    as_one = "update event set data = json_set(data, '$.operation', 'one run') where kind = 'doctor.fixed'"
    change(repo.store, *(f"drop trigger {each['name']}" for each in triggers), as_one)
    assert [o["what"] for o in repo.agent_json("undo", "--list")["operations"]][:1] == ["4 fixes by doctor"]
    would = repo.agent("undo", "-n").out
    assert would.count("  would undo, unless it changed since: ") == 2 == would.count("  would leave as it is: ")
    repo.git("worktree", "unlock", str(where))  # as before the fix, but by hand
    said = repo.agent("undo").out.splitlines()
    assert said[0] == "undid the 4 fixes by doctor" and len(said) == 5
    assert sum(line.startswith("  left as it is: ") for line in said) == 3 and not (where / ".worker-ctx.json").exists()
    assert [o["kind"] for o in repo.agent_json("undo", "--list")["operations"]] == ["task.cancelled"]
    # The dependency and its count go together: neither comes back.
    assert {f["code"] for f in repo.agent("doctor", "--json", exit=1).json()["findings"]} >= {"context-missing"}
    assert "waits for" not in repo.agent("doctor", exit=1).out
    assert "task 2 is WORKING again" in repo.agent("undo").out


def test_what_somebody_did_in_a_worktree_that_a_killed_undo_made_is_kept(repo: Sandbox, worlds: Worlds) -> None:
    where = worlds.lend(repo, spawned).worktree(1)
    repo.agent("cancel", "1")
    repo.agent("rm", "1", "--unmerged")
    repo.git("config", "agent.setup", "touch begun.log; sleep 60")
    with subprocess.Popen(["git-agent", "undo"], cwd=repo.path, stderr=subprocess.DEVNULL) as undoing:
        eventually(lambda: (where / "begun.log").exists(), lambda: list(where.parent.iterdir()))
        repo.write("precious.txt", "mine\n", cwd=where)
        undoing.kill()
    said = repo.agent("status").err
    assert "rolled back an interrupted undo of task 1" in said and not where.exists()
    refs = repo.git("for-each-ref", "--format=%(refname)", "refs/git-agent/rescue/1").split()
    assert "mine" in [repo.git("show", f"{ref}:precious.txt", check=False) for ref in refs]


def test_what_was_pruned_is_named_and_its_number_is_not_given_again(repo: Sandbox, worlds: Worlds) -> None:
    where = worlds.lend(repo, spawned).worktree(1)
    repo.agent("fail", "1", "-m", "too hard")
    for text in ("first", "second"):
        repo.write("own.log", text, cwd=where)
        repo.agent("rm", "1", "--force", "--unmerged")
        kept = [d["directory"] for d in repo.agent_json("rescue")["ignored"]]
        repo.agent("undo")
    repo.agent("rm", "1", "--force", "--unmerged")
    for directory in kept:
        shutil.rmtree(directory)
    shutil.rmtree(repo.agent_json("rescue")["ignored"][0]["directory"])
    assert "would not restore: single ignored files (they were pruned)" in repo.agent("undo", "-n").out
    assert "not restored: single ignored files (they were pruned)" in repo.agent("undo").out
    repo.write("own.log", "third", cwd=where)
    repo.agent("rm", "1", "--force", "--unmerged")
    assert [Path(d["directory"]).name for d in repo.agent_json("rescue")["ignored"]] == ["4"]


def test_an_ignored_file_that_came_since_is_not_overwritten_by_what_an_undone_merge_deleted(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", ".env\n")
    repo.write(".env", "default\n")
    repo.git("add", "--force", ".env")
    repo.git("commit", "--quiet", "-m", "Defaults")
    repo.agent("spawn", "Fix login")
    where = repo.worktree(1)
    repo.git("rm", "--quiet", ".env", cwd=where)
    repo.git("commit", "--quiet", "-m", "No defaults", cwd=where)
    for words in (("done", "1"), ("approve", "1"), ("merge", "1")):
        repo.agent(*words)
    repo.write(".env", "SECRET\n")
    for flag in (["-n"], []):
        said = repo.agent("undo", *flag, exit=3).err
        assert "in the way\n  .env\n" in said
    assert (repo.path / ".env").read_text() == "SECRET\n"
