"""What commands remember for the next ones, in files of this clone. Losing or changing it costs time, nothing else.

A caller must be right with any numbers that read_cache returns: somebody may have written the file, and a command that
is killed may leave half of it.
"""

from __future__ import annotations

import contextlib
import os

_LONGEST = 64 * 1024  # bytes


def read_cache(store_dir: str, name: str) -> dict[str, int]:
    """Return the numbers that were remembered under a name; those that can't be read are left out.

    store_dir: the store's directory.
    """
    found: dict[str, int] = {}
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # what stands there may be a FIFO
    with contextlib.suppress(OSError, ValueError), open(os.open(_path(store_dir, name), flags), "rb") as file:
        for line in file.read(_LONGEST).decode("ascii").splitlines():
            key, _, number = line.partition(" ")
            found[key] = int(number)
    return found


def write_cache(store_dir: str, name: str, values: dict[str, int]) -> None:
    """Remember numbers under a name. Where that is impossible, nothing is remembered."""
    content = "".join(f"{key} {number}\n" for key, number in values.items())
    with contextlib.suppress(OSError):
        os.makedirs(os.path.join(store_dir, "cache"), exist_ok=True)
        # Not through another file and a rename: nobody would remove the file of a command that was killed.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(_path(store_dir, name), flags, 0o666), "wb") as file:
            file.write(content.encode("ascii"))


def _path(store_dir: str, name: str) -> str:
    return os.path.join(store_dir, "cache", name)
