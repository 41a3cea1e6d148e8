"""Workers that make no progress: noticed once for each stall, after a look at what they do in their worktrees."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.actions.supervised import settle, sql, supervise
from tests.faults.world import Worlds
from tests.sandbox import Sandbox

HOUR = 3600.0


def _spawned(repo: Sandbox) -> None:
    repo.agent("init")
    repo.agent("spawn", "Fix login")


@pytest.fixture
def tree(repo: Sandbox, worlds: Worlds) -> Path:
    """Return the worktree of task 1, spawned by a person an hour ago; nothing happened in it since."""
    rest(worlds.lend(repo, _spawned))
    return repo.worktree(1)


def rest(repo: Sandbox) -> None:
    """Let the last progress be an hour ago, and everything in the worktree older; the worker beats."""
    settle(repo)
    now = int(time.time() * 1000)
    sql(repo, "UPDATE lease SET progress_at = ?, beat_at = ?", now - 3_600_000, now)


def noticed(repo: Sandbox) -> list[dict[str, Any]]:
    rows = sql(repo, "SELECT data FROM event WHERE kind = 'task.stalled' ORDER BY seq")
    return [json.loads(row[0]) for row in rows]


def shown(repo: Sandbox) -> dict[str, Any]:
    return repo.tasks()[1]


def test_alive_and_stalled_are_told_apart(repo: Sandbox, tree: Path) -> None:
    found = shown(repo)
    assert (found["worker"]["liveness"], found["stalled"]) == ("alive", True)
    needs = repo.agent_json("status")["needs_you"]
    assert [(n["why"], n["command"]) for n in needs] == [("has made no progress for 1h", "git agent show 1")]


def test_a_supervised_worker_that_stalls_is_looked_at_in_its_log(repo: Sandbox, tree: Path) -> None:
    with ExitStack() as stack:
        supervise(repo, 1, stack)
        rest(repo)
        [need] = repo.agent_json("status")["needs_you"]
        assert need["command"] == "git agent logs 1"


def test_one_stall_is_one_event_whoever_looks_and_how_often(repo: Sandbox, tree: Path) -> None:
    repo.parallel([("list",)] * 6)
    repo.agent("status")
    [event] = noticed(repo)
    assert event["text"] == "no progress for 1h" and isinstance(event["progress_at"], int)
    repo.agent("heartbeat", "-m", "reading", cwd=tree)
    assert not shown(repo)["stalled"]
    rest(repo)
    assert shown(repo)["stalled"]
    assert len(noticed(repo)) == 2


def test_a_beat_is_no_progress(repo: Sandbox, tree: Path) -> None:
    repo.agent("heartbeat", cwd=tree)
    assert shown(repo)["stalled"]


@pytest.mark.parametrize("where", ["src/app.py", "src/lib/new.py", "notes"])
def test_an_edit_in_the_worktree_is_progress_and_is_recorded(repo: Sandbox, tree: Path, where: str) -> None:
    repo.write(where, "changed\n", cwd=tree)
    found = shown(repo)
    assert not found["stalled"] and found["progress_age_s"] < 60
    assert noticed(repo) == []
    os.utime(tree / where, (1, 1))
    os.utime((tree / where).parent, (1, 1))
    assert not shown(repo)["stalled"]


def test_who_waits_for_an_answer_does_not_stall(repo: Sandbox, tree: Path) -> None:
    repo.agent("start", cwd=tree)
    repo.agent("ask", "Which?", cwd=tree)
    sql(repo, "INSERT INTO lease (task, kind, beat_at, progress_at) VALUES (1, 'hand', 1, 1)")
    assert not shown(repo)["stalled"]
    assert noticed(repo) == []


def test_the_configured_time_counts(repo: Sandbox, tree: Path) -> None:
    repo.git("config", "agent.stalled", "2h")
    assert not shown(repo)["stalled"] and noticed(repo) == []
    repo.git("config", "agent.stalled", "30m")
    assert shown(repo)["stalled"] and len(noticed(repo)) == 1


def test_a_beat_file_from_before_the_clock_was_set_back_says_nothing(repo: Sandbox, tree: Path) -> None:
    ahead = time.time() + 24 * HOUR
    (repo.store.parent / "beat").mkdir(exist_ok=True)
    os.utime(repo.store.parent / "beat" / "1-fix-login", (ahead, ahead))
    assert shown(repo)["stalled"]


def test_progress_in_the_future_is_put_right_by_the_next_sign(repo: Sandbox, tree: Path) -> None:
    ahead = int(time.time() * 1000) + 86_400_000
    sql(repo, "UPDATE lease SET progress_at = ?, beat_at = ?", ahead, ahead)
    beat = repo.store.parent / "beat" / "1-fix-login"
    os.utime(beat, (time.time() - HOUR, time.time() - HOUR))
    found = shown(repo)
    assert found["stalled"] and 3590 < found["progress_age_s"] < 3700


def _look_file(repo: Sandbox) -> Path:
    return repo.store.parent / "cache" / "looked-at-quiet-workers"


def test_the_files_of_a_quiet_worker_are_not_examined_by_each_command(repo: Sandbox, tree: Path) -> None:
    for number in range(1500):
        (tree / f"made-{number}").touch()
    rest(repo)
    for path in (*tree.iterdir(), tree):
        if path.name != ".git":
            os.utime(path, (1, 1))
    assert shown(repo)["stalled"]
    looked = _look_file(repo).read_text()
    assert int(looked.split()[3]) > 1500
    for verb in ("list", "status", "show"):
        repo.agent(verb, *(["1"] if verb == "show" else []))
    assert _look_file(repo).read_text() == looked
    _look_file(repo).write_text(looked.replace("at ", "at -"))  # as if it was long ago
    repo.write("src/app.py", "changed\n", cwd=tree)
    assert not shown(repo)["stalled"]


@pytest.mark.parametrize(
    "remembered",
    [
        b"",
        b"\xff\xfe",
        b"at 99999999999999\nexamined 5\n",
        b"at x\nexamined y\n",
        b"at -5\nexamined -7\n",
        None,
        "directory",
    ],
)
def test_what_is_remembered_of_the_last_look_changes_nothing_that_is_said(
    repo: Sandbox, tree: Path, remembered: bytes | str | None
) -> None:
    _look_file(repo).parent.mkdir(exist_ok=True)
    if remembered == "directory":
        _look_file(repo).mkdir()
    elif isinstance(remembered, bytes):
        _look_file(repo).write_bytes(remembered)
    assert shown(repo)["stalled"] and len(noticed(repo)) == 1


def test_a_look_that_is_claimed_to_be_recent_is_believed_for_a_minute_at_most(repo: Sandbox, tree: Path) -> None:
    _look_file(repo).parent.mkdir(exist_ok=True)
    for ago_s, number in ((30, 0), (70, 1)):
        at = int((time.time() - ago_s) * 1000)
        _look_file(repo).write_text(f"at {at}\nexamined 999999999\n")
        repo.agent("list")
        assert len(noticed(repo)) == number
