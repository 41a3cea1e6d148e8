"""A branch's own work is counted, shown and landed from its fork point, also when the base no longer contains that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

STRATEGIES = ["merge", "squash", "rebase"]


def branch(repo: Sandbox, task: int) -> str:
    return str(repo.tasks()[task]["branch"])


def ahead(repo: Sandbox, task: int) -> int:
    return int(repo.agent_json("show", str(task))["task"]["ahead"])


def names(repo: Sandbox, revision: str = "main") -> set[str]:
    return set(repo.git("ls-tree", "-r", "--name-only", revision).split())


def hand_in(repo: Sandbox, task: int) -> None:
    for verb in ("done", "approve"):
        repo.agent(verb, str(task))


@pytest.fixture
def amended(repo: Sandbox) -> Sandbox:
    """A task builds on a commit with a secret, which the base then loses by an amend."""
    repo.commit(repo.path, "secret.txt", "secret\n", "Configure")
    repo.agent("spawn", "Work")
    repo.git("rm", "--quiet", "secret.txt")
    repo.write("config.txt", "empty\n")
    repo.git("add", "config.txt")
    repo.git("commit", "--quiet", "--amend", "-m", "Configure")
    return repo


def test_a_task_without_a_commit_is_not_handed_in_after_its_base_was_amended(amended: Sandbox) -> None:
    assert "no commit over 'main'" in amended.agent("done", "1", exit=3).err
    assert ahead(amended, 1) == 0
    shown = amended.agent("diff", "1")
    assert shown.out == "" and "'main' does not contain" in shown.err


def test_nor_after_its_base_was_reset(repo: Sandbox) -> None:
    repo.commit(repo.path, "a.txt", "a\n")
    repo.agent("spawn", "Work")
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    assert "no commit over 'main'" in repo.agent("done", "1", exit=3).err


def test_nor_by_a_run(amended: Sandbox) -> None:
    amended.agent("run", "1", "--", "true", exit=1)
    assert amended.tasks()[1]["hold"] == "no_commits"


def test_nor_by_a_push(amended: Sandbox, tmp_path: Path) -> None:
    amended.git("init", "--quiet", "--bare", str(tmp_path / "remote"))
    amended.git("remote", "add", "origin", str(tmp_path / "remote"))
    amended.git("push", "--quiet", "origin", branch(amended, 1), cwd=amended.worktree(1))
    assert amended.tasks()[1]["state"] == "ASSIGNED"


def test_nor_when_the_branch_had_taken_in_what_the_base_lost(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.commit(repo.path, "secret.txt", "secret\n")
    repo.git("merge", "--quiet", "--ff-only", "main", cwd=repo.worktree(1))
    repo.agent("list")
    repo.git("commit", "--quiet", "--amend", "-m", "Other")
    assert "no commit over 'main'" in repo.agent("done", "1", exit=3).err


@pytest.mark.parametrize("verb", [("cancel", "1"), ("fail", "1", "-m", "Stuck"), ("release", "1")])
def test_nor_does_a_task_that_ended_count_what_its_base_lost(amended: Sandbox, verb: tuple[str, ...]) -> None:
    amended.commit(amended.worktree(1), "work.txt", "work\n")
    amended.agent("start", "1")
    amended.agent(*verb)
    assert (ahead(amended, 1), amended.tasks()[1]["ahead"]) == (1, 1)


def test_nor_one_whose_base_was_rewritten_after_its_end(repo: Sandbox) -> None:
    repo.commit(repo.path, "a.txt", "a\n")
    for title in ("Work", "Finish"):
        repo.agent("spawn", title)
    repo.commit(repo.worktree(2), "work.txt", "work\n")
    hand_in(repo, 2)
    repo.agent("merge", "2", "--keep", "--strategy", "squash")
    repo.agent("cancel", "1")
    repo.git("reset", "--quiet", "--hard", "HEAD~2")
    assert (ahead(repo, 1), ahead(repo, 2)) == (0, 1)


AGAIN = {
    "reassign": ("reassign 1",),
    "release and claim": ("release 1", "claim 1"),
    "fail and retry": ("fail 1 -m Stuck", "retry 1", "spawn 1"),
    "cancel and reopen": ("cancel 1", "reopen 1", "spawn 1"),
}


@pytest.mark.parametrize("verbs", AGAIN.values(), ids=list(AGAIN))
def test_nor_does_the_next_attempt(amended: Sandbox, verbs: tuple[str, ...]) -> None:
    for verb in verbs:
        amended.agent(*verb.split())
    assert ahead(amended, 1) == 0
    where = Path(str(amended.tasks()[1]["worktree"]))
    assert "no commit over 'main'" in amended.agent("done", "1", exit=3).err
    amended.commit(where, "work.txt", "work\n")
    assert ahead(amended, 1) == 1 and "secret.txt" not in amended.agent("diff", "1", "--stat").out
    hand_in(amended, 1)
    amended.agent("merge", "1", "--strategy", "squash")
    assert "work.txt" in names(amended) and "secret.txt" not in names(amended)


@pytest.mark.parametrize("verbs", AGAIN.values(), ids=list(AGAIN))
def test_the_next_attempt_has_its_commits_after_the_whole_base_was_rewritten(
    repo: Sandbox, verbs: tuple[str, ...]
) -> None:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.git("reset", "--quiet", "--hard", repo.git("commit-tree", "-m", "New", "HEAD^{tree}"))
    for verb in verbs:
        repo.agent(*verb.split())
    assert ahead(repo, 1) == 1
    hand_in(repo, 1)
    assert "no commit in common" in repo.agent("merge", "1", exit=3).err


def _squash(repo: Sandbox, branch: str) -> None:
    repo.git("merge", "--squash", "--quiet", branch)
    repo.git("commit", "--quiet", "-m", "Squash")
    repo.agent("list")


def _of_a_reopened_task(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    _squash(repo, "agent/1-work")


def _of_the_child_of_a_squashed_parent(repo: Sandbox) -> None:
    repo.git("branch", "parent")
    repo.agent("spawn", "Parent")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.agent("spawn", "Child", "--base", "agent/1-parent")
    _squash(repo, "agent/1-parent")


def _of_an_amended_base(repo: Sandbox) -> None:
    repo.commit(repo.path, "work.txt", "work\n")
    repo.agent("spawn", "Work")
    repo.git("commit", "--quiet", "--amend", "-m", "Amended")


@pytest.mark.parametrize(
    ("prepare", "verbs"),
    [
        (_of_a_reopened_task, ("reopen", "spawn")),
        (_of_a_reopened_task, ("reopen", "claim")),
        (_of_the_child_of_a_squashed_parent, ("reassign",)),
        (_of_an_amended_base, ("release", "claim")),
    ],
)
def test_the_next_attempt_does_not_count_what_was_merged_before_its_branch_merged_the_base(
    repo: Sandbox, prepare: Callable[[Sandbox], None], verbs: tuple[str, ...]
) -> None:
    prepare(repo)
    task = max(repo.tasks() or {1: None})
    repo.git("merge", "--quiet", "--no-edit", "main", cwd=repo.worktree(task))
    for verb in verbs:
        repo.agent(verb, str(task))
    assert ahead(repo, task) == 1  # the merge of the base


def test_nor_does_the_next_agent_read_that_an_earlier_attempt_has_it(amended: Sandbox) -> None:
    amended.commit(amended.worktree(1), "work.txt", "work\n")
    amended.agent("reassign", "1")
    assert "agent/1-work, commits: 1, files not committed: 0" in amended.agent("prime", "1").out
    amended.git("branch", "--move", "main", "trunk")
    assert "earlier attempts left this" in amended.agent("prime", "1").out


@pytest.mark.parametrize("strategy", ["squash", "rebase"])
def test_what_the_base_lost_does_not_come_back(amended: Sandbox, strategy: str) -> None:
    amended.commit(amended.worktree(1), "work.txt", "work\n")
    hand_in(amended, 1)
    assert ahead(amended, 1) == 1
    amended.agent("merge", "1", "--strategy", strategy)
    assert names(amended) >= {"work.txt", "config.txt"}
    assert amended.git("log", "--format=%H", "main", "--", "secret.txt") == ""


@pytest.mark.parametrize("strategy", ["merge", "ff"])
def test_a_merge_that_would_bring_its_commits_back_is_refused(amended: Sandbox, strategy: str) -> None:
    amended.commit(amended.worktree(1), "work.txt", "work\n")
    hand_in(amended, 1)
    said = amended.agent("merge", "1", "--strategy", strategy, exit=3).err
    assert "builds on a commit that 'main' no longer has" in said and "--strategy squash" in said
    assert amended.tasks()[1]["state"] == "APPROVED"


def test_a_queue_leaves_it_and_lands_the_others(amended: Sandbox) -> None:
    amended.agent("spawn", "Other")
    for task in (1, 2):
        amended.commit(amended.worktree(task), f"{task}.txt", "x\n")
        hand_in(amended, task)
    amended.agent("merge", "--all", exit=3)
    assert {n: t["state"] for n, t in amended.tasks().items()} == {1: "APPROVED", 2: "COMPLETED"}


def test_a_rewritten_base_is_said_once_and_recorded(amended: Sandbox) -> None:
    said = amended.agent("list").err
    assert "'main' was rewritten: task 1 builds on commits that it no longer has" in said
    again = amended.agent("list")
    assert "ASSIGNED base rewritten" in again.out and "rewritten" not in again.err
    assert "which it no longer contains" in amended.agent("show", "1").out
    assert "base-rewritten" in amended.agent("log", "1").out


def test_a_rebase_onto_the_rewritten_base_ends_it(amended: Sandbox) -> None:
    amended.commit(amended.worktree(1), "work.txt", "work\n")
    amended.agent("done", "1", "--rebase")
    amended.agent("approve", "1")
    amended.agent("merge", "1", "--strategy", "merge")
    assert amended.git("log", "--format=%H", "main", "--", "secret.txt") == ""


@pytest.fixture
def stacked(repo: Sandbox) -> Sandbox:
    """Task 2 builds on task 1, which was squashed into the base; both changed the same lines."""
    repo.agent("spawn", "Parent")
    repo.commit(repo.worktree(1), "a.txt", "parent\n")
    repo.commit(repo.worktree(1), "a.txt", "parent, better\n")
    repo.agent("spawn", "Child", "--base", branch(repo, 1))
    repo.commit(repo.worktree(2), "a.txt", "parent, better\nchild\n")
    hand_in(repo, 1)
    repo.agent("merge", "1", "--strategy", "squash")
    repo.commit(repo.path, "a.txt", "parent, best\n")
    repo.commit(repo.path, "a.txt", "parent, better\n")
    return repo


def test_the_child_of_a_squashed_parent_has_only_its_own_commits(stacked: Sandbox) -> None:
    assert ahead(stacked, 2) == 1
    diff = stacked.agent("diff", "2").out
    assert "+child" in diff and "+parent" not in diff
    assert stacked.agent("conflicts").out == "order\t2\n"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_lands_by_every_strategy(stacked: Sandbox, strategy: str) -> None:
    hand_in(stacked, 2)
    stacked.agent("merge", "2", "--strategy", strategy)
    assert stacked.git("show", "main:a.txt") == "parent, better\nchild"


def test_it_is_rebased_from_there_when_it_is_handed_in(stacked: Sandbox) -> None:
    stacked.agent("done", "2", "--rebase")
    assert stacked.git("rev-list", "--count", f"main..{branch(stacked, 2)}") == "1"


def test_a_child_without_a_commit_of_its_own_is_not_handed_in(repo: Sandbox) -> None:
    repo.agent("spawn", "Parent")
    repo.commit(repo.worktree(1), "a.txt", "parent\n")
    repo.agent("spawn", "Child", "--base", branch(repo, 1))
    hand_in(repo, 1)
    repo.agent("merge", "1", "--strategy", "squash")
    assert "no commit over 'main'" in repo.agent("done", "2", exit=3).err


def test_a_child_that_was_left_behind_by_its_parent_lands_too(repo: Sandbox) -> None:
    repo.agent("spawn", "Parent")
    repo.commit(repo.worktree(1), "a.txt", "parent\n")
    repo.agent("spawn", "Child", "--base", branch(repo, 1))
    repo.commit(repo.worktree(2), "child.txt", "child\n")
    repo.commit(repo.worktree(1), "a.txt", "parent, better\n")
    hand_in(repo, 1)
    repo.agent("merge", "1", "--strategy", "squash")
    hand_in(repo, 2)
    repo.agent("merge", "2")
    assert repo.git("show", "main:a.txt") == "parent, better"
    assert "child.txt" in names(repo)


def test_a_child_that_has_merged_the_base_since_lands_too(stacked: Sandbox) -> None:
    stacked.git("merge", "--quiet", "-X", "ours", "--no-edit", "main", cwd=stacked.worktree(2))
    hand_in(stacked, 2)
    stacked.agent("merge", "2")
    assert stacked.git("show", "main:a.txt") == "parent, better\nchild"


@pytest.fixture
def evil(repo: Sandbox) -> Sandbox:
    """The branch of task 1 has merged its base, and changed something in the merge commit."""
    repo.agent("spawn", "Work")
    there = repo.worktree(1)
    repo.commit(there, "work.txt", "work\n")
    repo.commit(repo.path, "more.txt", "more\n")
    repo.git("merge", "--quiet", "--no-commit", "--no-ff", "main", cwd=there)
    repo.write("guard.txt", "guard\n", cwd=there)
    repo.git("add", "guard.txt", cwd=there)
    repo.git("commit", "--quiet", "-m", "Merge, and adapt", cwd=there)
    return repo


def test_a_rebase_that_would_drop_a_change_is_refused(evil: Sandbox) -> None:
    hand_in(evil, 1)
    said = evil.agent("merge", "1", "--strategy", "rebase", exit=3).err
    assert "a rebase would drop some of its changes" in said and "guard.txt" in said
    assert "guard.txt" not in names(evil)
    evil.agent("merge", "1", "--strategy", "squash")
    assert "guard.txt" in names(evil)


def test_so_is_one_of_a_queue_and_one_of_done(evil: Sandbox) -> None:
    tip = evil.git("rev-parse", branch(evil, 1))
    assert "would drop" in evil.agent("done", "1", "--rebase", exit=3).err
    assert evil.git("rev-parse", branch(evil, 1)) == tip
    assert evil.git("status", "--porcelain", cwd=evil.worktree(1)) == ""
    hand_in(evil, 1)
    evil.git("config", "agent.mergeStrategy", "rebase")
    evil.agent("merge", "--all", exit=3)
    assert evil.tasks()[1]["state"] == "APPROVED"


def test_a_fix_that_the_base_took_and_reverted_is_not_dropped(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    fix = repo.commit(repo.worktree(1), "fix.txt", "fix\n")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.commit(repo.path, "more.txt", "more\n")
    repo.git("cherry-pick", fix)
    repo.git("revert", "--no-edit", "HEAD")
    hand_in(repo, 1)
    assert "fix.txt" in repo.agent("merge", "1", "--strategy", "rebase", exit=3).err
    repo.agent("merge", "1", "--strategy", "squash")
    assert names(repo) >= {"fix.txt", "work.txt"}


def test_a_branch_that_merges_cleanly_is_told_how_to_land(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    there = repo.worktree(1)
    repo.commit(there, "a.txt", "work\n")
    repo.commit(repo.path, "a.txt", "base\n")
    repo.git("merge", "--quiet", "-X", "ours", "--no-edit", "main", cwd=there)
    hand_in(repo, 1)
    said = repo.agent("merge", "1", "--strategy", "rebase", exit=3).err
    assert "merges cleanly" in said and "--strategy squash" in said
    assert repo.tasks()[1]["state"] == "APPROVED"
    repo.agent("merge", "1", "--strategy", "squash")


def test_an_approval_is_not_carried_to_the_same_lines_elsewhere(repo: Sandbox) -> None:
    blocks = ["x\ny\nz\n"] * 10
    repo.commit(repo.path, "a.txt", "".join(blocks))
    repo.agent("spawn", "Work")
    there = repo.worktree(1)
    repo.commit(there, "a.txt", "".join([*blocks[:2], "new\n", *blocks[2:]]))
    hand_in(repo, 1)
    repo.git("reset", "--quiet", "--hard", "main", cwd=there)
    repo.commit(there, "a.txt", "".join([*blocks[:6], "new\n", *blocks[6:]]))
    assert repo.tasks()[1]["state"] == "IN_REVIEW"


@pytest.mark.parametrize("how", [["rebase", "main"], ["commit", "--amend", "-m", "Says more"]])
def test_it_is_carried_to_what_lands_the_same(repo: Sandbox, how: list[str]) -> None:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    hand_in(repo, 1)
    repo.commit(repo.path, "more.txt", "more\n")
    repo.git(*how, cwd=repo.worktree(1))
    assert repo.tasks()[1]["state"] == "APPROVED"


def test_it_is_not_carried_to_a_rebase_that_lost_something(evil: Sandbox) -> None:
    hand_in(evil, 1)
    evil.git("rebase", "--quiet", "main", cwd=evil.worktree(1))
    assert evil.tasks()[1]["state"] == "IN_REVIEW"
