"""Which hold a task gets when its command has ended, and what a run that changes nothing may not do."""

from __future__ import annotations

import pytest

from tests.hooks.crowd import query
from tests.running.stage import WORK, Stage
from tests.running.stage import stage as stage


def _run(stage: Stage, script: str = "true", task: int = 1, exit: int | None = 1) -> str:
    return stage.box.agent("run", str(task), "--", "sh", "-c", script, exit=exit).err


def _reviewed(stage: Stage) -> None:
    stage.spawn()
    _run(stage, WORK, exit=0)


@pytest.fixture
def sent_back(stage: Stage) -> Stage:
    """Return a stage on which a reviewer requested changes to task 1."""
    _reviewed(stage)
    stage.box.agent("request-changes", "1", "-m", "Say more")
    return stage


def _rival(stage: Stage, text: str = "theirs\n") -> None:
    stage.box.commit(None, "work", text)


def test_a_run_that_changes_nothing_after_a_review_hands_nothing_in(sent_back: Stage) -> None:
    assert "task 1 is WORKING no_changes" in _run(sent_back)
    assert sent_back.where() == ("WORKING", "no_changes") and sent_back.lease() is None
    assert "no new commit since" in sent_back.task()["reason"]
    _run(sent_back)  # and as often as it is repeated
    assert sent_back.where() == ("WORKING", "no_changes")
    _run(sent_back, WORK, exit=0)
    assert sent_back.where() == ("IN_REVIEW", None)


def test_nor_after_an_approval_was_taken_back(stage: Stage) -> None:
    _reviewed(stage)
    stage.box.agent("approve", "1")
    stage.box.agent("request-changes", "1", "-m", "Say more")
    _run(stage)
    assert stage.where() == ("WORKING", "no_changes")


def test_nor_after_its_check_failed(stage: Stage) -> None:
    _reviewed(stage)
    stage.box.agent("approve", "1")
    stage.box.git("config", "agent.check", "test ! -e work")
    stage.box.agent("merge", "1", exit=3)
    _run(stage)
    assert stage.where() == ("WORKING", "no_changes")


def test_nor_after_an_answer(stage: Stage) -> None:
    stage.spawn()
    _run(stage, f"{WORK}; git agent ask 'Which one?'")
    stage.box.agent("answer", "1", "That one")
    _run(stage)
    assert stage.where() == ("WORKING", "no_changes")


def test_nor_after_it_was_withdrawn_from_review(stage: Stage) -> None:
    _reviewed(stage)
    stage.box.agent("start", "1")
    _run(stage)
    assert stage.where() == ("WORKING", "no_changes")


def test_what_a_person_committed_after_the_review_is_new(sent_back: Stage) -> None:
    sent_back.box.agent("start", "1")
    sent_back.box.commit(sent_back.box.worktree(1), "more", "x\n")
    _run(sent_back, exit=0)
    assert sent_back.where() == ("IN_REVIEW", None)


def test_what_a_command_did_before_its_question_was_answered_is_new(stage: Stage) -> None:
    stage.spawn()
    _run(stage, f"{WORK}; git agent ask Which; git agent start", exit=0)
    assert stage.where() == ("IN_REVIEW", None)


def test_done_says_that_it_is_finished_although_nothing_changed(sent_back: Stage) -> None:
    _run(sent_back)
    sent_back.box.agent("done", "1")
    assert sent_back.where() == ("IN_REVIEW", None)


def test_a_push_of_what_was_sent_back_hands_nothing_in(sent_back: Stage) -> None:
    sent_back.box.git("clone", "--quiet", "--bare", ".", "../forge.git")
    sent_back.box.git("remote", "add", "origin", "../forge.git")
    sent_back.box.git("push", "--quiet", "origin", "agent/1-fix-login")
    sent_back.box.agent("sync")
    assert sent_back.where() == ("WORKING", "changes_requested")
    _run(sent_back)
    assert sent_back.where() == ("WORKING", "no_changes")


@pytest.fixture
def conflicted(stage: Stage) -> Stage:
    """Return a stage on which the merge of task 1 conflicts."""
    _reviewed(stage)
    stage.box.agent("approve", "1")
    _rival(stage)
    stage.box.agent("merge", "1", exit=4)
    assert stage.where() == ("WORKING", "conflict")
    return stage


def test_after_a_conflict_nothing_new_hands_nothing_in(conflicted: Stage) -> None:
    _run(conflicted)
    assert conflicted.where() == ("WORKING", "no_changes")


def test_a_commit_that_resolves_nothing_leaves_the_conflict(conflicted: Stage) -> None:
    _run(conflicted, "echo x >other && git add other && git commit -qm Other")
    assert conflicted.where() == ("WORKING", "conflict")
    assert "still conflicts with 'main': work" in conflicted.task()["reason"]
    _run(conflicted, "echo y >other && git commit -qam Other")  # and a later one, too
    assert conflicted.where() == ("WORKING", "conflict")
    _run(conflicted, "git merge -q -X ours main -m Merge", exit=0)
    assert conflicted.where() == ("IN_REVIEW", None)


def test_a_conflict_that_was_never_found_by_a_merge_is_left_to_the_merge(stage: Stage) -> None:
    stage.spawn()
    _rival(stage)
    _run(stage, WORK, exit=0)
    assert stage.where() == ("IN_REVIEW", None)


@pytest.mark.parametrize(
    ("script", "hold"),
    [
        ("echo x >new", "uncommitted"),
        (f"{WORK}; echo x >>work", "uncommitted"),
        (f"{WORK}; echo x >>work; git add work", "uncommitted"),
        (f"{WORK}; git rm -q --cached work", "uncommitted"),
        ("echo x >new; git add -N new", "uncommitted"),
        ("true", "no_commits"),
        (f"{WORK}; git reset -q --hard HEAD~1", "no_commits"),
        (f"{WORK}; git switch -q --detach", "no_commits"),
    ],
)
def test_what_is_not_committed_comes_before_what_is_not_there(stage: Stage, script: str, hold: str) -> None:
    stage.spawn()
    _run(stage, script)
    assert stage.where() == ("WORKING", hold)
    assert stage.task()["reason"].startswith("exited with 0, but ")
    needs = stage.box.agent_json("status")["needs_you"]
    assert [need["task"] for need in needs] == [1] and "git agent " in needs[0]["command"]


def test_files_that_are_not_committed_come_before_nothing_new(sent_back: Stage) -> None:
    _run(sent_back, "echo x >>work")
    assert sent_back.where() == ("WORKING", "uncommitted")


def test_a_failure_is_one_whatever_was_left(sent_back: Stage) -> None:
    _run(sent_back, "echo x >>work; exit 7")
    assert sent_back.where() == ("FAILED", None) and sent_back.task()["reason"].startswith("exited with 7")


@pytest.mark.rest
def test_the_history_of_every_hold_is_sound(conflicted: Stage) -> None:
    for script in ("true", "echo x >new", "rm new; echo x >other; git add other; git commit -qm Other"):
        _run(conflicted, script)
    assert conflicted.box.agent_json("doctor", exit=None)["findings"] == []
    held = query(conflicted.agent, "select data from event where kind = 'task.ended' order by seq")
    assert [row["data"].rpartition('"hold": ')[2] for row in held] == ['"no_changes"}', '"uncommitted"}', '"conflict"}']
