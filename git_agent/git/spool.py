"""The spool: the directory in which hooks note what a look at git alone would not show, a file for each note."""

from __future__ import annotations

import contextlib
import os
import time
from typing import NamedTuple

from git_agent.git.run import decode

_MOVED = "moved"  # only says: look at git; written again and again under one name
_LONGEST = 1_000_000  # bytes; a push of a thousand refs has a fifth of it


class Note(NamedTuple):
    """One file of the spool. age_s: seconds since it was written."""

    path: str
    age_s: float


def take_moved(directory: str) -> bool:
    """Take the note that git is worth a look; do it before looking, so that a later one is not taken for this one."""
    try:
        os.unlink(os.path.join(directory, _MOVED))
    except OSError:
        return False
    return True


def has_moved(directory: str) -> bool:
    """Tell whether git is noted to be worth a look."""
    return os.path.exists(os.path.join(directory, _MOVED))


def notes(directory: str) -> list[Note]:
    """List the notes that hold something, the oldest first."""
    try:
        with os.scandir(directory) as entries:
            files = [(e.stat(follow_symlinks=False), e) for e in entries if e.name != _MOVED and e.is_file()]
    except OSError:
        return []
    now = time.time()
    ordered = sorted(files, key=lambda each: (each[0].st_mtime_ns, each[1].name))
    return [Note(entry.path, now - seen.st_mtime) for seen, entry in ordered]


def read_note(path: str) -> str | None:
    """Read a note as it is now; None when it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(fd, "rb") as file:
        return decode(file.read(_LONGEST))


def delete_note(path: str) -> None:
    """Delete a note that was applied; where that fails it is applied again, which changes nothing."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def postpone(path: str, tries: int) -> bool:
    """Keep a note for another try; False when it was tried that often already."""
    if path.endswith("~" * tries):
        return False
    with contextlib.suppress(OSError):  # another process applied it meanwhile, or the disk is at fault
        os.rename(path, path + "~")
    return True


def readable(text: str) -> str:
    """Return a text whose bytes may not all be UTF-8 as one that any store can hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
