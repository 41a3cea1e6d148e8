"""Read a log as it grows, across rotations, until its session has ended."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from git_agent.actions.running.logs import Log
from git_agent.app import App
from git_agent.errors import AgentError
from git_agent.proc import logfile
from git_agent.proc.logfile import OLDER_SUFFIX
from git_agent.store.changes import ChangeWatch

_LOOK_S = 1.0  # seconds until the end of a check is noticed, which only its lock shows
_CHUNK = 65536


def read(log: Log) -> Iterator[bytes]:
    """Yield the output in a log, the older file first."""
    for path in (log.older, log.path):
        if path is not None:
            with _opened(path) as file:
                yield from _rest(file)


def follow(app: App, log: Log, *, check: bool = False) -> Iterator[bytes]:
    """Yield the output in a log, and new output until the session or check ends.

    check: whether the log belongs to a check instead of a session
    An agent that fills two files between two reads (80 MB in a second) leaves a gap.
    """
    if log.older is not None:
        yield from read(Log(log.task, log.older, None))
    file = _opened(log.path)  # replaced by the next file when it is full
    changes = ChangeWatch(app.store_dir)
    changes.add([os.path.dirname(log.path)])
    try:
        while True:
            going = _is_checked(log) if check else bool(app.store.sessions.unended(log.task.id))
            yield from _rest(file)
            following = _following(file.fileno(), log.path)
            if following:
                yield from _rest(file)  # written between the last read and the rotation
                file.close()
                file = _opened(following)
            elif not going:
                return
            else:
                changes.wait(_LOOK_S)
    finally:
        changes.close()
        file.close()


def _is_checked(log: Log) -> bool:
    """Return whether a check runs. The store does not record this, but its log is locked under one of two names."""
    return logfile.is_written(log.path) or logfile.is_written(log.path + OLDER_SUFFIX)


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield output as whole lines of text with their line ends, so that a line with carriage returns is complete.

    A line that does not end is yielded in pieces of 64 KB.
    """
    decoder, held = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for chunk in chunks:
        whole, end, held = (held + decoder.decode(chunk)).rpartition("\n")
        if end:
            yield whole + end
        if len(held) >= _CHUNK:
            yield held
            held = ""
    yield held + decoder.decode(b"", final=True)


def _opened(path: str) -> BinaryIO:
    try:
        return logfile.open_log(path)
    except OSError as error:
        raise AgentError("log-unreadable", f"cannot read {path}: {error.strerror}", f"ls -l '{path}'") from error


def _rest(file: BinaryIO) -> Iterator[bytes]:
    while data := file.read(_CHUNK):
        yield data


def _following(fd: int, path: str) -> str | None:
    """Return the file that continues the open one; None while the open file is still in use."""
    mine, now, before = os.fstat(fd).st_ino, _inode(path), _inode(path + OLDER_SUFFIX)
    if now in (mine, None):
        return None
    return path if before in (mine, None) else path + OLDER_SUFFIX


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None
