"""The context file while it is written: killed writers, readers beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from git_agent import context

ROOT = Path(context.__file__).parent.parent
WRITES_FOR_EVER = """
import sys
from git_agent import context
for number in range(1, 10**9):
    text = "x" * 200_000
    worker = context.create(task_id=number, branch="b", worktree=sys.argv[1], base="main", description=text)
    context.write(worker)
    print(number, flush=True)
"""
DISK_FULL = """
import resource, sys
from git_agent import context, errors
worker = context.create(task_id=2, branch="b", worktree=sys.argv[1], base="main", description="x" * 5000)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    context.write(worker)
except errors.AgentError as error:
    print(error.code)
"""


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    old = context.create(task_id=1, branch="b", worktree=tmp_path, base="main")
    context.write(old)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.check_output([sys.executable, "-c", DISK_FULL, str(tmp_path)], env=environment, text=True)
    assert said == "context-write\n"
    assert context.read(tmp_path) == old
    assert os.listdir(tmp_path) == [context.FILE]


def test_a_write_that_is_killed_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for pause in (0.0, 0.003, 0.007, 0.011, 0.017, 0.023):
        command = [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as writer:
            assert writer.stdout is not None
            acknowledged = int(writer.stdout.readline())
            time.sleep(pause)
            writer.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
        assert context.read(tmp_path).task_id in (acknowledged, acknowledged + 1)
        assert len(context.read(tmp_path).description) == 200_000
    assert all(name.startswith(context.FILE) for name in os.listdir(tmp_path))  # what EXCLUDE covers
    (tmp_path / f"{context.FILE}.1-00c0ffee").write_text("half")
    kept = tmp_path / f"{context.FILE}.bak"
    kept.write_text("somebody's")
    context.write(context.create(task_id=1, branch="b", worktree=tmp_path, base="main"))
    assert set(os.listdir(tmp_path)) == {context.FILE, kept.name}


def test_a_reader_beside_a_writer_never_sees_a_part(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as writer:
        assert writer.stdout is not None
        try:
            writer.stdout.readline()
            seen = [context.read(tmp_path).task_id for _ in range(100)]
        finally:
            writer.kill()
    assert seen == sorted(seen)
    assert len(set(seen)) > 1
