"""A supervisor that an older program started goes on after a newer one has upgraded the store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import git_agent
from git_agent.store import migrate
from tests.running.stage import WORK, Stage, eventually, until
from tests.running.stage import stage as stage

ROOT = Path(git_agent.__file__).parents[1]
MIGRATION = f"git_agent/store/migrations/{migrate.MIGRATIONS[4]}.py"
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from git_agent.cli.main import run; sys.exit(run())"


def _git(*words: str, env: dict[str, str] | None = None) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=True, env=env).stdout


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the words that start the program of the commit before the fifth migration."""
    try:
        added = _git("log", "--format=%H", "--diff-filter=A", "-1", "--", MIGRATION).decode().strip()
        place = tmp_path_factory.mktemp("older")
        env = {**os.environ, "GIT_INDEX_FILE": str(place / "index")}
        _git("read-tree", f"{added}^", env=env)
        _git("checkout-index", "--all", f"--prefix={place}/", env=env)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this checkout has no history: the commit before the fifth migration is not there")
    return [sys.executable, "-P", "-c", START, str(place)]


def _version(stage: Stage) -> int:
    import apsw

    connection = apsw.Connection(str(stage.agent / "agent.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return int(connection.execute("PRAGMA user_version").fetchall()[0][0])
    finally:
        connection.close()


@pytest.mark.rest
def test_a_run_of_an_older_program_beats_and_hands_in_after_the_upgrade(stage: Stage, older: list[str]) -> None:
    box = stage.box
    for path in (stage.agent).glob("agent.db*"):
        path.unlink()  # made anew by the older program
    assert box.run(*older, "init", "--no-hooks").code == 0
    where = Path(box.run(*older, "spawn", "Fix login").out.strip())
    assert _version(stage) == 4
    script = f"echo ready; {until('go')}; rm go; {WORK}; git agent heartbeat -m half"
    process = subprocess.Popen(
        [*older, "run", "1", "--", "sh", "-c", script],
        cwd=box.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    stage.started.append(process)
    eventually(lambda: "ready" in stage.log(), stage.log)
    box.agent("list")
    assert _version(stage) == migrate.VERSION
    before = stage.lease()
    assert before is not None
    eventually(lambda: (stage.lease() or before)["beat_at"] > before["beat_at"], stage.lease)
    refused = box.run(*older, "list")
    assert refused.code == 1 and "upgrade git-agent" in refused.err  # it is the older program, which can't be taught
    (where / "go").touch()
    code, _, err = stage.ended(process)
    assert (code, stage.where()) == (0, ("IN_REVIEW", None)), err
    assert box.agent_json("doctor", exit=None)["findings"] == []
