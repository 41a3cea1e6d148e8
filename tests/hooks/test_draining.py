"""The spool and the background looks: cut short, killed, started all at once; each fact counts once, none is lost."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.test_every_step import chosen
from tests.faults.world import World, driver
from tests.hooks.crowd import BRANCH, LATER, SECOND, Scene, eventually, processes, query, start, watched
from tests.hooks.crowd import newer_git as newer_git
from tests.hooks.crowd import scene as scene
from tests.hooks.crowd import scenes as scenes
from tests.sandbox import run_at_once

# The same with every git: what the hooks of each kind write is in test_prompt.
pytestmark = pytest.mark.parametrize("scene", ["machine"], indirect=True)
STRANGER = {"GIT_AGENT_TASK": "1", "GIT_AGENT_EPOCH": "1"}
NOBODY = 4_194_305  # more than any pid of Linux
# A look in the background, during which a person commits: before or after the n-th of what it shares with the hooks.
MEANWHILE = """\
import subprocess, sys
from git_agent.cli import main
from git_agent.git import spool
from git_agent.runtime import draining

count, turn = 0, int(sys.argv[1])

def step():
    global count
    count += 1
    if count == turn:
        subprocess.run(["git", "commit", "--quiet", "--allow-empty", "--message", "meanwhile"], check=True)

def around(module, name):
    function = getattr(module, name)
    def called(*args):
        step()
        result = function(*args)
        step()
        return result
    setattr(module, name, called)

around(draining, "_say")
around(spool, "has_moved")
around(spool, "take_moved")
sys.argv[1:] = ["sync", "--background"]
try:
    main.run()
except SystemExit as end:
    sys.exit(end.code or 3 * (count < turn))
