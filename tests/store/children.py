"""Other processes that use the store: each test says what they do, as a piece of Python run after PRELUDE.

At once means at once: one interpreter imports everything and forks, and all its children wait for one signal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from tests.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
TIMEOUT = 60  # seconds

PRELUDE = """
import json, os, signal, sys, time, traceback
from git_agent.domain.task import Hold, State, Step, after
from git_agent.errors import AgentError
from git_agent.store import errors, migrate, schema, sqlite, tasks
from git_agent.store.store import Store

def say(*words):
    print(*words, flush=True)

def add(store, name, state=State.OPEN, **columns):
    values = {"name": name, "name_key": name, "title": name, "priority": 2, "base": "main"}
    return store.tasks.insert({**values, **columns}, state)

def tried(work):
    try:
        return work()
    except AgentError as error:
        return [error.code, int(error.exit), error.message, error.hint]

def at_once(count, work):
    # Run work(n) in so many processes that all start together; return their results, as JSON has them.
    ready, go = os.pipe(), os.pipe()
    answers = []
    for number in range(count):
        answer = os.pipe()
        answers.append(answer[0])
        if os.fork() == 0:
            os.close(go[1])
            os.write(ready[1], b"r")
            os.read(go[0], 1)  # until the parent closes its end
            try:
                text = json.dumps(work(number))
            except BaseException:
                text = json.dumps(traceback.format_exc())
            os.write(answer[1], text.encode())
            os._exit(0)
        os.close(answer[1])
    for _ in range(count):
        os.read(ready[0], 1)
    os.close(go[1])
    results = []
    for answer in answers:
        with open(answer) as file:
            results.append(json.loads(file.read()))
    for _ in range(count):
        os.wait()
    return results
"""


def start(code: str, *args: str | Path) -> subprocess.Popen[str]:
    """Start a piece of Python with arguments in sys.argv[1:]; it can be written to and read from."""
    program = PRELUDE + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, args)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process; return what it printed. Fail, with what it said, unless it ended with 0."""
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, f"exit {process.returncode}\n{out}\n{err}"
    return out


def run(code: str, *args: str | Path) -> str:
    """Run a piece of Python to its end; return what it printed. Its process is forked warm (tests/warm.py)."""
    ended = None
    if Sandbox.warm is not None:
        program = PRELUDE + textwrap.dedent(code)
        ended = Sandbox.warm.run([*map(str, args)], str(ROOT), os.environ, b"", TIMEOUT, program)
    if ended is None:
        return finish(start(code, *args))
    status, out, err = ended
    assert status == 0, f"exit {status}\n{out.decode()}\n{err.decode()}"
    return out.decode()


def answer(code: str, *args: str | Path) -> Any:
    """Run a piece of Python; return the JSON that its last line is."""
    return json.loads(run(code, *args).splitlines()[-1])


def line(process: subprocess.Popen[str]) -> str:
    """Read the next line that a process prints; fail, with what it said, when it ended instead."""
    assert process.stdout is not None
    text = process.stdout.readline()
    assert text, finish(process) or "it ended and said nothing"
    return text.rstrip("\n")
