"""The merge queue: what is checked is what lands, whoever moves, fails or is killed meanwhile."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.whole import rows, wrong
from tests.faults.world import World, driver
from tests.processes import commands
from tests.sandbox import Sandbox, _environment
from tests.tables import change

COUNT = 9
SLEEP = f"sleep 6{os.getpid()}"  # seconds; by its number it is found again


@pytest.fixture(scope="module")
def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make nine approved tasks, each with a file of its own; 8 and 9 also write one and the same."""
    home = tmp_path_factory.mktemp("queueing")
    sandbox = Sandbox(Path(shutil.copytree(template, home / "box" / "my repo", symlinks=True)))
    with open(home / "log", "w") as log, driver(log) as quick:  # a process for each of 20 commands would take seconds

        def agent(*argv: str) -> str:
            done = quick.run(sandbox, *argv).result
            assert done.code == 0, done
            return done.out

        for task in range(1, COUNT + 1):
            where = Path(agent("spawn", f"Task {task}").strip())
            if task > 7:
                sandbox.commit(where, "same.txt", f"{task}\n")
            sandbox.commit(where, f"{task}.txt", f"{task}\n")
            agent("done", str(task))
        agent("approve", *map(str, range(1, COUNT + 1)))
    made = World(sandbox)
    made.keep()
    return made


@pytest.fixture
def repo(world: World) -> Sandbox:
    world.put_back()
    return world.sandbox


@pytest.fixture
def checked(repo: Sandbox) -> Callable[..., None]:
    """Return what sets the check: a script in which "$N" names the file that counts its runs."""

    def set_check(script: str = "true", key: str = "agent.check") -> None:
        said = f'N="{repo.path.parent}/runs"; echo "$GIT_AGENT_TASKS" >> "$N"; {script}'
        repo.git("config", key, said)

    return set_check


def runs(repo: Sandbox) -> list[str]:
    """Return which tasks each check was of."""
    path = repo.path.parent / "runs"
    return path.read_text().splitlines() if path.exists() else []


def merge(repo: Sandbox, *args: str, exit: int) -> dict[int, str]:
    """Run the queue; return what became of each task."""
    answer = repo.agent_json("merge", *args, exit=exit)
    assert ("error" in answer) == bool(exit)
    return {result["task"]: result["outcome"] for result in answer["results"]}


def states(repo: Sandbox) -> dict[int, str]:
    return {row["id"]: row["hold"] or row["state"] for row in rows(repo, "select id, state, hold from task")}


def files(repo: Sandbox) -> set[int]:
    """Return the tasks whose work is in main."""
    names = repo.git("ls-tree", "--name-only", "main").split()
    return {int(name[:-4]) for name in names if name[:-4].isdigit()}


def moves(repo: Sandbox) -> list[str]:
    """Return what moved main since the fixture, newest first."""
    return [line for line in repo.git("log", "-g", "--format=%gs", "main").splitlines() if "git-agent" in line]


def last(repo: Sandbox, kind: str) -> dict[str, Any]:
    return dict(json.loads(rows(repo, f"select data from event where kind = '{kind}' order by seq desc")[0]["data"]))


def test_what_is_good_lands_at_once_after_one_check(repo: Sandbox, checked: Callable[..., None]) -> None:
    checked('test "${GIT_AGENT_TASK-1}" = 1 && test -z "$(git status --porcelain)"')
    repo.agent("edit", "1", "--after", "3")
    repo.agent("edit", "5", "--priority", "0")
    result = repo.agent("merge", *"1234567")
    assert runs(repo) == ["2 3 4 5 6 7", "1"] and moves(repo) == [
        "git-agent: merge task 1: Fast-forward",
        "git-agent: merge tasks 2, 3, 4, 5, 6 and 7: Fast-forward",
    ]
    assert files(repo) == set(range(1, 8)) and wrong(repo) == [] and result.err == ""
    chain = [json.loads(row["data"]) for row in rows(repo, "select data from event where kind = 'task.merged'")]
    assert [each["old"] for each in chain[1:]] == [each["oid"] for each in chain[:-1]]
    assert "passed" in repo.agent("logs", "2", "--check").out and chain[0]["log"].endswith("/7.check.log")
    assert repo.agent("merge", "1", "2").out.splitlines() == [f"task {n} is COMPLETED already" for n in (1, 2)]


