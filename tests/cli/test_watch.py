"""`git agent watch`: what happens is printed as it happens, once; it bears what passes and ends when it should."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.following import following
from tests.cli.terminal import Terminal
from tests.faults.world import Worlds
from tests.sandbox import Sandbox
from tests.store.children import answer, finish, run, start

WRITERS = """
import random
store = Store.open(sys.argv[1], create=False)
key = 1
store.close()
def work(number):
    mine = Store.open(sys.argv[1], create=False)
    for at in range(60):
        with mine.transaction():
            mine.events.append("task.noted", f"writer {number}", task=1, data={"at": at})
        time.sleep(random.uniform(0, 0.02))
say(json.dumps(at_once(8, work)))
"""
MANY = """
store = Store.open(sys.argv[1], create=False)
with store.transaction():
    for number in range(1300):
        store.events.append("task.noted", "somebody", task=1, data={"note": f"note {number}"})
"""
SHORTEN = """
store = Store.open(sys.argv[1], create=False)
with store.transaction():
    store.events.append("task.noted", "somebody", task=1)
say(json.dumps(store.sql("PRAGMA wal_checkpoint(TRUNCATE)")[0]))
"""


def _spawned(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")


@pytest.fixture
def spawned(repo: Sandbox, worlds: Worlds) -> Sandbox:
    """Return a repository with one task."""
    return worlds.lend(repo, _spawned)


def test_what_others_do_is_printed_at_once(spawned: Sandbox) -> None:
    with following(spawned, "--since", "1") as watch:
        assert watch.line().endswith("task.spawned 1 OPEN -> ASSIGNED by Ada Lovelace") and watch.silent(0.5)
        spawned.agent("start", "1")
        began = time.monotonic()
        assert watch.line().partition(" ")[2] == "task.started 1 ASSIGNED -> WORKING by Ada Lovelace"
        assert time.monotonic() - began < 5


def test_without_since_nothing_of_before_is_printed(spawned: Sandbox) -> None:
    with following(spawned, "--json") as watch:
        while watch.silent(0.2):  # until it has begun
            spawned.agent("heartbeat", "1", "-m", "here")
        assert watch.event()["kind"] == "task.noted"


def test_a_line_of_json_is_one_of_the_logs(spawned: Sandbox) -> None:
    logged = [json.loads(line) for line in spawned.agent("log", "--json").out.splitlines()]
    with following(spawned, "--json", "--since", "0") as watch:
        assert [json.loads(watch.line()) for _ in logged] == logged


def test_only_the_task_that_is_meant_is_printed(spawned: Sandbox) -> None:
    worktree = Path(spawned.agent("spawn", "Other").out.strip())
    with following(spawned, "2", "--since", "0") as watch, following(Sandbox(worktree), "--since", "0") as inside:
        for each in (watch, inside):
            assert [each.line().split()[1:3] for _ in range(2)] == [["task.added", "2"], ["task.spawned", "2"]]
        spawned.agent("start", "1")
        spawned.agent("start", "2")
        for each in (watch, inside):
            assert each.line().split()[1:3] == ["task.started", "2"]


def test_git_is_looked_at_meanwhile(spawned: Sandbox) -> None:
    worktree = Path(spawned.agent("path", "1").out.strip())
    with following(spawned, "--json", "--since", "1") as watch:
        assert watch.event()["kind"] == "task.spawned"
        spawned.commit(worktree, "a.txt", "one\n")  # no hook starts a look: GIT_AGENT_HOOKS=0
        found = watch.event()
        assert (found["kind"], found["actor"], found["to"]) == ("task.started", "git", "WORKING")
        # A person who reads it in a file has not seen it yet.
    assert "task 1 has its first commit: WORKING" in spawned.agent("list").err


def test_more_than_a_page_is_printed_whole(spawned: Sandbox) -> None:
    run(MANY, spawned.store.parent)
    with following(spawned, "--json", "--since", "2") as watch:
        found = [watch.event() for _ in range(1300)]
    assert [each["data"]["note"] for each in found] == [f"note {number}" for number in range(1300)]


@pytest.mark.rest
@pytest.mark.timeout(110)
def test_who_goes_on_at_the_last_number_misses_nothing_and_sees_nothing_twice(spawned: Sandbox) -> None:
    writers = start(WRITERS, spawned.store.parent)
    seen: list[int] = []
    while len(seen) < 480:
        # Killed in the middle, again and again: all that its reader has is what was printed.
        with following(spawned, "--json", "--since", str(seen[-1] if seen else 2)) as watch:
            seen += [watch.event()["seq"] for _ in range(min(97, 480 - len(seen)))]
            watch.ended(signal.SIGKILL)
    assert json.loads(finish(writers)) == [None] * 8
    assert seen == list(range(3, 483)) and all(a < b for a, b in pairwise(seen))


def test_the_stores_log_can_be_shortened_while_it_waits(spawned: Sandbox) -> None:
    with following(spawned, "--json", "--since", "1") as watch:
        assert watch.event()["kind"] == "task.spawned"
        busy, *_ = answer(SHORTEN, spawned.store.parent)
        assert busy == 0 and watch.event()["kind"] == "task.noted"


def test_an_interruption_is_no_error(spawned: Sandbox) -> None:
    for args in ((), ("--json",)):
        with following(spawned, "--since", "0", *args) as watch:
            watch.line()
            watch.process.send_signal(signal.SIGINT)  # the terminal's, and then git's
            assert watch.ended(signal.SIGINT) == (130, "")


SWALLOWED = """
import itertools, os, signal, sys, weakref
import click
from git_agent.app import App
from git_agent.cli.watch import print_events
from git_agent.runtime import watching

