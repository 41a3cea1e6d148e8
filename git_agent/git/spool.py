"""The spool: a directory in which hooks note what can't be read from git alone, one file for each note."""

from __future__ import annotations

import contextlib
import os
import time

from git_agent.git.run import decode
from git_agent.record import Record

_MOVED = "moved"  # says only that git changed; rewritten under one name
_SHOWN = 80  # characters of a path or ref in a message
_LONGEST = 1_000_000  # bytes; a push of a thousand refs takes a fifth of it


class Note(Record):
    """One file of the spool. age_s: seconds since it was written."""

    path: str
    age_s: float


def note_moved(directory: str) -> bool:
    """Note that git changed, as hooks do; return whether there is a spool."""
    try:
        os.close(os.open(os.path.join(directory, _MOVED), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError:
        return False
    return True


def take_moved(directory: str) -> bool:
    """Remove the note that git changed; return whether there was one.

    Call it before reading git's state, so that a later note is not lost.
    """
    try:
        os.unlink(os.path.join(directory, _MOVED))
    except OSError:
        return False
    return True


def has_moved(directory: str) -> bool:
    """Tell whether a note says that git changed."""
    return os.path.exists(os.path.join(directory, _MOVED))


def notes(directory: str) -> list[Note]:
    """List the notes that are not empty, oldest first."""
    try:
        with os.scandir(directory) as entries:
            files = [(e.stat(follow_symlinks=False), e) for e in entries if e.name != _MOVED and e.is_file()]
    except OSError:
        return []
    now = time.time()
    ordered = sorted(files, key=lambda each: (each[0].st_mtime_ns, each[1].name))
    return [Note(entry.path, now - seen.st_mtime) for seen, entry in ordered]


def read_note(path: str) -> str | None:
    """Return the present text of a note, None when it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(fd, "rb") as file:
        return decode(file.read(_LONGEST))


def delete_note(path: str) -> None:
    """Delete a note that was applied. If that fails it is applied again, which changes nothing."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def postpone(path: str, tries: int) -> bool:
    """Keep a note for another try; return False when it was already tried that often."""
    if path.endswith("~" * tries):
        return False
    with contextlib.suppress(OSError):  # another process has applied it, or the disk failed
        os.rename(path, path + "~")
    return True


def quoted(text: str) -> str:
    """Return a path or ref from a note in quotes and cut in its middle, for a message: it may read like a sentence."""
    half = _SHOWN // 2
    return repr(readable(text if len(text) <= _SHOWN else f"{text[:half]}…{text[-half:]}"))


def readable(text: str) -> str:
    """Return a text that any store can hold: bytes that are not UTF-8 are replaced."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
