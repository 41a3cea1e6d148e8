"""What people and workers do with plain git is seen by the next command, with no hook at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox

BRANCH = "agent/1-fix-login"


def _forged(repo: Sandbox) -> None:
    repo.agent("init", "--no-hooks")
    forge = str(repo.path.with_name("forge.git"))
    repo.git("init", "--quiet", "--bare", forge)
    repo.git("remote", "add", "origin", forge)
    repo.git("push", "--quiet", "--set-upstream", "origin", "main")


def _begun(repo: Sandbox) -> None:
    _forged(repo)
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "login.py", "one\n", "Begin")
    repo.commit(repo.worktree(1), "login.py", "one\ntwo\n", "Go on")


@pytest.fixture
def forge(repo: Sandbox, worlds: Worlds, request: pytest.FixtureRequest) -> Sandbox:
    """Return a bare remote `origin` that main follows; git runs no hooks of ours here."""
    worlds.lend(repo, _begun if "where" in request.fixturenames else _forged)
    return Sandbox(repo.path.with_name("forge.git"))


@pytest.fixture
def where(repo: Sandbox, forge: Sandbox) -> Path:
    """Return the worktree of task 1, which has two commits."""
    return repo.worktree(1)


def task(repo: Sandbox, number: int = 1) -> dict[str, Any]:
    return repo.tasks()[number]


def state(repo: Sandbox, number: int = 1) -> tuple[str, str | None]:
    found = task(repo, number)
    return found["state"], found["hold"]


def kinds(repo: Sandbox) -> list[str]:
    rows = [line for line in repo.agent("log", "--json", "1").out.splitlines() if '"event"' in line]
    import json

    return [json.loads(row)["event"]["kind"] for row in rows]


# Pushes


@pytest.mark.parametrize(
    "how",
    [
        ("origin", BRANCH),
        ("-u", "origin", BRANCH),
        ("--force", "origin", BRANCH),
        ("--atomic", "origin", BRANCH, "main"),
        ("--all", "origin"),
        ("--no-verify", "origin", BRANCH),
        ("origin", f"{BRANCH}:refs/heads/feature/other-name"),
    ],
    ids=" ".join,
)
def test_a_push_that_arrived_hands_the_work_in(repo: Sandbox, where: Path, how: tuple[str, ...]) -> None:
    repo.git("push", "--quiet", *how, cwd=where)
    said = repo.agent("list").err
    assert "task 1 was pushed: IN_REVIEW" in said
    assert state(repo) == ("IN_REVIEW", None)
    assert kinds(repo).count("task.pushed") == 1
    assert "ready for review" in repo.agent("status").out


def test_the_first_commit_pushed_at_once_needs_no_step_between(repo: Sandbox, where: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)
    assert kinds(repo) == ["task.added", "task.spawned", "task.pushed"]


@pytest.mark.parametrize(
    "how", [("--dry-run", "origin", BRANCH), ("origin", "main"), ("--tags", "origin")], ids=" ".join
)
def test_a_push_that_brings_nothing_of_the_branch_hands_nothing_in(
    repo: Sandbox, where: Path, how: tuple[str, ...]
) -> None:
    repo.git("tag", "v1", cwd=where)
    repo.git("push", "--quiet", *how, cwd=where)
    assert state(repo) == ("WORKING", None)


def test_a_rejected_push_hands_nothing_in(repo: Sandbox, where: Path, forge: Sandbox) -> None:
    hook = forge.write("hooks/pre-receive", "#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where, check=False)
    assert state(repo) == ("WORKING", None)


def test_only_the_tip_counts(repo: Sandbox, where: Path) -> None:
    repo.git("push", "--quiet", "origin", f"HEAD~1:refs/heads/{BRANCH}", cwd=where)
    assert state(repo) == ("WORKING", None)
    repo.git("push", "--quiet", "origin", f"{BRANCH}:{BRANCH}", cwd=where)
    assert state(repo) == ("IN_REVIEW", None)


def test_a_branch_without_work_of_its_own_is_not_handed_in(repo: Sandbox, forge: Sandbox) -> None:
    path = Path(repo.agent_json("spawn", "Fix login")["task"]["worktree"])
    repo.git("push", "--quiet", "origin", BRANCH, cwd=path)
    assert state(repo) == ("ASSIGNED", None)


def test_the_tip_that_was_sent_back_is_not_handed_in_again(repo: Sandbox, where: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    repo.agent("request-changes", "1", "-m", "Tests, please")
    assert state(repo) == ("WORKING", "changes_requested")
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    repo.agent("start", "1")
    assert state(repo) == ("WORKING", None)
    repo.commit(where, "test_login.py", "tests\n")
    assert state(repo) == ("WORKING", None)
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)


def test_a_commit_that_was_sent_back_unpushed_is_not_handed_in_by_its_push(repo: Sandbox, where: Path) -> None:
    repo.agent("done", "1")
    repo.agent("request-changes", "1", "-m", "Tests, please")
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("WORKING", "changes_requested")


def test_a_push_with_the_changes_ends_the_hold(repo: Sandbox, where: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    repo.agent("request-changes", "1", "-m", "Tests, please")
    repo.commit(where, "test_login.py", "tests\n")
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)


def test_work_taken_back_from_review_stays_with_the_worker(repo: Sandbox, where: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)
    repo.agent("start", "1")
    assert state(repo) == ("WORKING", None)


def test_a_push_while_a_question_is_open_does_not_hand_in(repo: Sandbox, where: Path) -> None:
    repo.agent("start", "1")
    repo.agent("ask", "Which one?", cwd=where)
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("WORKING", "needs_input")
    repo.agent("answer", "1", "This one")
    assert state(repo) == ("WORKING", None)
    repo.commit(where, "more.py", "more\n")
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)


def test_what_was_never_pushed_before_a_question_is_handed_in_by_its_push(repo: Sandbox, where: Path) -> None:
    repo.agent("start", "1")
    repo.agent("ask", "Which one?", cwd=where)
    repo.agent("answer", "1", "This one")
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)


def test_the_next_attempt_is_not_handed_in_by_the_push_of_the_one_before(repo: Sandbox, where: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    repo.agent("reassign", "1")
    assert state(repo) == ("ASSIGNED", None)


# Merges on a forge, where only the upstream moves


def test_a_pull_request_that_was_squashed_completes_the_task(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    other = Sandbox(tmp_path / "other")
    repo.git("clone", "--quiet", str(repo.path.with_name("forge.git")), str(other.path))
    other.commit(None, "unrelated.py", "unrelated\n")
    other.git("merge", "--quiet", "--squash", f"origin/{BRANCH}")
    other.git("commit", "--quiet", "--message", "Fix login (#1)")
    other.git("push", "--quiet", "origin", "main", f":{BRANCH}")
    repo.git("fetch", "--quiet", "--prune")
    found = task(repo)
    assert (found["state"], found["merged_by"]) == ("COMPLETED", "squash")
    repo.git("pull", "--quiet")
    assert state(repo) == ("COMPLETED", None)
    assert kinds(repo).count("task.merged") == 1


def test_a_squash_that_was_edited_on_the_forge_is_likely_merged(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)
    other = Sandbox(tmp_path / "other")
    repo.git("clone", "--quiet", str(repo.path.with_name("forge.git")), str(other.path))
    other.commit(None, "login.py", "one\nand a half\ntwo\n", "Fix login (#1)")
    other.git("push", "--quiet", "origin", "main", f":{BRANCH}")
    repo.git("pull", "--quiet", "--prune")
    said = repo.agent("list")
    assert "likely merged" in said.err and "git agent merge 1 --already" in said.err
    assert state(repo) == ("IN_REVIEW", None)
    assert "was likely merged" in repo.agent("status").out and "--already" in repo.agent("show", "1").out
    assert "likely" not in repo.agent("list").err
    repo.agent("merge", "1", "--already")
    assert state(repo) == ("COMPLETED", None)


def test_a_branch_that_was_deleted_on_the_forge_before_anything_moved_is_not_likely_merged(
    repo: Sandbox, where: Path
) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    repo.agent("list")
    repo.git("push", "--quiet", "origin", f":{BRANCH}")
    assert "likely" not in repo.agent("list").err
    assert state(repo) == ("IN_REVIEW", None)


# Merges by hand, and what follows


@pytest.mark.parametrize(
    ("how", "by"),
    [
        ([["merge", "--quiet", BRANCH]], "ff"),
        ([["merge", "--quiet", "--no-ff", "--no-edit", BRANCH]], "merge"),
        ([["merge", "--quiet", "--squash", BRANCH], ["commit", "--quiet", "--message", "Squashed"]], "squash"),
        ([["cherry-pick", f"main..{BRANCH}"]], "rebase"),
    ],
    ids=["ff", "merge", "squash", "picked"],
)
def test_a_merge_by_hand_completes_the_task_and_its_revert_is_shown(
    repo: Sandbox, where: Path, how: list[list[str]], by: str
) -> None:
    if by in ("squash", "rebase"):
        repo.commit(None, "other.py", "other\n")
    for command in how:
        repo.git(*command)
    found = task(repo)
    assert (found["state"], found["merged_by"]) == ("COMPLETED", by)
    parent = ["--mainline", "1"] if by == "merge" else []
    repo.git("revert", "--no-edit", *parent, "HEAD")
    assert "task 1 was reverted in 'main'" in repo.agent("list").err
    assert "its merge was reverted" in repo.agent("show", "1").out
    assert repo.agent("list").err == ""
    repo.git("revert", "--no-edit", "HEAD")
    assert "was itself reverted" in repo.agent("list").err
    assert "reverted in" not in repo.agent("show", "1").out
    assert state(repo) == ("COMPLETED", None)


def test_a_merge_is_seen_although_its_branch_was_cleared_away_at_once(repo: Sandbox, where: Path) -> None:
    repo.agent("list")
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", BRANCH)
    repo.git("worktree", "remove", "--force", "--force", str(where))
    repo.git("branch", "--delete", "--force", BRANCH)
    assert state(repo) == ("COMPLETED", None)


def test_a_reopened_task_is_not_completed_again_by_its_old_merge(repo: Sandbox, where: Path) -> None:
    repo.git("merge", "--quiet", BRANCH)
    assert state(repo) == ("COMPLETED", None)
    repo.agent("reopen", "1")
    repo.commit(None, "other.py", "other\n")
    assert state(repo) == ("OPEN", None)
    repo.commit(where, "more.py", "more\n")
    repo.git("merge", "--quiet", "--no-edit", BRANCH)
    assert state(repo) == ("COMPLETED", None)


def test_commits_after_the_merge_are_reported_once(repo: Sandbox, where: Path) -> None:
    repo.git("merge", "--quiet", BRANCH)
    repo.agent("list")
    repo.commit(where, "more.py", "more\n")
    assert "task 1 is COMPLETED, but 'agent/1-fix-login' has new commits; git agent reopen 1" in repo.agent("list").err
    assert repo.agent("list").err == ""


def test_a_merge_that_was_recorded_while_another_command_ran_is_not_lost(repo: Sandbox, where: Path) -> None:
    repo.git("merge", "--quiet", BRANCH)
    results = repo.parallel([("list",)] * 8)
    assert all(result.code == 0 for result in results)
    assert kinds(repo).count("task.merged") == 1
    assert [result.err.count("was merged") for result in results].count(1) == 1  # and said by one of them


def test_a_push_that_many_commands_see_at_once_is_said_once(repo: Sandbox, where: Path) -> None:
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    results = repo.parallel([("list",)] * 8)
    assert kinds(repo).count("task.pushed") == 1
    assert sum(result.err.count("was pushed") for result in results) == 1


# Workers where they should not be


def test_commits_of_a_superseded_attempt_are_reported_once(repo: Sandbox, where: Path) -> None:
    repo.agent("reassign", "1")
    assert repo.agent("list").err == ""
    repo.commit(where, "late.py", "late\n")
    said = repo.agent("list").err
    assert "new commits on 'agent/1-fix-login', whose worker was superseded" in said
    assert repo.agent("list").err == ""
    assert kinds(repo).count("task.superseded-commit") == 1
    assert state(repo) == ("ASSIGNED", None)


def test_a_worker_on_another_branch_is_reported_again_when_it_commits_there(repo: Sandbox, where: Path) -> None:
    repo.agent("list")
    repo.git("switch", "--quiet", "--create", "mine", cwd=where)
    assert "is on mine, not on 'agent/1-fix-login'" in repo.agent("list").err
    assert repo.agent("list").err == ""
    repo.commit(where, "lost.py", "lost\n")
    assert "is on mine with commits that 'agent/1-fix-login' lacks (1)" in repo.agent("list").err
    assert "worktree on mine" in repo.agent("status").out
    repo.git("switch", "--quiet", BRANCH, cwd=where)
    assert repo.agent("list").err == ""
    assert kinds(repo)[-3:] == ["task.switched", "task.switched", "task.mended"]


def test_a_rebase_is_no_other_branch(repo: Sandbox, where: Path) -> None:
    repo.agent("list")
    repo.commit(None, "login.py", "clash\n")
    repo.git("rebase", "main", cwd=where, check=False)
    assert repo.agent("list").err == ""
    assert "is in a rebase" in repo.agent("show", "1").out


# Cost


def test_where_no_ref_moved_git_is_asked_once(repo: Sandbox, where: Path) -> None:
    repo.agent("list")
    traced = repo.agent("list", env={"GIT_AGENT_TRACE": "1"}).err
    assert traced.count("for-each-ref") == 1
    looked = [line for line in traced.splitlines() if "rev-parse" not in line and "config" not in line]
    assert len(looked) == 1, traced


# What workers do to their own branches


@pytest.mark.parametrize("seen", [True, False], ids=["seen before", "never seen"])
@pytest.mark.parametrize(
    "how",
    [("reset", "--soft", "main~0"), ("reset", "--hard", "main"), ("rebase", "--onto", "main", BRANCH)],
    ids=" ".join,
)
def test_a_worker_that_undoes_its_commits_is_not_merged(
    repo: Sandbox, where: Path, how: tuple[str, ...], seen: bool
) -> None:
    if seen:
        repo.agent("list")
    repo.git(*how, cwd=where)
    before, _ = state(repo)
    assert before == ("WORKING" if seen else "ASSIGNED")
    repo.commit(None, "other.py", "other\n")
    repo.git("push", "--quiet", "origin", "main")
    repo.git("reset", "--quiet", "--hard", "main", cwd=where)
    assert state(repo) == (before, None)  # where the base is, and pushed, but nothing of its own
    repo.commit(where, "again.py", "again\n")
    repo.git("push", "--quiet", "origin", BRANCH, cwd=where)
    assert state(repo) == ("IN_REVIEW", None)
    repo.git("merge", "--quiet", BRANCH)
    assert state(repo) == ("COMPLETED", None)


def test_an_approval_ends_when_the_worker_undoes_its_commits(repo: Sandbox, where: Path) -> None:
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.git("reset", "--quiet", "--hard", "main", cwd=where)
    assert state(repo) == ("IN_REVIEW", None)


def test_a_reopened_task_stays_open_although_late_commits_were_merged_before(repo: Sandbox, where: Path) -> None:
    repo.git("merge", "--quiet", BRANCH)
    repo.agent("list")
    repo.commit(where, "late.py", "late\n")
    repo.git("merge", "--quiet", BRANCH)
    repo.agent("reopen", "1")
    assert state(repo) == ("OPEN", None)
    assert state(repo) == ("OPEN", None)


def test_every_revert_of_a_revert_is_seen(repo: Sandbox, where: Path) -> None:
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", BRANCH)
    repo.agent("list")
    for number in range(4):
        repo.git("revert", "--no-edit", *(["--mainline", "1"] if number == 0 else []), "HEAD")
        assert bool(task(repo)["reverted_oid"]) == (number % 2 == 0)
    assert "COMPLETED\t" in repo.agent("list", "--all").out


def test_a_base_that_was_set_back_no_longer_has_the_merge(repo: Sandbox, where: Path) -> None:
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", BRANCH)
    repo.agent("list")
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    assert "'main' was moved back" in repo.agent("list").err
    assert "COMPLETED reverted" in repo.agent("list", "--all").out


def test_a_worker_of_a_reopened_and_reverted_task_is_told_how_to_bring_it_back(repo: Sandbox, where: Path) -> None:
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", BRANCH)
    repo.git("revert", "--no-edit", "--mainline", "1", "HEAD")
    repo.agent("list")
    repo.agent("reopen", "1")
    said = repo.agent("log", "1").out
    assert f"git revert {repo.git('rev-parse', '--short=12', 'HEAD')}, restores it" in said


@pytest.mark.parametrize("how", ["squash", "pick"])
def test_work_that_was_taken_over_with_an_edit_is_likely_merged(repo: Sandbox, where: Path, how: str) -> None:
    repo.agent("list")
    if how == "squash":
        repo.git("merge", "--quiet", "--squash", BRANCH)
        repo.write("login.py", "one\ntwo and a half\n")
        repo.git("add", "--all")
        repo.run("git", "commit", "--quiet", "--no-edit", env={"GIT_EDITOR": "true"})
    else:
        repo.commit(None, "login.py", "zero\n")
        repo.git("cherry-pick", "-x", f"main..{BRANCH}", check=False)
        for number in range(2):
            repo.write("login.py", f"zero, one and {number}\n")
            repo.git("add", "--all")
            repo.run("git", "cherry-pick", "--continue", env={"GIT_EDITOR": "true"})
    assert "was likely merged (a new commit of 'main' names it)" in repo.agent("list").err
    assert state(repo) == ("WORKING", None)


def test_a_push_into_the_same_repository_hands_nothing_in(repo: Sandbox, where: Path) -> None:
    repo.agent("init")
    repo.git("push", "--quiet", ".", "HEAD:refs/heads/elsewhere", cwd=where)
    assert state(repo) == ("WORKING", None)


def test_the_commits_of_the_base_are_not_shown_as_the_task_s(repo: Sandbox, where: Path) -> None:
    repo.commit(None, "other.py", "other\n", "Of the base")
    repo.git("rebase", "--quiet", "main", cwd=where)
    assert "Of the base" not in repo.agent("show", "1").out + repo.agent("log", "1").out
    repo.git("merge", "--quiet", "--no-edit", "main", cwd=where)
    assert "Of the base" not in repo.agent("show", "1").out


# A task whose base is another task's branch


@pytest.mark.parametrize("how", ["by hand", "by the tool"])
def test_a_stacked_task_follows_to_the_base_of_the_one_below(repo: Sandbox, where: Path, how: str) -> None:
    upper = Path(repo.agent_json("spawn", "Upper", "--base", BRANCH)["task"]["worktree"])
    repo.commit(upper, "upper.py", "upper\n")
    if how == "by hand":
        repo.git("merge", "--quiet", "--no-ff", "--no-edit", BRANCH)
        said = repo.agent("list").err
    else:
        repo.agent("done", "1")
        repo.agent("approve", "1")
        repo.agent("merge", "1")
        said = repo.agent("list").err
    assert "task 2 now has the base 'main', since 'agent/1-fix-login' was merged" in said
    assert task(repo, 2)["base"] == "main"
    assert state(repo, 2) == ("WORKING", None)
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", "agent/2-upper")
    assert state(repo, 2) == ("COMPLETED", None)


def test_a_stack_that_was_merged_from_its_top_is_completed_as_a_whole(repo: Sandbox, where: Path) -> None:
    upper = Path(repo.agent_json("spawn", "Upper", "--base", BRANCH)["task"]["worktree"])
    repo.commit(upper, "upper.py", "upper\n")
    repo.agent("list")
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", "agent/2-upper")
    assert (state(repo, 1), state(repo, 2)) == (("COMPLETED", None), ("COMPLETED", None))