def test_all_is_ordered_by_dependencies_priority_and_fewest_conflicts(
    repo: Sandbox, checked: Callable[..., None]
) -> None:
    checked()
    repo.agent("edit", "1", "--after", "3")
    repo.agent("edit", "5", "--priority", "0")
    assert merge(repo, "--all", exit=4) == dict.fromkeys(range(1, 9), "merged") | {9: "conflict"}
    assert runs(repo) == ["5 2 3 1 4 6 7 8"]
    assert states(repo)[9] == "conflict" and wrong(repo) == []


def test_the_task_that_breaks_the_whole_is_held_and_the_others_land(
    repo: Sandbox, checked: Callable[..., None]
) -> None:
    checked('test ! -e 5.txt || { echo "five is bad"; exit 7; }')
    result = repo.agent("merge", *"12345678", exit=3)
    assert "landed: tasks 1, 2, 3, 4, 6, 7 and 8; held: task 5" in result.out
    assert "error: task 5 is held: the check failed with 7" in result.err and "  five is bad\n" in result.err
    assert runs(repo) == ["1 2 3 4 5 6 7 8", "1 2 3 4", "1 2 3 4 5 6", "1 2 3 4 5", "6 7 8"]
    assert states(repo)[5] == "check_failed" and files(repo) == {1, 2, 3, 4, 6, 7, 8} and wrong(repo) == []
    told = rows(repo, "select body from message order by id desc limit 1")[0]["body"]
    assert "on top of tasks 1, 2, 3 and 4" in told and "five is bad" in told and "without task 5" in told
    log = repo.agent_json("logs", "--check", "5")
    assert "five is bad" in log["text"] and last(repo, "task.check-failed")["log"] == log["path"]


@pytest.mark.parametrize(
    ("script", "held", "order"),
    [
        ("test ! -e 2.txt -o ! -e 6.txt", {6}, "1 2 3 6"),
        ("test ! -e 2.txt -o ! -e 6.txt", {2}, "6 3 2 1"),
        ("test ! -e 3.txt -a ! -e 6.txt", {3, 6}, "1 3 2 6 4"),
        ("test ! -e 4.txt", {4}, "4 1 2"),
        ("test ! -e 4.txt", {4}, "4"),
    ],
    ids=["combined", "combined-otherwise", "two", "first", "all-alone"],
)
def test_who_is_held(repo: Sandbox, checked: Callable[..., None], script: str, held: set[int], order: str) -> None:
    checked(script)
    chosen = order.split() if " " in order else ["--all"]
    if chosen == ["--all"]:
        for task in set(range(1, COUNT + 1)) - {4}:
            repo.agent("request-changes", str(task), "-m", "later")
    found = merge(repo, *chosen, exit=3)
    assert {task for task, outcome in found.items() if outcome == "check_failed"} == held
    assert {task for task, hold in states(repo).items() if hold == "check_failed"} == held
    assert files(repo) == {int(task) for task in order.split()} - held and wrong(repo) == []
    asked = runs(repo)
    again = order.split()[-1] == str(max(held))  # the last one is in doubt when it is blamed: the whole is asked again
    assert len(asked) - len(set(asked)) == again and ("" in asked) == (4 in held)


def test_a_base_that_fails_by_itself_is_nobody_s_fault(repo: Sandbox, checked: Callable[..., None]) -> None:
    checked("echo no compiler; exit 9")
    result = repo.agent("merge", "1", "2", "3", exit=3)
    assert "the check fails on 'main' itself" in result.err and "no compiler" in result.err
    assert set(states(repo).values()) == {"APPROVED"} and moves(repo) == [] and wrong(repo) == []
    assert "hint: fix 'main' first, or git agent merge --no-check 1 2 3\n" in result.err
    assert runs(repo) == ["1 2 3", "1", ""]