"""


@pytest.fixture
def every_step(request: pytest.FixtureRequest) -> bool:
    """Tell whether all steps are wanted."""
    return bool(request.config.getoption("--every-step", default=False))


def note(scene: Scene, name: str, text: str | bytes, *, age_s: float = 0) -> Path:
    path = scene.sandbox.write(f".git/git-agent/spool/{name}", text)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def push_note(scene: Scene, *, pid: int = NOBODY, url: str | None = None, oid: str | None = None) -> str:
    where = url or str(scene.forge.path)
    tip = oid or scene.sandbox.git("rev-parse", BRANCH)
    ref = f"ref {BRANCH} {tip} refs/heads/{BRANCH} {'0' * 40}"
    return "\n".join(["1 push", f"remote {where}", f"url {where}", f"pid {pid}", "start ", ref, "end", ""])


def much_happened(scene: Scene) -> None:
    """Push task 1 where only the remote can tell, have its worker commit elsewhere, merge task 2; nobody looked yet."""
    scene.add(scene.second, "logout.py", "one\n")
    scene.later("merge", "--quiet", SECOND)
    assert scene.later("push", "--quiet", str(scene.forge.path), BRANCH, cwd=scene.worker).code == 0
    env = {**STRANGER, **LATER}
    assert scene.sandbox.run("git", "commit", "--quiet", "--allow-empty", "-m", "lost", env=env).code == 0


def assert_all_once(scene: Scene, when: object) -> None:
    states = (scene.state(1), scene.state(2))
    events = {kind: (scene.kinds(1) + scene.kinds(2)).count(f"task.{kind}") for kind in ("pushed", "merged", "strayed")}
    mail = len(query(scene.agent, "select id from message where task = 1 and urgent = 1"))
    assert (states, events, mail) == (("IN_REVIEW", "COMPLETED"), {"pushed": 1, "merged": 1, "strayed": 1}, 1), when


# Notes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 push\nremote origin\n",
        b"\0\xff\xfe" * 1000,
        "2 push\nend\n",
        "1 push\nend\n",
        "1 push\nremote o\nurl u\npid x\nstart y\nref a\nend\n",
        "1 push\nremote o\nurl u\npid 99999999999999999999\nstart 0\nend\n",
        "1 push\nremote o\nurl u\npid -1\nstart 99999999999999999999\nref a b c d\nend\n",
        "1 stray\ntask 99999999999999999999\nepoch \nhead x\noid y\nwhere z\nend\n",
        "1 stray\ntask 1\nepoch 99999999999999999999\nhead x\noid y\nwhere z\nend\n",
    ],
    ids=[
        "empty",
        "cut short",
        "bytes",
        "newer",
        "bare",
        "words",
        "huge pid",
        "negative pid",
        "huge task",
        "huge epoch",
    ],
)
def test_a_note_that_is_not_understood_hurts_nobody_and_goes_when_it_is_old(scene: Scene, text: str | bytes) -> None:
    note(scene, "push.1.1", text)
    assert "Traceback" not in scene.sandbox.agent("list").err
    note(scene, "push.1.2", text, age_s=100_000)
    assert "Traceback" not in scene.sandbox.agent("list").err
    eventually(lambda: "push.1.2" not in scene.spool(), scene.told)
    assert scene.state() == "WORKING"


def test_a_note_that_is_still_being_written_is_waited_for(scene: Scene) -> None:
    scene.later("push", "--quiet", str(scene.forge.path), BRANCH)
    (whole,) = (scene.agent / "spool").glob("push.*")
    text = whole.read_text()
    whole.write_text(text[:40])
    scene.sandbox.agent("list")
    assert scene.spool() == [whole.name] and scene.state() == "WORKING"
    whole.write_text(text)
    scene.sandbox.agent("list")
    scene.becomes("IN_REVIEW")
    scene.settles()


def test_what_is_no_file_in_the_spool_is_left_alone(scene: Scene) -> None:
    os.mkfifo(scene.agent / "spool/push.1.1")
    (scene.agent / "spool/push.1.2").mkdir()
    (scene.agent / "spool/push.1.3").symlink_to(scene.sandbox.path / "README.md")
    scene.sandbox.agent("list")
    assert (scene.sandbox.path / "README.md").exists()


def test_the_note_of_a_push_that_died_tells_by_itself_whether_it_arrived(scene: Scene) -> None:
    note(scene, "push.1.1", push_note(scene))
    scene.sandbox.agent("list")
    scene.settles()
    assert scene.state() == "WORKING"
    note(scene, "push.1.2", push_note(scene))
    scene.later("push", "--quiet", "--no-verify", str(scene.forge.path), BRANCH)
    scene.sandbox.agent("list")
    scene.becomes("IN_REVIEW")
    scene.settles()


def test_a_push_is_waited_for_no_longer_than_a_day(scene: Scene) -> None:
    scene.later("push", "--quiet", "--no-verify", str(scene.forge.path), BRANCH)
    young = note(scene, "push.1.1", push_note(scene, pid=os.getpid()), age_s=80_000)
    scene.sandbox.agent("list")
    assert scene.state() == "WORKING" and scene.spool() == [young.name]
    note(scene, "push.1.1", push_note(scene, pid=os.getpid()), age_s=90_000)
    scene.sandbox.agent("list")
    scene.becomes("IN_REVIEW")
    scene.settles()


def test_a_remote_that_does_not_answer_is_asked_three_times(scene: Scene) -> None:
    scene.later("push", "--quiet", str(scene.forge.path), BRANCH)
    scene.forge.path.rename(scene.root / "away")
    said = [scene.sandbox.agent("sync").out + scene.sandbox.agent("list").err for _ in range(1)]
    while scene.spool() and len(said) < 9:
        said.append(scene.sandbox.agent("sync", env=LATER).out)
    # What `list` started in the background may be the one that gives up; the next command says so then.
    said.append(scene.sandbox.agent("list").err)
    assert "git agent done 1" in said[-2] + said[-1], said
    assert scene.state() == "WORKING" and not scene.spool()


def test_what_the_background_could_not_find_out_is_said_by_a_command(scene: Scene) -> None:
    scene.later("push", "--quiet", str(scene.forge.path), BRANCH)
    scene.forge.path.rename(scene.root / "away")
    said = []
    while scene.spool() and len(said) < 9:
        assert scene.sandbox.run("git-agent", "sync", "--background").code == 0
        said.append(scene.sandbox.agent("list", env=LATER).err)
    assert scene.state() == "WORKING" and not scene.spool()
    assert "git agent done 1" in "".join(said) + scene.sandbox.agent("status").out, said


def test_a_workers_commit_elsewhere_is_told_once(scene: Scene) -> None:
    env = {**STRANGER, **LATER}
    commit = ("git", "commit", "--quiet", "--allow-empty", "-m", "lost")
    assert scene.sandbox.run(*commit, cwd=scene.second, env=env).err == ""
    said = scene.sandbox.agent("list").err
    oid = scene.sandbox.git("rev-parse", SECOND)[:12]
    assert f"task 1: its worker committed {oid} on '{SECOND}'" in said and f"cherry-pick {oid}" in said, said
    assert "lost" not in scene.sandbox.agent("list").err and scene.kinds().count("task.strayed") == 1
    assert "new messages (1)" in scene.sandbox.agent("list", cwd=scene.worker).err
    scene.settles()


def test_a_workers_commit_elsewhere_is_recorded_with_no_command(scene: Scene) -> None:
    commit = ("git", "commit", "--quiet", "--allow-empty", "-m", "lost")
    assert scene.sandbox.run(*commit, env=STRANGER).code == 0
    scene.settles()
    assert scene.kinds().count("task.strayed") == 1
    assert len(query(scene.agent, "select id from message where task = 1 and urgent = 1")) == 1


# Kills


@pytest.mark.rest
def test_a_look_that_is_killed_at_any_step_loses_nothing_and_repeats_nothing(
    scene: Scene, every_step: bool, tmp_path: Path
) -> None:
    look = ("sync", "--background")
    with open(tmp_path / "log", "w") as log, driver(log) as hurting:
        much_happened(scene)
        world = World(scene.sandbox)
        world._kept = scene.root.with_name("here.much")
        world.keep()
        steps = hurting.run(scene.sandbox, *look).struck
        assert_all_once(scene, "unhurt")
        for at in chosen(steps, every_step):
            world.put_back()
            hurt = hurting.hurt(scene.sandbox, look, "kill", at)
            assert hurt.result.code == -9, hurt
            scene.sandbox.agent("list")
            scene.settles()
            assert_all_once(scene, hurt)


def test_looks_that_are_killed_at_random_moments_lose_nothing_and_repeat_nothing(
    scene: Scene, scenes: Callable[[str], tuple[Scene, World]], every_step: bool
) -> None:
    chance = random.Random(7)
    world = scenes("machine")[1]
    for _ in range(60 if every_step else 5):
        world.put_back()
        delay = chance.uniform(0.02, 0.35)
        pushing = start("git", "push", "--quiet", "origin", BRANCH, cwd=scene.worker)
        scene.sandbox.commit(scene.second, "logout.py", "one\n")
        scene.sandbox.git("merge", "--quiet", SECOND)
        scene.sandbox.run("git", "commit", "--quiet", "--allow-empty", "-m", "lost", env=STRANGER)
        time.sleep(delay)
        killed = scene.looks()
        for pid in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert pushing.wait() == 0
        # Who waits for the push may take a killed look, not buried yet, for one at work: its note waits for `list`.
        eventually(lambda: not processes(scene.root), scene.told)
        scene.sandbox.agent("list")
        scene.settles()
        assert_all_once(scene, (delay, killed))


# Many at once, and one after another


@pytest.mark.parametrize("number", [2, 16])
def test_never_do_two_look_at_once(scene: Scene, number: int) -> None:
    much_happened(scene)
    with watched(scene.agent / "drain.lock") as held:
        results = run_at_once([("git-agent", "sync", "--background")] * number, cwd=scene.sandbox.path)
    assert [result.code for result in results] == [0] * number
    # Of two, the second may find nothing left to do before it is seen with the lock.
    assert (held.most, len(held.files)) == (1, 1) and len(held.pids) > (number > 2), held
    scene.settles()
    assert_all_once(scene, held)


@pytest.mark.rest
def test_a_note_that_comes_at_any_step_of_a_look_is_not_lost(scene: Scene) -> None:
    turn, ended = 0, 0
    while not ended:
        turn += 1
        done = scene.sandbox.run(sys.executable, "-c", MEANWHILE, str(turn))
        assert done.code in (0, 3), done
        ended = done.code
        scene.settles()
    assert turn > 8


@pytest.mark.rest
def test_a_note_that_comes_when_a_look_has_just_ended_is_not_lost(scene: Scene, every_step: bool) -> None:
    chance = random.Random(11)
    pid = scene.agent / "drain.pid"
    for turn in range(200 if every_step else 4):
        scene.sandbox.git("commit", "--quiet", "--allow-empty", "--message", f"first {turn}")
        end = time.monotonic() + 5
        while pid.read_text() and time.monotonic() < end:
            pass
        time.sleep(chance.choice((0, 0, 0.001, 0.003, 0.01, 0.03)))
        scene.sandbox.git("commit", "--quiet", "--allow-empty", "--message", f"second {turn}")
        scene.settles()


def test_a_killed_looks_pid_that_is_somebody_elses_now_keeps_nobody_from_looking(scene: Scene) -> None:
    (scene.agent / "drain.pid").write_text(f"{os.getpid()}\n")  # no lock is held
    scene.sandbox.agent("list")
    scene.sandbox.git("push", "--quiet", "origin", BRANCH, cwd=scene.worker)
    scene.becomes("IN_REVIEW")
