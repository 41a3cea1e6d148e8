"""`doctor` names what is wrong and changes nothing; --fix mends it, looks before it acts, and can be taken back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.actions.breaking import BREAKS, Break, prepare, worktree
from tests.faults.world import World
from tests.sandbox import Result, Sandbox

HOOKS = {"GIT_AGENT_HOOKS": None}  # as a person has it: hooks are wanted, so that they are examined
BATCHES = sorted({each.batch for each in BREAKS.values()})
UNDO = """
import json, sys
from git_agent.app import App
from git_agent.actions.undo_fix import undo_fix
from git_agent.errors import AgentError
from git_agent.store import events
app, said = App(), []
_ = app.store
for seq in range(events.newest(), 0, -1):
    event = events.get(seq)
    if event.kind == "doctor.fixed":
        try:
            said.append([event.data["code"], undo_fix(app, event)])
        except AgentError as error:
            said.append([event.data["code"], error.code])
print(json.dumps(said))
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Break things in batches; with --every-step each by itself, too."""
    every = metafunc.config.getoption("--every-step", default=False)
    if "broken" in metafunc.fixturenames:
        alone = [[name] for name in BREAKS] if every else []
        together = [[n for n, each in BREAKS.items() if each.batch == batch] for batch in BATCHES]
        metafunc.parametrize("broken", [*together, *alone], ids=[f"batch {b}" for b in BATCHES] + [n[0] for n in alone])


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a repository with five tasks, prepared once."""
    home = tmp_path_factory.mktemp("doctor")
    world = World(Sandbox(Path(shutil.copytree(template, home / "my repo", symlinks=True))))
    prepare(world.sandbox)
    world.keep()
    return world


@pytest.fixture
def world(prepared: World) -> Iterator[World]:
    """Return the repository as it was prepared."""
    prepared.put_back()
    yield prepared


def doctor(sandbox: Sandbox, *args: str, cwd: Path | None = None) -> Result:
    return sandbox.agent("doctor", *args, env=HOOKS, exit=None, cwd=cwd)


def findings(sandbox: Sandbox, *args: str, cwd: Path | None = None) -> list[dict[str, Any]]:
    result = doctor(sandbox, "--json", *args, cwd=cwd)
    found: list[dict[str, Any]] = result.json()["findings"]
    assert result.code == (1 if found else 0) and result.err == "", result
    return found


def codes(found: list[dict[str, Any]]) -> set[str]:
    return {each["code"] for each in found}


def snapshot(root: Path) -> dict[str, tuple[int, str]]:
    """Return every file with its mode and what is in it; what readers of the database share does not count."""
    found = {}
    for at, directories, names in os.walk(root):
        for name in (*directories, *names):
            path = Path(at, name)
            if path.name.endswith(("-shm", "-wal")):
                continue
            held = os.lstat(path)
            what = os.readlink(path) if path.is_symlink() else ""
            if path.is_file() and not path.is_symlink():
                what = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = (held.st_mode, what)
    return found


def undo_all(sandbox: Sandbox) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", UNDO], cwd=sandbox.path, capture_output=True, text=True, check=True, timeout=60
    )
    return dict(json.loads(done.stdout))


def wanted(broken: list[str], field: Callable[[Break], frozenset[str]]) -> set[str]:
    return {code for name in broken for code in field(BREAKS[name])}


def test_a_sound_repository_has_no_findings(world: World) -> None:
    result = doctor(world.sandbox)
    assert (result.code, result.err) == (0, "")
    assert result.out == "nothing is wrong: 5 tasks, 4 worktrees, 18 events looked at\n"


def test_what_is_broken_is_found_and_mended_and_can_be_taken_back(world: World, broken: list[str]) -> None:
    sandbox = world.sandbox
    for name in broken:
        BREAKS[name].do(sandbox)
    before = snapshot(sandbox.path.parent)
    first = findings(sandbox)
    assert codes(first) == wanted(broken, lambda each: each.codes), json.dumps(first, indent=1)
    assert all(each["what"] and each["why"] and each["fix"] for each in first)
    assert snapshot(sandbox.path.parent) == before  # nothing was changed without --fix
    mended = doctor(sandbox, "--fix", "--json").json()
    left = wanted(broken, lambda each: each.left)
    assert (codes(mended["findings"]), mended["failed"]) == (left, []), json.dumps(mended, indent=1)
    assert codes(mended["fixed"]) == codes(first) - left
    assert codes(findings(sandbox)) == left
    victim = sandbox.path / "victim.log"
    assert not victim.exists() or victim.read_text() == "precious\n"
    undone = undo_all(sandbox)
    nothing = {code for code, said in undone.items() if said == "nothing-to-undo"}
    again = codes(findings(sandbox))
    # What every command mends is not there any more, and a row can't belong to nothing again.
    looked = {"interrupted", "scratch-left", "hooks-missing", "hooks-script", "hooks-program"}
    changed = {code for code, said in undone.items() if said == "changed-since"}
    assert again == codes(first) - nothing - looked - changed, undone
    assert changed <= {"store-dangling", "dependency-missing"}