def test_a_check_that_fails_by_chance_holds_nobody(repo: Sandbox, checked: Callable[..., None]) -> None:
    checked('test "$(wc -l < "$N")" -ne 1')
    result = repo.agent("merge", "1", "2", "3")
    assert "it fails only sometimes" in result.err and runs(repo) == ["1 2 3", "1", "1 2", "1 2 3"]
    assert files(repo) == {1, 2, 3}


def test_a_conflict_inside_the_queue_waits_and_what_depends_on_it_is_left_out(
    repo: Sandbox, checked: Callable[..., None]
) -> None:
    checked()
    repo.agent("edit", "4", "--after", "9")
    repo.agent("edit", "5", "--after", "4")
    repo.commit(None, "7.txt", "otherwise\n")
    hook = repo.path / ".git/hooks/commit-msg"
    hook.write_text('#!/bin/sh\necho >> "$0.ran"\n')
    hook.chmod(0o755)
    answer = repo.agent_json("merge", *"189457", exit=4)
    found = {result["task"]: result for result in answer["results"]}
    fates = {task: result["outcome"] for task, result in found.items()}
    assert fates == {1: "merged", 8: "merged", 9: "conflict", 4: "left_out", 5: "left_out", 7: "conflict"}
    assert found[9]["details"] == ["same.txt"] and "task 9" in found[4]["why"] and "task 4" in found[5]["why"]
    assert (states(repo)[9], states(repo)[4], answer["error"]["code"]) == ("conflict", "APPROVED", "conflict")
    assert runs(repo) == ["1 8"] and wrong(repo) == []
    # A commit is made of what is built on, and none to learn whether task 9 conflicts alone.
    assert hook.with_name("commit-msg.ran").read_text() == 2 * "\n"


def test_a_task_s_own_check_is_asked_of_what_has_the_task(repo: Sandbox, checked: Callable[..., None]) -> None:
    repo.agent("edit", "2", "--check", "test -e 2.txt -a ! -e 4.txt")
    repo.agent("edit", "1", "--check", "test -e nothing.txt")
    assert merge(repo, *"3241", exit=3) == {
        3: "merged",
        2: "merged",
        4: "check_failed",
        1: "check_failed",
    }


def test_a_dry_run_checks_and_changes_nothing(repo: Sandbox, checked: Callable[..., None]) -> None:
    checked("test ! -e 2.txt")
    before = repo.git("for-each-ref"), states(repo), repo.git("worktree", "list")
    result = repo.agent("merge", "1", "2", "3", "8", "9", "--dry-run", exit=4)
    assert "would land: tasks 1, 3 and 8; would be held: tasks 2 and 9" in result.out
    assert (repo.git("for-each-ref"), states(repo), repo.git("worktree", "list")) == before
    assert rows(repo, "select * from lock where host is not null") == [] and wrong(repo) == []


def test_a_dirty_checkout_of_the_base_lets_nothing_land(repo: Sandbox, checked: Callable[..., None]) -> None:
    checked()
    repo.write("2.txt", "mine\n")
    for chosen in (["1", "2"], ["2"]):
        result = repo.agent("merge", *chosen, exit=3)
        assert result.err.count("uncommitted changes in") == len(chosen) and "  2.txt\n" in result.err
    assert runs(repo) == [], "what nobody can land needs no check"
    assert set(states(repo).values()) == {"APPROVED"} and moves(repo) == [] and rows(repo, "select * from intent") == []


