"""Random histories of tasks with plain git between them; after each step, what is promised is compared with plain git.

A history is a list of lines that are typed. It is chosen from a seed, and the same lines do the same again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from shlex import split
from typing import Any, NamedTuple

from git_agent.git.sweeper import mounts_below
from tests.faults.promises.agreement import Models, diagnosed, miscounted, misjudged, told_twice, wrongly_completed
from tests.faults.promises.landing import wrongly_landed
from tests.faults.promises.moves import choose
from tests.faults.promises.sight import Eyes, lost
from tests.faults.promises.steps import Scene, Step
from tests.faults.world import World
from tests.hooks.crowd import eventually
from tests.processes import inside
from tests.sandbox import Result, Sandbox

ENDS = (0, 1, 2, 3, 4, 5, 6)
MOVES_BASE = ("merge", "undo")
SETUP = r"""
git init --quiet --bare ../forge.git && git init --quiet .
git config filter.outputs.clean 'sed /^OUT/d' && git config filter.outputs.smudge cat
printf '%s\n' '*.log' '/build/' '.env' > .gitignore
printf '%s\n' '*.crlf text eol=crlf' '*.ident ident' '*.note filter=outputs' > .gitattributes
mkdir src ../outside && echo precious > ../outside/file
git init --quiet ../library && cp ../outside/file ../library && git -C ../library add .
git -C ../library commit --quiet --message Library
printf 'def main():\n    pass\n' > src/app.py
for i in 1 2 3 4 5 6 7 8 9; do echo "shared $i" >> shared.txt; done && cp shared.txt base.txt
printf 'a\r\nb\r\n' > table.crlf && echo '$Id$' > page.ident && echo cell > run.note
git add . && git commit --quiet --message Begin && git remote add origin ../forge.git
git config agent.maxAttempts 50 && git agent init --no-hooks
"""
SCRIPT = """\
#!/bin/sh
# {why}
# It needs git-agent on PATH. It works in a new directory, whose name it prints.
export HOME="$(mktemp -d)" GIT_CONFIG_NOSYSTEM=1 GIT_EDITOR=false GIT_AGENT_HOOKS=0 TZ=UTC LC_ALL=C.UTF-8
export GIT_AUTHOR_DATE={date} GIT_COMMITTER_DATE={date}
git config --global user.name 'Ada Lovelace' && git config --global user.email ada@example.org
git config --global init.defaultBranch main && git config --global gc.auto 0
mkdir "$HOME/my repo" && cd "$HOME/my repo" && pwd
{setup}
{lines}
"""


class Broken(NamedTuple):
    """A history after whose last step a promise did not hold."""

    steps: tuple[Step, ...]
    lines: tuple[str, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """Return which promises did not hold."""
        return frozenset(line.partition(":")[0].rstrip("0123456789 ") for line in self.lines)

    def script(self) -> str:
        """Return a shell script that does it again."""
        lines = "\n".join(step.shown() for step in self.steps)
        date = os.environ.get("GIT_AUTHOR_DATE", "now")
        return SCRIPT.format(why=self.lines[0].partition("\n")[0], date=date, setup=SETUP.strip(), lines=lines)


def prepared(root: Path) -> World:
    """Make the repository in which every history begins."""
    box = Sandbox(root / "my repo")
    box.path.mkdir(parents=True)
    for line in SETUP.strip().splitlines():
        done = box.agent("init", "--no-hooks") if "agent init" in line else box.run("sh", "-c", line)
        assert done.code == 0, done
    box.git("config", "agent.maxAttempts", "50")
    world = World(box)
    world.keep()
    return world


def end_processes(root: Path) -> None:
    """End what a history left running, and unmount what it left mounted."""
    real = Path(os.path.realpath(root))
    while mounts := mounts_below(str(real)):
        subprocess.run(["umount", mounts[-1]], check=True)
    for pid in inside(real):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not inside(real), lambda: inside(real))


def one_by_one(steps: tuple[Step, ...]) -> Iterator[Callable[[Scene], Step]]:
    """Play given steps."""
    for step in steps:
        yield lambda _, step=step: step


def by_chance(number: int, only: Collection[str] = ()) -> Iterator[Callable[[Scene], Step]]:
    """Play so many steps that are chosen. only: the moves to choose from; all when left out."""
    for _ in range(number):
        yield lambda scene: choose(scene, only)


class History:
    """One history while it is played. finds: what doctor may report by now."""

    def __init__(self, world: World, seed: str) -> None:
        world.put_back()
        self.box = world.sandbox
        self.chance = random.Random(seed)
        self.steps: list[Step] = []
        self.finds: set[str] = set()
        self.models = Models()
        self.handed_in: set[str] = set()
        self.tasks: dict[int, Any] = {}
        self.eyes = Eyes(self.box)
        self.sight = self.eyes.look()

    def play(self, chosen: Iterator[Callable[[Scene], Step]], thorough: int = 10) -> Broken | None:
        """Play a history to its end, or until something is broken.

        thorough: after how many steps everything that is said is compared, not only what `list` says
        """
        try:
            lines = self._play(chosen, thorough)
        finally:
            end_processes(self.box.path.parent)
        return Broken(tuple(self.steps), tuple(lines)) if lines else None

    def _play(self, chosen: Iterator[Callable[[Scene], Step]], thorough: int) -> list[str]:
        for number, make in enumerate(chosen, 1):
            step = make(Scene(self.chance, number, self.sight, self.tasks))
            if lines := self._do(step) or (self._compare() if number % thorough == 0 else []):
                return lines
        return self._compare()

    def _do(self, step: Step) -> list[str]:
        self.steps.append(step)
        self.finds |= set(step.finds)
        where = self.box.path / step.where
        if not where.is_dir():
            return []
        if step.at_once:
            done = self.box.run("sh", "-c", step.line)
            broken = [f"ended: {done}"] if "Traceback" in done.err + done.out else []
            return broken + self._after(next((v for v in MOVES_BASE if f"git agent {v}" in step.line), "list"))
        if not step.ours:
            self.box.run("sh", "-c", step.line, cwd=where)
            self.sight = self.eyes.look()
            return self._after("list")
        done = self.box.agent(*split(step.line)[2:], cwd=where, exit=None)
        verb = split(step.line)[2]
        broken = _badly_ended(done, self.tasks, verb)
        if verb == "approve" and done.code == 0:
            self._note_approved(step)
        return broken + self._after(verb)

    def _note_approved(self, step: Step) -> None:
        """Remember what was approved: the tips at this moment."""
        for number in (int(word) for word in split(step.line)[3:] if word in map(str, self.tasks)):
            task = self.tasks[number]
            tip = self.sight.tip(task["branch"] or "")
            if tip is not None and task["state"] == "IN_REVIEW":
                self.models.tasks[number].approved = tip
                self.handed_in.add(tip)

    def _after(self, verb: str) -> list[str]:
        """Look again; compare with what was before a verb of ours, and with what we say."""
        before, was = self.sight, self.tasks
        self.tasks = self.box.tasks()
        self.sight = self.eyes.look()
        self.handed_in |= {t["head_oid"] for t in self.tasks.values() if t["state"] == "IN_REVIEW" and verb == "done"}
        lines = lost(self.box, before, self.sight) + misjudged(self.tasks)
        lines += wrongly_landed(self.box, before, self.sight, was, self.tasks, self.models.tasks)
        lines += wrongly_completed(self.box, verb, self.sight, was, self.tasks, self.models)
        moved = [base for base in ("main",) if before.tip(base) != self.sight.tip(base)]
        lines += [f"moved: '{verb}' moved {base}" for base in moved if verb not in MOVES_BASE]
        return lines + self.models.follow(self.box, self.sight, self.tasks)

    def _compare(self) -> list[str]:
        kept = set(self.box.git("--no-replace-objects", "rev-list", "--all").split())
        lines = [f"lost handed-in: {oid}" for oid in sorted(self.handed_in - kept)]
        shown = {number: self.box.agent_json("show", str(number)) for number in self.tasks}
        attempts = {number: each["attempts"] for number, each in shown.items()}
        lines += told_twice(self.box, self.tasks, shown) + miscounted(self.box, self.sight, self.tasks, attempts)
        return lines + diagnosed(self.box, self.finds, self.sight, self.tasks)


def _badly_ended(done: Result, tasks: dict[int, Any], verb: str) -> list[str]:
    if done.code not in ENDS or "Traceback" in done.err + done.out:
        return [f"ended: {done}"]
    if done.code and verb != "doctor" and "error: " not in done.err and not done.out:
        return [f"silent: {done}"]
    known = all(int(word) in tasks for word in split(done.command)[3:] if word.isdecimal())
    return [f"failed: {done}"] if done.code == 1 and verb != "doctor" and known else []


def shrink(world: World, broken: Broken, tries: int = 60) -> Broken:
    """Leave out steps while the same promise does not hold; return the shortest history that was found."""
    size = max(1, len(broken.steps) // 2)
    while size and tries > 0:
        at = 0
        while at < len(broken.steps) and tries > 0:
            tries -= 1
            steps = broken.steps[:at] + broken.steps[at + size :]
            found = History(world, "").play(one_by_one(steps), thorough=len(steps) + 1)
            if found is not None and found.kinds & broken.kinds:
                broken = found
            else:
                at += size
        size //= 2
    return broken
