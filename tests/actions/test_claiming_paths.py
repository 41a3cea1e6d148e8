"""Paths are claimed: overlaps are noticed when a task is made, and changes elsewhere when its work is handed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def strict(repo: Sandbox) -> Sandbox:
    repo.git("config", "agent.pathClaims", "refuse")
    repo.agent("init")
    return repo


def claims(repo: Sandbox) -> list[tuple[int, int, list[str]]]:
    return [(each["a"], each["b"], each["paths"]) for each in repo.agent_json("conflicts")["claims"]]


def outside(repo: Sandbox) -> list[tuple[int, Any, list[str]]]:
    return [(each["task"], each["claimed_by"], each["paths"]) for each in repo.agent_json("conflicts")["outside"]]


def test_overlaps_are_refused_by_every_verb_that_claims_and_nothing_is_left(strict: Sandbox) -> None:
    strict.agent("add", "One", "--path", "src/app.py")
    before = strict.tasks()
    for line in (["add", "Two", "--path", "src"], ["spawn", "Two", "--path", "*.py"], ["add", "T", "--path", "."]):
        said = strict.agent_json(*line, exit=3)["error"]
        assert said["code"] == "paths-claimed" and "task 1 (OPEN): src" in said["details"][0]
    assert strict.tasks() == before and "agent/" not in strict.git("branch")
    strict.agent("add", "Two", "--path", "docs/")
    strict.agent("edit", "2", "--path", "src/app.py", exit=3)
    assert strict.tasks()[2]["paths"] == ["docs/"]
    strict.agent("edit", "2", "--path", "docs/new", "--path", "docs/")
    strict.agent("edit", "2", "--path", "")
    strict.agent("spawn", "Three", "--path", "docs/guide.md")


@pytest.mark.parametrize("ended", ["cancel", "fail"])
def test_only_open_and_live_tasks_claim_and_those_that_wait_for_one_another_may_overlap(
    strict: Sandbox, ended: str
) -> None:
    strict.agent("spawn", "One", "--path", "src")
    strict.agent("add", "Between", "--after", "1")
    strict.agent("add", "After", "--after", "2", "--path", "src/lib")
    strict.agent("edit", "1", "--path", "src", "--path", "docs")
    assert claims(strict) == []
    strict.agent("edit", "2", "--after", "", "--path", "src", exit=3)
    strict.agent(ended, "1", *(["-m", "no"] if ended == "fail" else []))
    strict.agent("edit", "2", "--path", "docs")


def test_a_warning_is_said_and_off_says_nothing(repo: Sandbox) -> None:
    repo.agent("add", "One", "--path", "src")
    said = repo.agent("add", "Two", "--path", "src/lib/*")
    assert "note: paths overlap with task 1 (OPEN): src/lib/*\n" in said.err
    repo.git("config", "agent.pathClaims", "off")
    assert repo.agent("add", "Three", "--path", "src").err == ""
    assert claims(repo) == [(1, 2, ["src/lib/*"]), (1, 3, ["src"]), (2, 3, ["src/lib/*"])]
    assert repo.agent("conflicts").out.startswith("claim\t1\t2\tsrc/lib/*\n")


def test_two_at_once_do_not_both_claim(strict: Sandbox) -> None:
    results = strict.parallel([("add", f"Task {n}", "--path", "src") for n in range(6)])
    assert sorted({result.code for result in results}) in ([0, 3], [0, 6], [0, 3, 6])
    assert len(strict.tasks()) == 1 and claims(strict) == []


def test_work_is_compared_with_claims_when_it_is_handed_in(strict: Sandbox) -> None:
    one = Path(strict.agent("spawn", "One", "--path", "src/lib").out.strip())
    two = Path(strict.agent("spawn", "Two", "--path", "docs").out.strip())
    strict.agent("add", "Not yet", "--path", "README.md", "--after", "2")
    strict.commit(one, "src/lib/sums.py", "one\n")
    strict.agent("done", cwd=one)
    strict.git("mv", "src/lib/sums.py", "docs/sums.py", cwd=two)
    strict.git("commit", "--quiet", "-m", "Move", cwd=two)
    strict.commit(two, "README.md", "only a task of the queue claims it\n")
    assert outside(strict) == [(2, 1, ["src/lib/sums.py"]), (2, None, ["README.md", "src/lib/sums.py"])]
    said = strict.agent("done", "--json", cwd=two, exit=3).json()["error"]
    assert said["code"] == "outside-claim" and said["details"][0] == "src/lib/sums.py (task 1 claims)"
    assert strict.tasks()[2]["state"] == "WORKING"
    # What came from the base is nobody's change; and with the claims changed it is handed in.
    strict.git("merge", "--quiet", "agent/1-one", "-m", "x")
    strict.agent("list")
    strict.agent("edit", "2", "--path", "docs", "--path", "README.md", "--path", "src/lib")
    strict.agent("done", cwd=two)


def test_the_command_that_is_hinted_at_keeps_the_paths_and_lets_the_work_in(strict: Sandbox) -> None:
    where = Path(strict.agent("spawn", "One", "--path", "src", "--path", "my docs").out.strip())
    strict.commit(where, "src/lib/sums.py", "one\n")
    strict.commit(where, "README.md", "one\n")
    hint = strict.agent_json("done", "1", exit=3)["error"]["hint"]
    assert hint == "git agent edit 1 --path 'my docs' --path src --path README.md"
    told = strict.agent_json("done", cwd=where, exit=3)["error"]["hint"]
    assert told == f"git agent send @coordinator TEXT, to ask for: {hint}"  # a worker can't widen its own claim
    assert strict.run("sh", "-c", hint, cwd=where).code == 3
    assert strict.run("sh", "-c", hint).code == 0
    strict.agent("done", cwd=where)
    # Work that has begun can't wait for another task.
    strict.agent("spawn", "Two", "--path", "other")
    said = strict.agent_json("edit", "2", "--path", "other", "--path", "src", exit=3)["error"]
    assert said["hint"] == "give other paths, or git agent send 1 TEXT"


def test_a_run_whose_work_lies_elsewhere_is_held_with_the_reason(strict: Sandbox) -> None:
    strict.agent("spawn", "One", "--path", "src")
    strict.agent("run", "1", "--", "sh", "-c", "echo x >other && git add other && git commit -qm x", exit=None)
    task = strict.tasks()[1]
    assert (task["state"], task["hold"]) == ("WORKING", "no_commits")
    assert "changed what its own paths do not include" in task["reason"]
    assert strict.git("log", "-1", "--format=%s", "agent/1-one") == "x"


@pytest.mark.rest
def test_the_queue_hands_out_nothing_that_a_live_task_claims(strict: Sandbox) -> None:
    strict.agent("spawn", "One", "--path", "src/")
    strict.git("config", "agent.pathClaims", "off")  # as claims were made before it was switched on
    strict.agent("add", "Two", "--path", "src/app.py", "--priority", "0")
    strict.agent("add", "Three", "--path", "docs/")
    strict.agent("add", "Four", "--path", "docs/guide.md")
    # Off: nobody waits. Warn: it is said when the task is taken.
    assert [task["id"] for task in strict.agent_json("ready")["tasks"]] == [2, 3, 4]
    strict.git("config", "agent.pathClaims", "warn")
    assert [task["id"] for task in strict.agent_json("ready")["tasks"]] == [2, 3, 4]
    for take in (("claim",), ("claim", "2"), ("spawn", "2")):
        said = strict.agent(*take)
        assert "2-two" in said.out and "note: paths overlap with task 1 (ASSIGNED): src/app.py\n" in said.err
        strict.agent("release", "2")
    # Refuse: it waits, and the next one is handed out.
    strict.git("config", "agent.pathClaims", "refuse")
    found = strict.agent_json("ready", "--why")
    why = "its paths overlap with those of task 1 (ASSIGNED): src/app.py"
    assert found["blocked"] == [{"task": 2, "why": why, "by": [1]}]
    assert strict.agent_json("show", "2")["why"] == why
    for take in (("claim", "2"), ("spawn", "2"), ("run", "2", "--", "true")):
        error = strict.agent_json(*take, exit=3)["error"]
        assert error["code"] == "paths-claimed" and error["message"] == f"task 2 is not ready: {why}"
        assert error["hint"] == "git agent edit 2 --after 1, to wait for it"
    assert strict.agent("claim").out.endswith("3-three\n")
    assert strict.agent("claim", exit=6).err.startswith("error: there is nothing to claim")
    strict.agent("cancel", "1")
    assert "2-two" in strict.agent("claim").out
    waiting = strict.parallel([("claim", "--wait", "--timeout", "60"), ("cancel", "3")])
    assert [result.code for result in waiting] == [0, 0] and "4-four" in waiting[0].out


def test_two_workers_at_once_do_not_get_tasks_that_claim_the_same(strict: Sandbox) -> None:
    strict.git("config", "agent.pathClaims", "off")
    for task in range(4):
        strict.agent("add", f"Task {task}", "--path", "src/")
    strict.git("config", "agent.pathClaims", "refuse")
    results = strict.parallel([("claim",)] * 4)
    assert sorted(result.code for result in results) == [0, 6, 6, 6], results


@pytest.mark.parametrize("mode", ["warn", "refuse", "off"])
def test_a_push_of_work_that_lies_elsewhere_is_warned_of(strict: Sandbox, tmp_path: Path, mode: str) -> None:
    """Or that has the context file in it, which `done` would have refused."""
    strict.git("config", "agent.pathClaims", mode)
    strict.git("init", "--quiet", "--bare", tmp_path / "forge")
    strict.git("remote", "add", "origin", tmp_path / "forge")
    strict.agent("spawn", "One", "--path", "docs/")
    two = Path(strict.agent("spawn", "Two").out.strip())
    strict.git("add", "--force", ".worker-ctx.json", cwd=two)
    strict.commit(two, "docs/new", "x\n")
    strict.run("git", "push", "--quiet", "origin", "HEAD", cwd=two, env={"GIT_AGENT_HOOKS": "0"})
    said = strict.agent("list")
    assert "note: task 2 was pushed: IN_REVIEW\n" in said.err
    warned = "note: task 2 changed what task 1 claims: docs/new\n" in said.err
    assert warned == (mode != "off"), said
    assert f"note: task 2 would bring .worker-ctx.json, its worktree's own file, into 'main': in {two}: " in said.err
