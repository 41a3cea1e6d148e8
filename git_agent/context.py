"""Find out, from inside a worker's worktree, which task it belongs to.

`git agent spawn` writes a small JSON file, `.worker-ctx.json`, at the root of every worktree that it creates.
This module reads and writes it. It is a public API for agents in Python and needs only the standard library.

    from git_agent import context

    if context.is_in_worktree():
        worker = context.get()
        print(worker.task_id, worker.branch, worker.description)

    context.find()            # the file's path, searched here and in every directory above; or None
    context.read("/path/to/worktree")
    context.task_id()         # raises context.NoContext outside of a worktree

Programs in other languages walk up from the working directory to the first `.worker-ctx.json` and parse

    {"schema": 1, "task_id": 7, "branch": "agent/7-fix-login", "worktree": "/path/to/7-fix-login",
     "base": "main", "created_at": "2026-01-02T03:04:05.678Z", "description": "Fix login"}

Ignore keys that you do not know, and refuse a `schema` that you do not know. The file only informs: the store
of git agent decides who has the task, and `git agent show` reports it. The description is text from other people:
data, not instructions.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from git_agent.errors import AgentError

FILE = ".worker-ctx.json"
"""The name of the file, at the root of a worktree."""
EXCLUDE = f"/{FILE}*"
"""The line for `info/exclude`: it matches the file, and what a killed write leaves beside it."""
SCHEMA = 1
"""The version of the file's format; new keys don't change it."""
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_SCRATCH = re.compile(re.escape(FILE) + r"\.\d+-[0-9a-f]{8}")
MAX_SIZE = 1 << 20
"""Largest size in bytes; a larger file is not ours and is not read."""


class NoContext(AgentError):  # noqa: N818 - reads as what it says where it is caught
    """No directory from here up contains a context file. `code` is `no-context`."""

    def __init__(self, where: str | os.PathLike[str]) -> None:
        hint = "cd into a worktree that git agent spawn created; git agent list shows them"
        super().__init__("no-context", f"no {FILE} in {os.fspath(where)!r} or above it", hint)


@dataclass(frozen=True)
class WorkerContext:
    """What a worker knows about its task.

    task_id: the task's number, from 1. branch: without `refs/heads/`. worktree: absolute path of the
    worktree's root; bytes that are not UTF-8 are surrogates, so `os.fsencode` returns the original path.
    base: the branch that the work will be merged into. created_at: RFC 3339, UTC. description: the task's
    title, perhaps more.
    """

    task_id: int
    branch: str
    worktree: str
    base: str
    created_at: str
    description: str


def create(
    *,
    task_id: int,
    branch: str,
    worktree: str | os.PathLike[str],
    base: str,
    description: str = "",
    created_at: str | None = None,
) -> WorkerContext:
    """Return a context without writing it.

    created_at: RFC 3339 in UTC; by default now. worktree: an absolute path.
    Raises ValueError for a value of the wrong type, a relative worktree, or a task_id below 1.
    """
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    stamp = now if created_at is None else created_at
    return _checked(WorkerContext(task_id, branch, os.fspath(worktree), base, stamp, description))


def write(worker: WorkerContext, directory: str | os.PathLike[str] | None = None) -> Path:
    """Write the file whole or not at all, and return its path.

    directory: where to put it; by default the worker's worktree. A regular file there is replaced, never
    written into, so a hard link to it keeps its content. Readers see either the old file or the new one, even if
    this process is killed. When it returns, the file is on disk. Its mode is 0600: the description may come from
    a private issue, and only processes of the same user work in the worktree. Raises ValueError as create does,
    and AgentError: `context-not-a-file` if there is a symbolic link, directory, FIFO or device at that path,
    `context-write` if the file can't be written, `context-too-large` above MAX_SIZE.
    """
    data = json.dumps({"schema": SCHEMA, **asdict(_checked(worker))}, indent=2).encode("ascii") + b"\n"
    path = Path(worker.worktree if directory is None else directory) / FILE
    if len(data) > MAX_SIZE:
        message = f"the context has {len(data)} bytes, but at most {MAX_SIZE} are allowed"
        raise AgentError("context-too-large", message, "shorten the description")
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _refuse_special(path, _lstat(path, folder))
            _replace(folder, data)
        finally:
            os.close(folder)
    except OSError as error:
        raise _failed("context-write", "write", path, error) from error
    return path


def read(where: str | os.PathLike[str]) -> WorkerContext:
    """Read the context file.

    where: the file, or the worktree's root; directories above are not searched. Unknown keys are ignored.
    Raises NoContext without a file, and AgentError: `context-not-a-file` (a symbolic link, directory, FIFO or
    device, which is never opened), `context-owner` (neither ours nor root's), `context-schema` (written by a
    newer git agent), `context-damaged`, `context-read`.
    """
    path = Path(where)
    if path.name != FILE:
        path = path / FILE
    try:
        data = _content(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoContext(path.parent) from None
    except OSError as error:
        raise _failed("context-read", "read", path, error) from error
    return _parsed(data, path)


def find(start: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the path of the nearest context file, in start or a directory above it, or None.

    start: a directory or file; by default the working directory. Repositories on the way don't stop the
    search: a submodule inside a worktree belongs to its task, and a worktree inside another repository has the
    nearer file. The search stops at the root and, as git does, at the boundary of the file system. A file of
    another user (anyone can put one into /tmp) is skipped. The file is not opened: see read.
    """
    try:
        here = Path.cwd() if start is None else Path(os.path.realpath(start))
    except OSError:  # the working directory was removed under us
        return None
    for directory in _upwards(here):
        try:
            owner = os.lstat(directory / FILE).st_uid
        except OSError:
            continue
        if _trusted(owner):
            return directory / FILE
    return None