class Thing: pass
thing = Thing()
watch = weakref.ref(thing, lambda ref: os.kill(os.getpid(), signal.SIGINT))

def endless(*args, **more):
    global thing
    for number in itertools.count():
        if number == 3:
            del thing
        yield ()

watching.follow = endless
try:
    print_events(App(), None, 0, as_json=False)
except click.exceptions.Exit as end:
    sys.exit(end.exit_code)
"""


def test_an_interruption_that_python_swallows_still_ends_it(repo: Sandbox) -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED], cwd=repo.path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "")


def test_it_ends_when_nobody_reads_any_more_although_nothing_happens(spawned: Sandbox) -> None:
    with following(spawned, "--since", "0") as watch:
        watch.line()
        assert watch.process.stdout is not None
        watch.process.stdout.close()
        assert watch.process.wait(timeout=10) == 128 + signal.SIGPIPE
        assert watch.process.stderr is not None and watch.process.stderr.read() == b""


@pytest.mark.parametrize("how", ["removed", "replaced", "repository"])
def test_a_store_that_is_gone_ends_it_with_an_error(spawned: Sandbox, tmp_path: Path, how: str) -> None:
    with following(spawned, "--json", "--since", "1") as watch:
        watch.line()
        if how == "repository":
            spawned.path.rename(tmp_path / "elsewhere")
        else:
            shutil.copytree(spawned.store.parent, tmp_path / "copy")
            shutil.rmtree(spawned.store.parent)
        if how == "replaced":
            shutil.copytree(tmp_path / "copy", spawned.path / ".git/git-agent")
        error = json.loads(watch.line())["error"]
        assert error["code"] == "store-replaced" and error["hint"]
        assert watch.wait()[0] == 1


@pytest.mark.rest
def test_a_git_that_fails_for_a_while_is_said_once(spawned: Sandbox) -> None:
    head = spawned.path / ".git/HEAD"
    held = head.read_text()
    with following(spawned, "--json", "--since", "1") as watch:
        assert watch.event()["kind"] == "task.spawned"
        head.write_text("nonsense\n")
        (spawned.path / ".git/refs/heads/new").mkdir()  # it reconciles when a ref may have moved, and tries again
        time.sleep(7)
        head.write_text(held)
        spawned.agent("start", "1")
        assert watch.event()["kind"] == "task.started"
        code, said = watch.ended()
    assert code == 128 + signal.SIGTERM and (said.count("\n"), said.count("trying again")) == (2, 1), said


def test_a_number_that_nothing_has_yet_is_said(spawned: Sandbox) -> None:
    with following(spawned, "--json", "--since", "3") as watch:
        assert watch.process.stderr is not None
        assert watch.process.stderr.readline() == b"note: there is no event 3 yet: the newest is 2\n"
        spawned.agent("start", "1")
        spawned.agent("ask", "What?", "--task", "1")
        assert watch.event()["kind"] == "task.asked"


@pytest.mark.rest
def test_a_terminal_gets_colour_and_no_escape_of_a_text(spawned: Sandbox) -> None:
    spawned.agent("start", "1")
    spawned.agent("ask", "\x1b[41m" + "long " * 2000, "--task", "1")
    typed = "git agent watch --since 0 & sleep 2; kill -INT $!; wait $!"
    seen = Terminal(spawned.path).type("sh", "-c", f"set -m; {typed}")
    asked = next(line for line in seen.splitlines() if "task.asked" in line)
    assert "\x1b[34mWORKING\x1b[0m" in asked and "\\x1b[41mlong" in asked and "\x1b[41m" not in asked
    assert len(asked) < 600 and asked.endswith("…")
    plain = Terminal(spawned.path).type("sh", "-c", f"set -m; {typed}", env={"NO_COLOR": "1"})
    assert "\x1b" not in plain and "task.asked" in plain
