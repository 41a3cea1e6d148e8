"""The sealed world itself: what the person who runs the tests has set up must not reach them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox import TIMEOUT, Sandbox, run_at_once

ROOT = Path(__file__).parents[1]


def test_git_sees_only_the_configuration_of_the_tests(repo: Sandbox, home: Path) -> None:
    origins = repo.git("config", "--list", "--show-origin", "--name-only").splitlines()
    assert {origin.split("\t")[0] for origin in origins} == {f"file:{home}/.gitconfig", "file:.git/config"}
    assert repo.git("var", "GIT_AUTHOR_IDENT") == "Ada Lovelace <ada@example.org> 1767323045 +0000"


def test_no_repository_or_worker_of_outside_is_meant() -> None:
    leaked = [name for name in os.environ if name.startswith(("GIT_AGENT", "GIT_DIR", "GIT_INDEX", "XDG_"))]
    assert leaked == ["GIT_AGENT_HOOKS"]  # ours: nothing runs in the background unless a test wants it


INHERITS = """
import json, os, resource, signal, sys
others = signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}  # which Python ignores itself
ignored = [number for number in others if signal.getsignal(number) is signal.SIG_IGN]
blocked = [*signal.pthread_sigmask(signal.SIG_BLOCK, ())]
core, mask = resource.getrlimit(resource.RLIMIT_CORE)[0], os.umask(0)
named = [name for name in ("EDITOR", "NO_COLOR", "GIT_DIR", "ANY_AGENT") if name in os.environ]
print(json.dumps([ignored, blocked, core, mask, named, os.read(0, 9).decode()]))
"""
HOSTILE = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGUSR1):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGWINCH, signal.SIGTERM))
os.umask(0o077)
named = {name: "x" for name in ("EDITOR", "NO_COLOR", "GIT_DIR", "ANY_AGENT")}
os.execve(sys.executable, [sys.executable, *sys.argv[1:]], {**os.environ, **named})
"""


def test_a_process_inherits_nothing_from_the_starter(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", INHERITS], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], [], 0, 0o022, [], ""]


@pytest.mark.rest
def test_a_hostile_starter_changes_nothing() -> None:
    test = f"{__file__}::{test_a_process_inherits_nothing_from_the_starter.__name__}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = (sys.executable, "-c", HOSTILE, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", test)
    done = subprocess.run(command, cwd=ROOT, env=env, input=b"typed", capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_a_repository_is_clean_on_main_and_nobody_elses(repo: Sandbox, template: Path) -> None:
    assert repo.git("status", "--porcelain=v2", "--branch", "--ignored").splitlines()[1:] == ["# branch.head main"]
    repo.commit(None, "new.txt", "new\n")
    assert not (template / "new.txt").exists() and " " in repo.path.name


def test_commands_at_once_run_at_the_same_time_and_answer_in_order(tmp_path: Path) -> None:
    # Each waits for the other's file: one after the other they would never end.
    wait = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\n"
    wait += "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)\nprint(sys.argv[1])"
    commands = [(sys.executable, "-c", wait, "a", "b"), (sys.executable, "-c", wait, "b", "a")]
    assert [result.out for result in run_at_once(commands, cwd=tmp_path)] == ["a\n", "b\n"]


def test_an_unexpected_exit_code_fails_with_both_outputs(repo: Sandbox) -> None:
    with pytest.raises(AssertionError, match=r"(?s)expected exit 0.*--- stdout.*--- stderr"):
        repo.agent("no-such-verb")