def test_a_base_that_nothing_can_land_on_is_known_before_the_check(repo: Sandbox, checked: Callable[..., None]) -> None:
    checked()
    repo.git("worktree", "add", "--quiet", "--force", str(repo.path.parent / "second"), "main")
    assert "is checked out in" in repo.agent("merge", "1", "2", exit=3).err
    assert runs(repo) == [] and set(states(repo).values()) == {"APPROVED"}


ONCE = 'test "$(wc -l < "$N")" -ne 1 || {}; true'


@pytest.mark.parametrize(
    ("event", "asked", "held"),
    [
        ('git -C "{main}" commit -q --allow-empty -m other', ["1 2 3", "1 2 3"], set()),
        ('(cd "{main}" && git agent merge 2 --no-check)', ["1 2 3", "1 3"], set()),
        ('git -C "{home}/2-task-2" commit -q --allow-empty -m more', ["1 2 3", "1 3"], {2}),
        ('(cd "{main}" && git agent request-changes 2 -m no)', ["1 2 3", "1 3"], {2}),
    ],
    ids=["commit", "merge", "amended", "withdrawn"],
)
def test_what_changes_during_the_check_is_noticed(
    repo: Sandbox, checked: Callable[..., None], event: str, asked: list[str], held: set[int]
) -> None:
    there = {"main": repo.path, "home": f"{repo.path}.worktrees"}
    checked("export GIT_AGENT_HOOKS=0; unset GIT_AGENT_TASKS; " + ONCE.format(event.format(**there)))
    result = repo.agent("merge", "1", "2", "3", exit=3 if held else 0)
    assert runs(repo) == asked and files(repo) == {1, 2, 3} - held
    assert ("changed while it was checked" in result.err) == bool(held) and wrong(repo) == []
    assert states(repo)[1] == states(repo)[3] == "COMPLETED" and "check_failed" not in states(repo).values()


def test_a_merge_is_undone_while_another_one_is_checked_which_begins_again(
    repo: Sandbox, checked: Callable[..., None]
) -> None:
    repo.agent("merge", "4")
    undo = f'(cd "{repo.path}" && git agent undo)'
    checked("export GIT_AGENT_HOOKS=0; unset GIT_AGENT_TASKS GIT_AGENT_TASK; " + ONCE.format(undo))
    repo.agent("merge", "1")
    assert runs(repo) == ["1", "1"] and files(repo) == {1} and wrong(repo) == []


def test_what_a_queue_landed_during_a_single_check_is_merged_already(
    repo: Sandbox, checked: Callable[..., None]
) -> None:
    queue = f'(cd "{repo.path}" && git agent merge 1 2 --no-check)'
    checked(f"export GIT_AGENT_HOOKS=0; unset GIT_AGENT_TASKS GIT_AGENT_TASK; {queue}")
    assert repo.agent("merge", "2").out == "task 2 is COMPLETED already\n"
    assert files(repo) == {1, 2} and wrong(repo) == []


def test_a_base_that_never_rests_is_given_up(repo: Sandbox, checked: Callable[..., None]) -> None:
    checked(f'git -C "{repo.path}" commit -q --allow-empty -m other')
    result = repo.agent("merge", "1", "2", exit=6)
    assert len(runs(repo)) == 4 and "'main' moved 4 times" in result.err
    assert set(states(repo).values()) == {"APPROVED"} and wrong(repo) == []


@pytest.mark.rest
def test_a_check_that_does_not_end_is_ended(repo: Sandbox, checked: Callable[..., None]) -> None:
    repo.git("config", "agent.checkTimeout", "1s")
    checked(f"test ! -e 1.txt || {{ echo waiting; {SLEEP}; }}")
    assert "did not end within 1s" in repo.agent("merge", "1", "2", exit=3).err
    assert (states(repo)[1], states(repo)[2]) == ("check_failed", "COMPLETED")
    assert sleeping() == []


