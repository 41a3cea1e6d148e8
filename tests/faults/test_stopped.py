"""A command that stands still at a step (SIGSTOP): others work or are told who is in the way; then it goes on."""

from __future__ import annotations

import pytest

from tests.faults.scene import Scene
from tests.faults.scenes import SCENES
from tests.faults.test_every_step import again, chosen_of
from tests.faults.whole import rows, wrong
from tests.faults.world import Driver, Stopped, World, Worlds
from tests.sandbox import Result

FEW = ("spawn-furnished", "merge", "rm", "done")
BUSY = 6
CONTRACT = range(BUSY + 1)
ADDED = frozenset({"OPEN"})  # by `beside`


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take all scenes, or few of them."""
    if "name" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-step", default=False)
        metafunc.parametrize("name", SCENES if every else FEW)


def told(result: Result, pid: int, at_work: str) -> list[str]:
    """Name what is wrong with how a command beside a stopped one ended: it works, or it is busy and names the pid."""
    lines = [f"{at_work}: {result}"] if result.code not in CONTRACT or "Traceback" in result.err else []
    if result.code == BUSY and not any(words in result.err for words in (str(pid), "took over", "nothing to claim")):
        lines += [f"{at_work}: not said who is in the way: {result}"]
    return lines


def beside(world: World, scene: Scene, hurting: Driver, pid: int) -> list[str]:
    """Look, write, and try the same while a command stands still."""
    lines = []
    for argv in (("list",), ("add", "Another"), scene.argv):
        done = hurting.run(world.sandbox, *argv).result
        lines += told(done, pid, f"beside it, {argv[0]}")
        lines += [f"beside it, {argv[0]}: {done}"] if argv != scene.argv and done.code not in (0, BUSY) else []
    return lines


@pytest.mark.rest
def test_a_stopped_command_is_in_nobodys_way_unnamed_and_ends_well(
    name: str, worlds: Worlds, hurting: Driver, every_step: bool
) -> None:
    scene, amiss = SCENES[name], []
    world = worlds.prepared(scene.prepare)
    steps = hurting.run(world.sandbox, *scene.argv).struck
    for at in chosen_of(scene, steps, False, len(steps) if every_step else 2):
        world.put_back()
        stopped = hurting.stop(world.sandbox, scene.argv, at)
        assert isinstance(stopped, Stopped), stopped
        lines = beside(world, scene, hurting, stopped.pid)
        hurt = hurting.go_on(stopped)
        lines += told(hurt.result, stopped.pid, "continued") if hurt.result.code != BUSY else []
        hurting.run(world.sandbox, "list")
        lines += wrong(world.sandbox) + again(world, scene, hurting, ADDED)
        amiss += [f"stopped at {at}, {hurt.struck}: {line}" for line in lines]
    assert not amiss, "\n".join(amiss)


def test_of_two_looks_at_once_one_carries_an_approval(worlds: Worlds, hurting: Driver) -> None:
    scene = SCENES["sync-carried"]
    world = worlds.prepared(scene.prepare)
    steps = hurting.run(world.sandbox, *scene.argv).struck
    world.put_back()
    compares = next(n for n, name in enumerate(steps, 1) if " merge-tree " in name)
    stopped = hurting.stop(world.sandbox, scene.argv, compares)
    assert isinstance(stopped, Stopped)
    hurting.run(world.sandbox, "list")
    hurting.go_on(stopped)
    assert wrong(world.sandbox) == []
    assert len(rows(world.sandbox, "select seq from event where kind = 'task.carried'")) == 1
