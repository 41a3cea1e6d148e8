"""What is typed once in a history, and ways to make such a step from what there is at that moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from shlex import quote
from typing import Any, NamedTuple

from tests.faults.promises.sight import Place, Sight

MOST = 5  # tasks
SAY = "git commit --quiet --message"
LIVE = ("ASSIGNED", "WORKING", "IN_REVIEW", "APPROVED")
REWRITTEN = ("merge-lost", "handed-in-gone", "approval-unbound")
UNATTENDED = ("nobody-works", "worker-left")
SWITCHED = ("worktree-switched", "branch-gone", "branch-lost", *REWRITTEN)


class Step(NamedTuple):
    """What is typed once.

    line: for a shell
    where: the directory, relative to the main worktree
    finds: the codes that doctor may report from then on
    """

    line: str
    where: str = "."
    finds: tuple[str, ...] = ()

    @property
    def at_once(self) -> bool:
        """Tell whether it is several commands that run at the same time, ours among them."""
        return self.line.endswith(" & wait")

    @property
    def ours(self) -> bool:
        """Tell whether it is a verb of ours."""
        return self.line.startswith("git agent ")

    def shown(self) -> str:
        """Return the line of a script that does it again in the main worktree."""
        return self.line if self.where == "." else f"(cd {quote(self.where)} && {self.line})"


class Scene(NamedTuple):
    """What a choice is made from. n: the number of the step, so that no two write the same."""

    chance: random.Random
    n: int
    sight: Sight
    tasks: dict[int, Any]

    def task(self, *states: str) -> Any:
        """Choose a task in one of some states; None when there is none."""
        fitting = [task for task in self.tasks.values() if not states or task["state"] in states]
        return self.chance.choice(fitting) if fitting else None

    def worktree(self) -> tuple[str, Place] | None:
        """Choose a worktree of a task, most often of a live one."""
        found = {name: place for name, place in self.sight.places.items() if name != "."}
        live = {t["worktree"] for t in self.tasks.values() if t["state"] in LIVE}
        of_live = [name for name in found if str(found[name].path) in live]
        names = of_live if of_live and self.chance.random() < 0.9 else sorted(found)
        return (name := self.chance.choice(names), found[name])[0:2] if names else None

    def branch(self) -> str | None:
        """Choose a branch of a task."""
        found = sorted(ref[11:] for ref in self.sight.refs if ref.startswith("refs/heads/agent/"))
        return self.chance.choice(found) if found else None


def verb(template: str, *states: str) -> Callable[[Scene], Step | None]:
    def make(scene: Scene) -> Step | None:
        task = scene.task(*states)
        ours = scene.chance.random() < 0.9  # now and then a task in any state
        task = task if ours else scene.task()
        return Step(f"git agent {template.format(task['id'])}") if task else None

    return make


def worker(line: str, *finds: str) -> Callable[[Scene], Step | None]:
    """Make what a worker types in its worktree; {n} is the number of the step, {branch} a branch of some task."""

    def make(scene: Scene) -> Step | None:
        found = scene.worktree()
        if found is None:
            return None
        names = {"branch": quote(scene.branch() or "main"), "own": quote(found[1].branch or "HEAD")}
        return Step(line.format(n=scene.n, **names), found[0], finds)

    return make


def hook(name: str, line: str) -> str:
    file = f".git/hooks/{name}"
    return f"printf '#!/bin/sh\\n{line}\\n' > {file} && chmod +x {file}"


def base(line: str, *finds: str) -> Callable[[Scene], Step | None]:
    """Make what a person types in the main worktree."""

    def make(scene: Scene) -> Step | None:
        branch = scene.branch()
        if branch is None:
            return None
        return Step(line.format(n=scene.n, branch=quote(branch)), ".", finds)

    return make
