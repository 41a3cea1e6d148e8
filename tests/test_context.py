"""The context file: a round trip, and everything that may stand in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent import context
from git_agent.context import WorkerContext
from git_agent.errors import AgentError

STORABLE = st.text(st.characters(exclude_categories=["Cs"]))
HUNG = 10  # seconds; a read or write that blocks on a FIFO would wait for ever
SWAPS_FOR_EVER = """
import os, sys
path = sys.argv[1]
plain, fifo, link = path + ".plain", path + ".fifo", path + ".link"
os.link(path, plain)
os.mkfifo(fifo)
os.symlink(sys.argv[2], link)
print(flush=True)
while True:
    for source in (fifo, plain, link, plain):
        os.link(source, path + ".next", follow_symlinks=False)
        os.replace(path + ".next", path)
"""


@pytest.fixture
def worker(tmp_path: Path) -> WorkerContext:
    return context.create(
        task_id=7, branch="agent/7-fix", worktree=tmp_path, base="main", description="Fix 漢\x1b\u202e"
    )


def test_what_is_written_is_read(worker: WorkerContext, tmp_path: Path) -> None:
    path = context.write(worker)
    assert path == tmp_path / ".worker-ctx.json"
    assert context.read(path) == context.read(tmp_path) == context.read(str(tmp_path)) == worker
    assert os.listdir(tmp_path) == [context.FILE]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_has_the_promised_shape(worker: WorkerContext) -> None:
    content = context.write(replace(worker, created_at="2026-01-02T03:04:05.678Z")).read_bytes()
    assert content.isascii()
    assert list(json.loads(content).items()) == [
        ("schema", 1),
        ("task_id", 7),
        ("branch", "agent/7-fix"),
        ("worktree", worker.worktree),
        ("base", "main"),
        ("created_at", "2026-01-02T03:04:05.678Z"),
        ("description", "Fix 漢\x1b\u202e"),
    ]


@given(st.integers(1, 2**63 - 1), STORABLE, STORABLE, st.binary().filter(lambda raw: b"\0" not in raw))
def test_every_text_and_path_survives(number: int, text: str, base: str, raw: bytes) -> None:
    worker = context.create(task_id=number, branch=text, worktree="/" + os.fsdecode(raw), base=base, description=text)
    data = json.dumps({"schema": 1, **vars(worker)}).encode("ascii")
    assert context._parsed(data, Path("/x")) == worker
    assert os.fsencode(worker.worktree) == b"/" + raw


def test_a_worktree_whose_path_is_not_utf8_survives_the_file(tmp_path: Path) -> None:
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\n'b"))
    place.mkdir()
    worker = context.create(task_id=1, branch="b", worktree=place, base="main")
    assert context.read(context.write(worker)) == worker
    assert context.get(place).worktree == str(place)


def test_the_time_is_now_unless_it_is_given(tmp_path: Path) -> None:
    before = time.time()
    stamp = context.create(task_id=1, branch="b", worktree=tmp_path, base="m").created_at
    assert stamp.endswith("Z")
    assert before - 1 < time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone < before + 60
    assert context.create(task_id=1, branch="b", worktree=tmp_path, base="m", created_at="x").created_at == "x"


@pytest.mark.parametrize("wrong", [{"task_id": 0}, {"task_id": True}, {"branch": 5}, {"worktree": "relative"}])
def test_a_wrong_value_is_never_written(wrong: dict[str, object], worker: WorkerContext, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        context.write(replace(worker, **wrong), tmp_path)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []


def test_a_symbolic_link_is_refused_and_its_target_untouched(worker: WorkerContext, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text(json.dumps({"schema": 1, **vars(worker)}))
    before = victim.read_text()
    (tmp_path / context.FILE).symlink_to(victim)
    for attempt in (
        lambda: context.write(worker),
        lambda: context.read(tmp_path),
        lambda: context.get(tmp_path),
    ):
        assert refusal(attempt).code == "context-not-a-file"
    assert victim.read_text() == before
    assert sorted(os.listdir(tmp_path)) == [context.FILE, "victim"]


def test_a_dangling_link_is_refused_and_nothing_made(worker: WorkerContext, tmp_path: Path) -> None:
    (tmp_path / context.FILE).symlink_to(tmp_path / "nowhere")
    assert refusal(lambda: context.write(worker)).code == "context-not-a-file"
    assert os.listdir(tmp_path) == [context.FILE]


def test_a_hard_link_is_replaced_and_its_victim_untouched(worker: WorkerContext, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / context.FILE).hardlink_to(victim)
    context.write(worker)
    assert victim.read_text() == "precious"
    assert context.read(tmp_path) == worker


@pytest.mark.timeout(HUNG)
def test_a_fifo_is_refused_without_a_wait(worker: WorkerContext, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / context.FILE)
    assert "FIFO" in refusal(lambda: context.write(worker)).message
    assert refusal(lambda: context.read(tmp_path)).code == "context-not-a-file"


@pytest.mark.timeout(HUNG)
def test_what_comes_between_the_look_and_the_opening_is_neither_followed_nor_waited_for(
    worker: WorkerContext, tmp_path: Path
) -> None:
    path, elsewhere = context.write(worker), tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = context.write(replace(worker, task_id=666), elsewhere)
    with subprocess.Popen(
        [sys.executable, "-c", SWAPS_FOR_EVER, str(path), str(other)], stdout=subprocess.PIPE
    ) as swapper:
        assert swapper.stdout is not None
        try:
            swapper.stdout.readline()
            seen = {outcome(path) for _ in range(5000)}
        finally:
            swapper.kill()
    assert {"7", "context-not-a-file"} <= seen <= {"7", "context-not-a-file", "context-read"}


def test_a_directory_is_refused(worker: WorkerContext, tmp_path: Path) -> None:
    (tmp_path / context.FILE).mkdir()
    assert "is a directory" in refusal(lambda: context.write(worker)).message
    assert "is a directory" in refusal(lambda: context.read(tmp_path)).message


def test_a_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="device"):
        context._refuse_special(tmp_path, os.stat("/dev/null"))


def test_a_missing_worktree_is_said(worker: WorkerContext, tmp_path: Path) -> None:
    error = refusal(lambda: context.write(worker, tmp_path / "gone"))
    assert error.code == "context-write"
    assert "No such file" in error.message


def test_a_description_that_nobody_could_read_is_refused(worker: WorkerContext) -> None:
    large = replace(worker, description="x" * context.MAX_SIZE)
    assert refusal(lambda: context.write(large)).code == "context-too-large"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"schema": 1',
        b"[]",
        b"null",
        b"7",
        b"{}",
        b"\xff\xfe",
        b"[" * 100000,
        b'{"schema": "1"}',
        b'{"schema": true}',
        b'{"schema": 0}',
        b'{"schema": 1}',
        b'{"schema": 1' + b"0" * 5000,
        b'{"schema": 2}' + b" " * (1 << 20),
    ],
)
def test_a_damaged_file_is_said_to_be_damaged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / context.FILE).write_bytes(content)
    error = refusal(lambda: context.read(tmp_path))
    assert error.code == "context-damaged"
    assert "doctor" in error.hint
    assert "\n" not in error.message
    assert context.is_in_worktree(tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"task_id": "7"}, {"task_id": 1.0}, {"task_id": -1}, {"task_id": True}, {"base": None}]
)
def test_a_value_of_the_wrong_type_is_named(wrong: dict[str, object], worker: WorkerContext, tmp_path: Path) -> None:
    (tmp_path / context.FILE).write_text(json.dumps({"schema": 1, **vars(worker), **wrong}))
    assert next(iter(wrong)) in refusal(lambda: context.read(tmp_path)).message


def test_every_truncation_is_noticed(worker: WorkerContext) -> None:
    path = context.write(worker)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refusal(lambda: context.read(path)).code == "context-damaged"


def test_keys_of_a_later_version_are_ignored(worker: WorkerContext, tmp_path: Path) -> None:
    (tmp_path / context.FILE).write_text(json.dumps({"schema": 1, **vars(worker), "colour": ["blue"]}))
    assert context.read(tmp_path) == worker


def test_a_newer_schema_is_refused_with_the_way_out(worker: WorkerContext, tmp_path: Path) -> None:
    (tmp_path / context.FILE).write_text(json.dumps({**vars(worker), "schema": 2}))
    error = refusal(lambda: context.read(tmp_path))
    assert (error.code, error.hint) == ("context-schema", "upgrade git-agent")


def test_only_our_files_and_those_of_root_are_trusted() -> None:
    assert context._trusted(os.geteuid())
    assert context._trusted(0)
    assert not context._trusted(os.geteuid() + 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_passed_over(worker: WorkerContext) -> None:
    path = context.write(worker)
    os.chown(path, 4321, -1)
    assert context.find(path.parent) is None
    assert refusal(lambda: context.read(path)).code == "context-owner"


def outcome(path: Path) -> str:
    try:
        return str(context.read(path).task_id)
    except AgentError as error:
        return error.code


def refusal(attempt: object) -> AgentError:
    assert callable(attempt)
    with pytest.raises(AgentError) as caught:
        attempt()
    assert caught.value.hint
    return caught.value
