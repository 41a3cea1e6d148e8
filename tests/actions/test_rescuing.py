"""rescue: what is kept says what it is and since when, whatever the clock of commits says, and goes only when told."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.sandbox import Sandbox

READS = """
from git_agent.actions.undo.rescue import rescue_refs
from git_agent.app import App
app, reads = App(), []
connection = app.store._database.connection()
connection.set_exec_trace(lambda cursor, sql, values: reads.append("task.removed" in (values or {}).values()) or True)
print(len(rescue_refs(app)), sum(reads))
"""


def removed(repo: Sandbox, title: str = "Fix login", *, merged: bool = False) -> Path:
    where = Path(repo.agent("spawn", title).out.strip())
    repo.commit(where, f"{title}.py", "fixed = True\n", title)
    if merged:
        repo.git("merge", "-q", repo.git("rev-parse", "HEAD", cwd=where))
    repo.write("loose.txt", "loose\n", cwd=where)
    repo.write("own.log", "ignored\n", cwd=where)
    number = str(max(repo.tasks()))
    repo.agent("cancel", number, exit=None)
    repo.agent("rm", number, "--force", "--unmerged")
    return where


def kept(repo: Sandbox, *args: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = repo.agent_json("rescue", *args)["rescues"]
    return found


def test_what_is_kept_says_what_it_is_and_since_when(repo: Sandbox) -> None:
    removed(repo)
    removed(repo, "Fix logout", merged=True)
    found = {(r["ref"], r["kind"], r["size"], r["merged"]) for r in kept(repo)}
    assert found == {
        ("1/1", "tip", 1, False),
        ("1/2", "uncommitted files", 1, False),
        ("2/1", "tip", 0, True),
        ("2/2", "uncommitted files", 1, False),
    }
    assert {r["task"] for r in kept(repo, "2")} == {2}
    # The tests' commits are of January 2026, and git would say so of the refs, too.
    assert repo.git("log", "-1", "--format=%cI", "refs/git-agent/rescue/1/1").startswith("2026-01-02")
    now = repo.agent_json("list", "--all")["tasks"][0]["state_at"]
    assert all(str(r["at"])[:10] == now[:10] for r in kept(repo))


def test_when_git_has_forgotten_the_removal_still_knows(repo: Sandbox) -> None:
    removed(repo)
    repo.git("reflog", "expire", "--expire=all", "--all")
    assert all(r["at"] is not None for r in kept(repo))
    # Read once for a task, not for each of its refs: there may be hundreds of both.
    assert repo.run(sys.executable, "-c", READS).out == "2 1\n"
    repo.git("update-ref", "refs/git-agent/rescue/1/7", "HEAD")  # of nobody knows when
    assert [r["at"] for r in kept(repo) if r["ref"] == "1/7"] == [None]
    said = repo.agent("rescue", "prune", "--older-than", "0s", "--yes").out
    assert "left because their age is unknown: 1/7" in said
    assert [r["ref"] for r in kept(repo)] == ["1/7"]


def test_nothing_is_pruned_without_a_word_and_the_rest_stays(repo: Sandbox) -> None:
    removed(repo)
    before = repo.git("for-each-ref", "refs/git-agent")
    assert "refs (2, kept nowhere else: 2)" in repo.agent("rescue", "prune", "--older-than", "0", exit=3).err
    assert repo.agent("rescue", "prune", "--older-than", "1h", "--yes").out == "nothing is that old\n"
    assert repo.git("for-each-ref", "refs/git-agent") == before
    repo.agent("rescue", "prune", "--older-than", "0", "--yes")
    assert kept(repo) == [] and list((repo.store.parent / "kept/1").iterdir()) == []
    # While git has the commits, the removal can still be undone; what was pruned is named in the log.
    assert "rescue.pruned" in repo.agent("log").out
    repo.agent("undo")


def test_what_another_branch_has_is_not_lost_and_can_be_restored_twice(repo: Sandbox) -> None:
    removed(repo)
    (files,) = repo.agent_json("rescue")["ignored"]
    assert files["size"] == 1 and (Path(files["directory"]) / "own.log").read_text() == "ignored\n"
    assert repo.agent("rescue").out.splitlines()[-1].endswith(f"\tignored files\t1 file\t{files['directory']}")
    for again in ("", "already "):
        assert repo.agent("rescue", "restore", "1/1").out.startswith(f"branch rescue/1-1 is {again}at ")
    repo.git("branch", "-f", "rescue/1-2", "main")
    assert "exists already" in repo.agent("rescue", "restore", "1/2", exit=3).err
    assert "refs (2, kept nowhere else: 1)" in repo.agent("rescue", "prune", "--older-than", "0", exit=3).err
    assert repo.agent("rescue", "prune", "--older-than", "0", "-n").out.endswith("no other copy exists of: 1/2\n")


def test_a_rebase_keeps_what_it_rewrites(repo: Sandbox) -> None:
    where = Path(repo.agent("spawn", "Fix login").out.strip())
    tip = repo.commit(where, "login.py", "fixed = True\n", "Fix")
    repo.agent("done", "--rebase", cwd=where)
    assert kept(repo) == []  # nothing was rewritten
    repo.agent("start", cwd=where)
    repo.commit(None, "other.py", "1\n")
    repo.agent("done", "--rebase", cwd=where)
    assert [(r["oid"], r["kind"]) for r in kept(repo)] == [(tip, "superseded by a rewrite")]


def test_deleting_the_store_leaves_what_it_keeps(repo: Sandbox) -> None:
    removed(repo)
    said = repo.agent("deinit", "--purge", "--yes").err
    home = repo.store.parent
    assert f"{home}/kept stays" in said and (home / "kept/1/1/own.log").read_text() == "ignored\n"
    assert [p.name for p in home.iterdir()] == ["kept"]
    repo.agent("init")
    assert [r["ref"] for r in kept(repo)] == ["1/1", "1/2"]
    repo.agent("rescue", "restore", "1/2", "--branch", "back")
    assert repo.git("show", "back:loose.txt") == "loose"


def test_completion_knows_the_verbs_of_rescue_and_what_is_kept(repo: Sandbox) -> None:
    removed(repo)

    def values(*words: str) -> set[str]:
        said = repo.agent("completion", "zsh", "--complete", "--", *words).out
        return {line.split("\t")[1] for line in said.splitlines()}

    assert values("rescue", "") == {"list", "show", "restore", "prune"}
    assert values("rescue", "show", "1/") == {"1/1", "1/2"}
    assert "--older-than" in values("rescue", "prune", "--o")
