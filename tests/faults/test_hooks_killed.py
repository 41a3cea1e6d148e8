"""`init` and `deinit` killed, stopped or without a disk at their steps: git and the user's own hooks go on as ever."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.faults.world import Driver, World
from tests.sandbox import Sandbox

SAMPLE = 2
# A script that gets a block, a program that is chained, one that git ignores, and none.
USERS = {
    "post-commit": ("#!/bin/sh\necho post-commit >>ran.log\n", 0o755),
    "post-merge": ("#!/usr/bin/env python3\nopen('ran.log', 'a').write('post-merge\\n')\n", 0o755),
    "post-rewrite": ("#!/bin/sh\necho never >>ran.log\n", 0o644),
    "commit-msg": ("#!/bin/sh\necho commit-msg >>ran.log\n", 0o755),
}


@pytest.fixture
def world(repo: Sandbox, tmp_path: Path) -> World:
    """Return a repository with hooks of the user's own."""
    (tmp_path / "world").mkdir()
    moved = Sandbox(repo.path.rename(tmp_path / "world" / repo.path.name))
    moved.git("config", "advice.ignoredHook", "false")
    for name, (text, mode) in USERS.items():
        moved.write(f".git/hooks/{name}", text).chmod(mode)
    return World(moved)


def trace(sandbox: Sandbox) -> dict[str, tuple[bytes, int]]:
    """Return the hooks and the configuration, byte for byte."""
    common = sandbox.path / ".git"
    files = [common / "config", *(common / "hooks").iterdir()]
    return {f.name: (f.read_bytes(), stat.S_IMODE(f.stat().st_mode)) for f in files if not f.name.endswith(".sample")}


def git_goes_on(sandbox: Sandbox) -> list[str]:
    """Commit and merge; name what the user's hooks or git did otherwise than ever."""
    log = sandbox.path / "ran.log"
    log.unlink(missing_ok=True)
    lines = []
    for command in (
        ["commit", "--quiet", "--allow-empty", "--message", "One"],
        ["merge", "--quiet", "--no-ff", "--no-edit", "side"],
        ["commit", "--quiet", "--amend", "--no-edit"],
    ):
        done = sandbox.run("git", *command)
        lines += [] if (done.code, done.out, done.err) == (0, "", "") else [f"git says: {done}"]
    ran = log.read_text().split() if log.exists() else []
    expected = ["commit-msg", "post-commit", "commit-msg", "post-merge", "commit-msg", "post-commit"]
    sandbox.git("reset", "--quiet", "--hard", "start")
    return lines + ([] if ran == expected else [f"hooks ran: {ran}"])


def hurt_at_every_step(
    world: World, hurting: Driver, argv: tuple[str, ...], how: str, every: bool, before: dict[str, tuple[bytes, int]]
) -> list[str]:
    """Hurt a command at its steps; then git goes on, `init` mends, and `deinit` leaves everything as it was."""
    sandbox, found = world.sandbox, []
    world.keep()
    number = len(hurting.run(sandbox, *argv).struck)
    for at in range(1, number + 1, 1 if every else max(1, number // SAMPLE)):
        world.put_back()
        hurt = hurting.hurt(sandbox, argv, how, at)
        lines = [] if "Traceback" not in hurt.result.err else [hurt.result.err]
        lines += git_goes_on(sandbox)
        sandbox.agent("init")
        lines += git_goes_on(sandbox)
        lines += [] if "none" not in sandbox.agent("hooks").out else ["not mended"]
        sandbox.agent("deinit")
        after = trace(sandbox)
        lines += [f"left: {name}" for name in after.keys() | before.keys() if after.get(name) != before.get(name)]
        lines += [f"left: {p}" for p in (sandbox.path / ".git").rglob("*.git-agent-new")]
        lines += [f"left: {p}" for p in (sandbox.path / ".git").glob("*.lock")]
        found += [f"{how} at {at}, {hurt.struck[:1]}: {line}" for line in lines]
    return found


@pytest.mark.parametrize("how", ["kill", "io", "filled", "term"])
@pytest.mark.parametrize("verb", ["init", "deinit"])
def test_hooks_that_were_half_put_in_or_taken_out_harm_nobody(
    verb: str, how: str, world: World, hurting: Driver, every_step: bool
) -> None:
    sandbox = world.sandbox
    sandbox.git("commit", "--quiet", "--allow-empty", "--message", "Side")
    sandbox.git("branch", "--quiet", "side")
    sandbox.git("reset", "--quiet", "--hard", "HEAD~1")
    sandbox.git("tag", "start")
    before = trace(sandbox)
    if verb == "deinit":
        sandbox.agent("init")
    assert hurt_at_every_step(world, hurting, (verb,), how, every_step, before) == []