@pytest.fixture
def waiting(repo: Sandbox, checked: Callable[..., None]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a queue of three whose first check waits, with a child of its own."""
    checked(f'test "$(wc -l < "$N")" -ne 1 || {{ {SLEEP} & touch "$N.began"; {SLEEP}; }}')
    words = ("git-agent", "merge", "1", "2", "3")
    with subprocess.Popen(
        words, cwd=repo.path, env=_environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as queue:
        until = time.monotonic() + 30
        while not (repo.path.parent / "runs.began").exists() and time.monotonic() < until:
            time.sleep(0.02)
        yield queue
        queue.kill()


def sleeping(within_s: float = 5.0) -> list[int]:
    """List the processes of a check that run; within_s: seconds for them to end."""
    until = time.monotonic() + within_s
    while found := commands(f"^{SLEEP}"):
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    return list(found)


@pytest.mark.rest
def test_one_check_at_a_time_and_who_lost_its_place_changes_nothing(
    repo: Sandbox, waiting: subprocess.Popen[bytes]
) -> None:
    result = repo.agent("merge", "4", "5", "--timeout", "0.1", exit=6)
    assert f"process {waiting.pid}" in result.err
    assert merge(repo, "4", "5", "--dry-run", "--no-check", exit=0) == {4: "merged", 5: "merged"}
    repo.agent("merge", "6", "--no-check")
    change(repo.store, "update lock set taken_at = taken_at - 400000")
    assert merge(repo, "4", "5", exit=0) == {4: "merged", 5: "merged"}
    for pid in sleeping(0):
        os.kill(pid, signal.SIGKILL)
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 6 and b"took over the lock 'merge-check-1'" in err, (out, err)
    assert files(repo) == {4, 5, 6} and wrong(repo) == []


def test_a_check_is_followed_until_it_ends(repo: Sandbox, waiting: subprocess.Popen[bytes]) -> None:
    words = ("git-agent", "logs", "3", "--check", "--follow")
    with subprocess.Popen(words, cwd=repo.path, env=_environment({}), stdout=subprocess.PIPE) as follower:
        with pytest.raises(subprocess.TimeoutExpired):
            follower.wait(timeout=1)
        for pid in sleeping(0):
            os.kill(pid, signal.SIGKILL)
        waiting.communicate(timeout=60)
        out, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0 and out.startswith(b"== tasks 1, 2 and 3: ") and b"\n== failed with " in out


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_queue_that_is_ended_in_its_check_leaves_nothing(
    repo: Sandbox, waiting: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    os.kill(waiting.pid, number)
    _, err = waiting.communicate(timeout=60)
    assert (b"error: ended by SIGTERM\n" in err) == (number is signal.SIGTERM)
    assert waiting.returncode == {"SIGKILL": -9, "SIGTERM": 143, "SIGINT": 130}[number.name]
    assert sleeping() == []
    repo.agent("list")
    assert wrong(repo) == [] and set(states(repo).values()) == {"APPROVED"}
    assert merge(repo, "1", "2", "3", exit=0) == {1: "merged", 2: "merged", 3: "merged"}
    assert wrong(repo) == []


@pytest.mark.rest
def test_what_a_killed_queue_left_is_finished_in_order_so_that_it_can_be_undone(
    world: World, repo: Sandbox, tmp_path: Path
) -> None:
    with open(tmp_path / "log", "w") as log, driver(log) as hurting:
        steps = hurting.run(repo, "merge", "1", "2", "3").struck
        world.put_back()
        moved = next(n for n, name in enumerate(steps) if name.startswith("start ") and " merge --ff-only" in name)
        recorded = next(n for n, name in enumerate(steps) if name.endswith("/locked"))  # the first, not removed yet
        for at in (moved + 2, recorded + 1):
            world.put_back()
            hurting.hurt(repo, ("merge", "1", "2", "3"), "kill", at)
            repo.parallel([("list",)] * 3)
            assert wrong(repo) == [] and files(repo) == {1, 2, 3}
            merged = rows(repo, "select task from event where kind = 'task.merged' order by seq")
            assert [row["task"] for row in merged] == [1, 2, 3], at
            said = hurting.run(repo, "undo", "3", "-y").result
            assert said.code == 0 and files(repo) == set(), said


@pytest.mark.rest
def test_checks_of_merges_at_once_run_one_after_the_other_and_blame_nobody(repo: Sandbox, tmp_path: Path) -> None:
    """Each check needs a port, and records when it begins and ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "checks"
    code = f"import socket, time; socket.create_server(('127.0.0.1', {port})); time.sleep(1)"
    python = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"
    repo.git("config", "agent.check", f"echo begin >>'{log}'; {python}; code=$?; echo end >>'{log}'; exit $code")
    results = repo.parallel([("merge", "1"), ("merge", "2"), ("merge", "3", "4")])
    assert [result.code for result in results] == [0, 0, 0], results
    assert not any("fails only sometimes" in result.err for result in results), results
    lines = log.read_text().split()
    assert lines == ["begin", "end"] * (len(lines) // 2), lines
    assert files(repo) == {1, 2, 3, 4} and wrong(repo) == []


def test_as_many_checks_as_agent_check_jobs_run_at_the_same_time(repo: Sandbox, checked: Callable[..., None]) -> None:
    """Each check waits for the other one."""
    checked('until test "$(wc -l < "$N")" -ge 2; do sleep 0.05; done')
    repo.git("config", "agent.checkJobs", "2")
    repo.git("config", "agent.checkTimeout", "50s")
    results = repo.parallel([("merge", "1"), ("merge", "2")])
    assert [result.code for result in results] == [0, 0], results
    assert sorted(runs(repo)[:2]) == ["1", "2"] and files(repo) == {1, 2} and wrong(repo) == []


def test_merges_at_once_wait_for_each_other(repo: Sandbox) -> None:
    results = repo.parallel([("merge", str(task)) for task in (1, 2, 3, 4, 5, 6, 7, 7)])
    assert [result.code for result in results] == [0] * 8, results
    assert sorted("already" in result.out for result in results) == [False] * 7 + [True]
    assert files(repo) == set(range(1, 8)) and wrong(repo) == []


@pytest.mark.rest
def test_a_merge_lands_however_often_other_merges_move_its_base(repo: Sandbox, checked: Callable[..., None]) -> None:
    """Each of the first five checks is overtaken by another merge."""
    other = '[ "$n" -gt 5 ] || git agent merge "$((n + 1))" --no-check'
    checked(f'export GIT_AGENT_HOOKS=0; unset GIT_AGENT_TASKS GIT_AGENT_TASK; n=$(wc -l <"$N"); {other}')
    repo.agent("merge", "1")
    assert files(repo) == {1, 2, 3, 4, 5, 6} and runs(repo) == ["1"] * 6 and wrong(repo) == []


def test_it_gives_up_after_its_timeout(repo: Sandbox, checked: Callable[..., None]) -> None:
    other = '[ "$n" -gt 3 ] || git agent merge "$((n + 1))" --no-check'
    checked(f'export GIT_AGENT_HOOKS=0; unset GIT_AGENT_TASKS GIT_AGENT_TASK; n=$(wc -l <"$N"); {other}')
    assert "moved once" in repo.agent("merge", "1", "--timeout", "0", exit=6).err
    assert states(repo)[1] == "APPROVED" and wrong(repo) == []


def test_a_merge_in_a_check_does_not_wait_for_the_end_of_that_check(
    repo: Sandbox, checked: Callable[..., None]
) -> None:
    inner = f'(cd "{repo.path}" && git agent merge 2 2>"$N.err"; test $? = 3)'
    checked(f"export GIT_AGENT_HOOKS=0; unset GIT_AGENT_TASKS GIT_AGENT_TASK; {inner}")
    repo.agent("merge", "1")
    assert "which started this one" in (repo.path.parent / "runs.err").read_text()
    assert files(repo) == {1} and states(repo)[2] == "APPROVED" and wrong(repo) == []
