"""A hint names a command that can be typed as it is."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.hooks.crowd import eventually
from tests.sandbox import Sandbox


def hint(repo: Sandbox, *words: str, exit: int) -> str:
    found: str = repo.agent_json(words[0], *words[1:], exit=exit)["error"]["hint"]
    return found


def test_what_failed_is_named_where_it_is_to_be_tried_again(repo: Sandbox) -> None:
    repo.git("config", "agent.setup", "false")
    said = repo.agent("spawn", "Fix the login", exit=1).err
    assert "hint: git config agent.setup COMMAND, then try again: git agent spawn 'Fix the login'\n" in said
    assert hint(repo, "spawn", "Fix it", exit=1).endswith("try again: git agent spawn --json 'Fix it'")


def test_also_where_it_is_busy(repo: Sandbox) -> None:
    where = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.commit(where, "1.txt", "x\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    going, go = repo.path.parent / "going", repo.path.parent / "go"
    script = f"touch {shlex.quote(str(going))}; until test -e {shlex.quote(str(go))}; do sleep 0.05; done"
    repo.git("config", "agent.check", script)
    with subprocess.Popen(["git", "agent", "merge", "1"], cwd=repo.path, stdout=subprocess.DEVNULL) as first:
        try:
            eventually(going.exists, lambda: "the check does not run")
            said = repo.agent("merge", "1", "--timeout", "0", exit=6).err
        finally:
            go.touch()
    assert first.returncode == 0
    assert "hint: try again when it has ended: git agent merge 1 --timeout 0\n" in said


def test_a_command_that_is_too_long_is_left_out(repo: Sandbox) -> None:
    repo.git("config", "agent.setup", "false")
    body = "x" * 600
    assert "then try again\n" in repo.agent("spawn", f"Fix it\n{body}", exit=1).err


@pytest.mark.parametrize("branch", ["main", "release"])
def test_unrelated_histories_name_the_base(repo: Sandbox, branch: str) -> None:
    repo.git("branch", "release")
    where = Path(repo.agent("spawn", "Fix login", "--base", branch).out.strip())
    tree = repo.git("write-tree")
    orphan = repo.git("commit-tree", "-m", "Begin", tree)
    repo.git("reset", "--quiet", "--hard", orphan, cwd=where)
    repo.commit(where, "1.txt", "x\n")
    repo.agent("done", "1", exit=None)
    repo.agent("approve", "1", exit=None)
    said = hint(repo, "merge", "1", exit=3)
    assert said == f"git -C {shlex.quote(str(where))} rebase --root --onto {branch}, then git agent done 1"
    assert repo.run("sh", "-c", said.partition(", then ")[0]).code == 0
