"""Read a log as it grows, from one file into the next, until its session has ended."""

from __future__ import annotations

import codecs
import os
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from git_agent.actions.running.logs import Log
from git_agent.app import App
from git_agent.errors import AgentError
from git_agent.proc import logfile
from git_agent.proc.logfile import OLDER_SUFFIX

_LOOK_S = 0.1
_CHUNK = 65536


def read(log: Log) -> Iterator[bytes]:
    """Yield what was printed, the older file first."""
    for path in (log.older, log.path):
        if path is not None:
            with _opened(path) as file:
                yield from _rest(file)


def follow(app: App, log: Log, *, check: bool = False) -> Iterator[bytes]:
    """Yield what was printed, and what is printed until it has ended. check: it is of a check, not of a session.

    An agent that fills two files between two looks, 80 MB in a second, is followed with a gap.
    """
    if log.older is not None:
        yield from read(Log(log.task, log.older, None))
    file = _opened(log.path)  # it is exchanged for the next one when it is full
    try:
        while True:
            going = _is_checked(log) if check else bool(app.store.sessions.unended(log.task.id))
            yield from _rest(file)
            following = _following(file.fileno(), log.path)
            if following:
                yield from _rest(file)  # what came between the last read and the exchange
                file.close()
                file = _opened(following)
            elif not going:
                return
            else:
                time.sleep(_LOOK_S)
    finally:
        file.close()


def _is_checked(log: Log) -> bool:
    """No record tells of a check that runs; its log is locked, under one name or the other."""
    return logfile.is_written(log.path) or logfile.is_written(log.path + OLDER_SUFFIX)


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield what was printed as whole lines of text, with their ends: a line that is written over is known at its end.

    One that does not end is yielded in pieces of 64 KB.
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
    """Name the file that goes on where the open one ended; None while that is written to."""
    mine, now, before = os.fstat(fd).st_ino, _inode(path), _inode(path + OLDER_SUFFIX)
    if now in (mine, None):
        return None
    return path if before in (mine, None) else path + OLDER_SUFFIX


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None
