"""Commands killed, stopped or left without a disk at their steps: nothing half done stays, and they can be repeated."""

from __future__ import annotations

import pytest

from tests.faults.scene import Scene
from tests.faults.scenes import SCENES
from tests.faults.whole import found, half_written, rows, wrong
from tests.faults.world import Driver, Hurt, World, Worlds

SAMPLE = 3
TELLING = ("store", "after store", "pygit2", "after pygit2", "start worktree", "start merge", "start update-ref")
ENDS = {"term": 143, "interrupt": 130}
DISKS = ("io", "full", "filled")
# What `make test` hurts by signals and by a bad disk; `make faults` hurts all scenes in every way.
FEW_SIGNALS = [("spawn-furnished", "term"), ("merge", "interrupt"), ("merge-rebase-elsewhere", "term"), ("rm", "term")]
FEW_DISKS = [("spawn-furnished", "io"), ("claim", "full"), ("merge", "full"), ("rm", "filled")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take all scenes, or few of them."""
    every = metafunc.config.getoption("--every-step", default=False)
    few, ways = (FEW_SIGNALS, tuple(ENDS)) if "signal" in metafunc.function.__name__ else (FEW_DISKS, DISKS)
    if {"name", "how"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("name", "how"), [(n, how) for n in SCENES for how in ways] if every else few)


def chosen(steps: tuple[str, ...], every: bool, sample: int = SAMPLE) -> list[int]:
    """Return all steps, or some of those at which something becomes true, evenly spread."""
    if every:
        return list(range(1, len(steps) + 1))
    names = [name.partition("--git-dir=")[2].partition("/.git ")[2] or name for name in steps]
    telling = [n for n, name in enumerate(names, 1) if name.removeprefix("start ").startswith(TELLING)]
    telling = telling or list(range(1, len(steps) + 1))
    return telling[:: -(-len(telling) // sample)]


def chosen_of(scene: Scene, steps: tuple[str, ...], every: bool, sample: int = SAMPLE) -> list[int]:
    """Return all steps of a scene, or some; of a transaction its commit."""
    return chosen(steps, False, len(steps))[-2:-1] if scene.shown and not every else chosen(steps, every, sample)


def again(
    world: World, scene: Scene, hurting: Driver, beside: frozenset[str] = frozenset(), *, examined: bool = True
) -> list[str]:
    """Do the command again; name what is wrong then.

    beside: states of tasks that somebody else may have added; examined: by `git agent doctor`, too.
    """
    done = hurting.run(world.sandbox, *scene.argv).result
    if scene.shown:
        lines = [] if done.code == 0 and _is_shown(world, scene) else [f"again: not done: {done}"]
    else:
        states = {row["state"] for row in rows(world.sandbox, "select state from task")}
        lines = (
            []
            if states - beside == set(scene.goal.split()) - beside
            else [f"again: {states}, exit {done.code}: {done.err}"]
        )
    home = world.sandbox.path.with_name(f"{world.sandbox.path.name}.worktrees")
    for name, text in scene.files.items():
        file = home / name
        lines += [] if file.is_file() and file.read_text() == text else [f"again: {name} is not as it was"]
    sick = found(world.sandbox) if examined else []
    return lines + [f"again: {line}" for line in (*wrong(world.sandbox), *half_written(world.sandbox), *sick)]


def _is_shown(world: World, scene: Scene) -> bool:
    return any(value for row in rows(world.sandbox, scene.shown) for value in row.values())


@pytest.mark.parametrize("name", SCENES)
def test_after_a_kill_the_next_command_mends_everything(
    name: str, worlds: Worlds, hurting: Driver, every_step: bool
) -> None:
    scene, amiss = SCENES[name], []
    world = worlds.prepared(scene.prepare)
    steps = hurting.run(world.sandbox, *scene.argv).struck
    ats = chosen_of(scene, steps, every_step)
    for at in ats:
        world.put_back()
        hurt = hurting.hurt(world.sandbox, scene.argv, "kill", at)
        pending = rows(world.sandbox, "select * from intent") if world.sandbox.store.exists() else []
        after = hurting.run(world.sandbox, "list").result
        notes = [line for line in after.err.splitlines() if "interrupted" in line]
        lines = [] if hurt.result.code == -9 else [f"not killed: {hurt.result}"]
        lines += [f"said {notes} of {pending}"] if len(notes) != len(pending) else []
        lines += wrong(world.sandbox) if every_step or not scene.shown else []
        lines += again(world, scene, hurting, examined=every_step or (at == ats[-1] and not scene.shown))
        amiss += [f"killed at {at}, {hurt.struck}: {line}" for line in lines]
    assert not amiss, "\n".join(amiss)


def test_a_signal_ends_a_command_and_leaves_nothing_half_done(
    name: str, how: str, worlds: Worlds, hurting: Driver, every_step: bool
) -> None:
    scene, amiss = SCENES[name], []
    world = worlds.prepared(scene.prepare)
    steps = hurting.run(world.sandbox, *scene.argv).struck
    every = every_step and not scene.shown
    ats = chosen_of(scene, steps, every)[:: 1 if every_step else 2]
    for at in ats:
        world.put_back()
        hurt = hurting.hurt(world.sandbox, scene.argv, how, at)
        lines = [] if hurt.result.code == ENDS[how] else [f"exit {hurt.result.code}: {hurt.result.err}"]
        lines += wrong(world.sandbox) + again(world, scene, hurting, examined=every_step or at == ats[-1])
        amiss += [f"{how} at {at}, {hurt.struck}: {line}" for line in lines]
    assert not amiss, "\n".join(amiss)


def test_a_disk_that_fails_is_named_and_everything_is_taken_back(
    name: str, how: str, worlds: Worlds, hurting: Driver, every_step: bool
) -> None:
    scene, amiss = SCENES[name], []
    world = worlds.prepared(scene.prepare)
    unhurt = hurting.run(world.sandbox, *scene.argv)
    steps = unhurt.struck
    every = every_step and not scene.shown
    ats = chosen_of(scene, steps, every)[:: 1 if every_step else 3]
    for at in ats:
        world.put_back()
        hurt = hurting.hurt(world.sandbox, scene.argv, how, at)
        went_on = hurt.result.code in (0, unhurt.result.code)  # a queue with a culprit ends with 3 by itself
        lines = [] if went_on or _well_said(hurt) else [f"badly said: {hurt.result}"]
        if how == "filled" or went_on:
            # On a full disk nothing can be taken back, and what could not be deleted waits: for the next command.
            hurting.run(world.sandbox, "list")
        lines += wrong(world.sandbox) + again(world, scene, hurting, examined=every_step or at == ats[-1])
        amiss += [f"{how} at {at}, {hurt.struck[:1]}: {line}" for line in lines]
    assert not amiss, "\n".join(amiss)


def test_a_full_disk_is_named_by_what_only_looks_too(worlds: Worlds, hurting: Driver) -> None:
    world = worlds.prepared(SCENES["queue"].prepare)
    steps = hurting.run(world.sandbox, "conflicts").struck
    at = next(n for n, step in enumerate(steps, 1) if step.startswith("os.mkdir") and "/git-agent-" in step)
    world.put_back()
    hurt = hurting.hurt(world.sandbox, ("conflicts",), "full", at)
    assert hurt.result.code == 1 and _well_said(hurt), hurt.result


@pytest.mark.parametrize("how", ["io", "filled"])
def test_a_note_that_cannot_be_deleted_stops_no_command(how: str, worlds: Worlds, hurting: Driver) -> None:
    scene = SCENES["sync-asked"]
    world = worlds.prepared(scene.prepare)
    steps = hurting.run(world.sandbox, *scene.argv).struck
    world.put_back()
    last = max(n for n, name in enumerate(steps, 1) if name.startswith("os.remove") and "/spool/" in name)
    assert hurting.hurt(world.sandbox, scene.argv, how, last).result.code == 0
    assert again(world, scene, hurting) == []


def _well_said(hurt: Hurt) -> bool:
    lines = hurt.result.err.splitlines()
    if "      not fixed: " in hurt.result.out:  # doctor says it where it says what is wrong, and goes on
        return "Traceback" not in hurt.result.err
    said = [line for line in lines if line.startswith("error: ")]
    return len(said) == 1 and "Traceback" not in hurt.result.err and any(line.startswith("hint: ") for line in lines)
