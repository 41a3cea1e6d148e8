"""A command that is interrupted, or gets too little memory, says so in one line."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

# The program sends itself the signal when it begins to import a module.
STOPPED = """\
import builtins, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = [{program!r}, "list"]
seen, imported = False, builtins.__import__
def stop(name, *rest, **more):
    global seen
    if name == {module!r} and not seen:
        seen = True
        os.kill(os.getpid(), signal.{number})
    return imported(name, *rest, **more)
builtins.__import__ = stop
exec(compile(open({program!r}).read(), {program!r}, "exec"))
"""
PROGRAM = str(Path(sys.executable).parent / "gitagent-python")
MODULES = (
    *("git_agent.cli.main", "contextlib", "click", "git_agent.errors"),
    *("git_agent.verbs", "git_agent.app", "git_agent.cli.queries"),
)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_during_an_import_shows_no_traceback(repo: Sandbox, module: str, number: str) -> None:
    repo.agent("init")
    said = repo.run(sys.executable, "-c", STOPPED.format(module=module, number=number, program=PROGRAM))
    wanted = signal.Signals[number]
    assert said.code in (-wanted, 128 + wanted), said
    assert "Traceback" not in said.err and said.err.count("error:") <= 1, said


@pytest.mark.rest
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process by ulimit -v")
@pytest.mark.parametrize("verb", ["status", "list --json", "show 1"])
def test_too_little_memory_is_one_error(repo: Sandbox, verb: str) -> None:
    repo.agent("spawn", "One")
    codes = set()
    for limit in range(24_000, 60_000, 2_000):
        said = repo.run("sh", "-c", f"ulimit -v {limit}; exec git-agent {verb}")
        if "git_agent/cli/main.py" in said.err or said.code == 0:  # below that the interpreter itself does not start
            codes.add(said.code)
        assert "_run" not in said.err, said
    assert 0 in codes