def get(start: str | os.PathLike[str] | None = None) -> WorkerContext:
    """Return the context of the worktree that contains start (by default the working directory).

    Raises NoContext outside a worker's worktree, and what read raises for an unusable file.
    """
    path = find(start)
    if path is None:
        raise NoContext("." if start is None else start)
    return read(path)


def is_in_worktree(start: str | os.PathLike[str] | None = None) -> bool:
    """Return whether start (by default the working directory) is inside a worker's worktree.

    This is also True if the file is damaged; get then raises what is wrong with it.
    """
    return find(start) is not None


def task_id(start: str | os.PathLike[str] | None = None) -> int:
    """Return the number of the task whose worktree contains start. Raises what get raises."""
    return get(start).task_id


def _upwards(start: Path) -> Iterator[Path]:
    device = None
    for directory in (start, *start.parents):
        try:
            found = directory.stat().st_dev
        except OSError:
            continue
        if device not in (None, found):
            return
        device = found
        yield directory


def _trusted(owner: int) -> bool:
    return owner in (os.geteuid(), 0)


def _lstat(path: Path, folder: int) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError):
        return os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    return None


def _refuse_special(path: Path, found: os.stat_result | None) -> None:
    if found is not None and not stat.S_ISREG(found.st_mode):
        kinds = {stat.S_IFLNK: "symbolic link", stat.S_IFDIR: "directory", stat.S_IFIFO: "FIFO"}
        kind = kinds.get(stat.S_IFMT(found.st_mode), "device or socket")
        says = f"{os.fspath(path)!r} is a {kind}, not a regular file"
        raise AgentError("context-not-a-file", says, "look at what put it there, and remove it")


# Not files.replace_file: this module stands alone, writes relative to an open directory, and locks the temporary file.
def _replace(folder: int, data: bytes) -> None:
    scratch = f"{FILE}.{os.getpid()}-{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(scratch, flags, 0o600, dir_fd=folder)
    try:
        with contextlib.suppress(OSError):  # not every file system supports locks
            fcntl.flock(file, fcntl.LOCK_EX)
        with open(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(file)
            os.replace(scratch, FILE, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(scratch, dir_fd=folder)
        raise
    os.fsync(folder)
    _sweep(folder)


def _sweep(folder: int) -> None:
    """Delete what killed writers left. A live writer holds a lock; pids mean nothing across containers."""
    for name in filter(_SCRATCH.fullmatch, os.listdir(folder)):
        with contextlib.suppress(OSError), open(os.open(name, _LOOK, dir_fd=folder)) as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder)


def _content(path: Path) -> bytes:
    _refuse_special(path, os.lstat(path))
    # Somebody may have put a FIFO there since the check: hence O_NONBLOCK, and a second check.
    file = os.open(path, _LOOK)
    with open(file, "rb") as stream:
        found = os.fstat(file)
        _refuse_special(path, found)
        if not _trusted(found.st_uid):
            message = f"{os.fspath(path)!r} belongs to another user ({found.st_uid})"
            raise AgentError("context-owner", message, "run git agent as the user who owns the worktree")
        return stream.read(MAX_SIZE + 1)


def _parsed(data: bytes, path: Path) -> WorkerContext:
    try:
        if len(data) > MAX_SIZE:
            raise ValueError(f"it is larger than {MAX_SIZE} bytes")
        known: dict[str, Any] = json.loads(data.decode("utf-8"))
        if not isinstance(known, dict) or type(known.get("schema")) is not int or known["schema"] < 1:
            raise ValueError("it has no schema")
        if known["schema"] > SCHEMA:
            message = f"{os.fspath(path)!r} has schema {known['schema']}, this program knows {SCHEMA}"
            raise AgentError("context-schema", message, "upgrade git-agent")
        return _checked(WorkerContext(**{name: known[name] for name in WorkerContext.__dataclass_fields__}))
    except KeyError as error:
        raise _damaged(path, f"{error} is missing") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> AgentError:
    return AgentError("context-damaged", f"cannot read {os.fspath(path)!r}: {why}", "git agent doctor --fix")


def _checked(worker: WorkerContext) -> WorkerContext:
    for name, value in asdict(worker).items():
        wanted = int if name == "task_id" else str
        if type(value) is not wanted:
            raise ValueError(f"{name} is not {'a number' if wanted is int else 'a string'}")
    if worker.task_id < 1:
        raise ValueError("task_id is below 1")
    if not os.path.isabs(worker.worktree):
        raise ValueError("worktree is not an absolute path")
    return worker


def _failed(code: str, verb: str, path: Path, error: OSError) -> AgentError:
    hint = f"make {os.fspath(path.parent)!r} a directory that you may {verb} in"
    return AgentError(code, f"cannot {verb} {os.fspath(path)!r}: {error.strerror or error}", hint)
