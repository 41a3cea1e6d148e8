"""Read a log as it grows, from one file into the next, until its session has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from git_agent.actions.logs import Log

_LOOK_S = 0.1
_CHUNK = 65536


def read(log: Log) -> Iterator[bytes]:
    """Yield what was printed, the older file first."""
    for path in (log.older, log.path):
        if path is not None:
            with open(path, "rb") as file:
                while data := file.read(_CHUNK):
                    yield data


def follow(log: Log, runs: Callable[[], bool]) -> Iterator[bytes]:
    """Yield what was printed, and what is printed until it has ended. runs: asked whether something does."""
    if log.older is not None:
        yield from read(Log(log.task, log.older, None))
    file = open(log.path, "rb")  # noqa: SIM115 - it is exchanged for the next one when it is full
    try:
        while True:
            going = runs()
            while data := file.read(_CHUNK):
                yield data
            if _is_replaced(file.fileno(), log.path):
                file.close()
                file = open(log.path, "rb")  # noqa: SIM115
            elif not going:
                return
            else:
                time.sleep(_LOOK_S)
    finally:
        file.close()


def _is_replaced(fd: int, path: str) -> bool:
    try:
        return os.fstat(fd).st_ino != os.stat(path).st_ino
    except FileNotFoundError:
        return False
