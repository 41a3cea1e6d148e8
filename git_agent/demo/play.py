"""Play the demo: three workers at once in a throwaway repository, from spawn to a merged base."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from git_agent.demo.project import demo_project
from git_agent.demo.stage import DemoLine, DemoStep, Stage, demo_stage
from git_agent.demo.workers import demo_workers
from git_agent.record import Record

_TITLES = {"ada": "Search while listing", "ben": "Count the books", "cleo": "Show the last book"}


class DemoResult(Record):
    """What the demo did.

    tasks: Task objects at the end
    seconds: how long it took
    directory: where it was kept, None if it was removed
    """

    steps: tuple[DemoStep, ...]
    tasks: tuple[Mapping[str, Any], ...]
    seconds: float
    directory: str | None


def demo(say: Callable[[DemoLine], None], keep: str | None = None, *, colour: bool = False) -> DemoResult:
    """Play the demo.

    say: called with each line as it comes
    keep: a new or empty directory to play in and to keep
    colour: whether the commands may use colour

    Raises AgentError: exit 1 if a command fails, exit 2 if keep can't be used.
    """
    began = time.monotonic()
    with demo_stage(say, keep, colour) as stage:
        _project(stage)
        places = _spawn(stage)
        _work(stage, places)
        _review(stage)
        _conflict(stage)
        _go_on(stage, places)
        _land(stage)
        tasks = json.loads("\n".join(stage.ask("git agent list --all --json")))["tasks"]
        steps = tuple(stage.steps[:-1])
    return DemoResult(steps, tuple(tasks), round(time.monotonic() - began, 2), keep and stage.root)


def _project(stage: Stage) -> None:
    stage.say(DemoLine("heading", "A project with a history"))
    stage.say(DemoLine("note", f"in {stage.root}"))
    stage.write("history", demo_project())
    for name, text in demo_workers().items():
        stage.write(f"workers/{name}", text)
    stage.run("git init --quiet --template= --initial-branch=main shelf", cwd="")
    stage.say(DemoLine("command", "cd shelf"))
    stage.run("git fast-import --quiet --done <../history && git checkout --quiet main")
    stage.run("git config user.name Rita && git config user.email rita@example.org")
    stage.run("git config agent.check 'python3 test_shelf.py'")
    stage.run("git log --graph --oneline")


def _spawn(stage: Stage) -> dict[str, str]:
    stage.say(DemoLine("heading", "Three tasks: a branch and a worktree each"))
    stage.run("git agent init")
    stage.run("git agent status", table=True)
    return {
        who: os.path.relpath(stage.run(f'git agent spawn "{title}" --agent {who}')[-1], stage.root)
        for who, title in _TITLES.items()
    }


def _work(stage: Stage, places: Mapping[str, str]) -> None:
    stage.say(DemoLine("heading", "Three workers at once, each in its worktree"))
    turns = {who: (f"sh ../../workers/{who}-1.sh", place) for who, place in places.items()}
    with stage.at_once(turns) as hear_until_all_say:
        hear_until_all_say("heartbeat")
        stage.run("git agent list", table=True)


def _review(stage: Stage) -> None:
    stage.say(DemoLine("heading", "The review: one needs changes, two are approved"))
    stage.run("git agent status", table=True)
    stage.run("git agent diff 1 --stat")
    stage.run('git agent request-changes 1 -m "Ignore case: dispossessed should find it"')
    stage.run("git agent approve 2 3")


def _conflict(stage: Stage) -> None:
    stage.say(DemoLine("heading", "Two workers changed the same line: the second merge conflicts and changes nothing"))
    stage.run("git agent merge 2")
    stage.run("git agent merge 3", exit=4)
    stage.run("git agent status", table=True)


def _go_on(stage: Stage, places: Mapping[str, str]) -> None:
    stage.say(DemoLine("heading", "Both workers continue at once: one fixes, one rebases"))
    turns = {who: (f"sh ../../workers/{who}-2.sh", places[who]) for who in ("ada", "cleo")}
    with stage.at_once(turns):
        pass


def _land(stage: Stage) -> None:
    stage.say(DemoLine("heading", "Approved and merged, in order"))
    stage.run("git agent approve 1 3")
    stage.run("git agent merge --all")
    stage.run("git agent status", table=True)
    stage.run("git log --graph --oneline")
