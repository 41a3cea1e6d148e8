"""The files of a database, as the file system shows them: they can be examined when the database can't be opened."""

from __future__ import annotations

import os
import stat

from git_agent.store import errors


class SqliteFiles:
    """The database files in a store's directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        """List what belongs to the database in the directory, the database first; none where it is not a file."""
        path = os.path.join(self.directory, "agent.db")
        return [
            name for end in ("", "-wal", "-shm", "-journal") if _is_plain(path) and os.path.lexists(name := path + end)
        ]

    def wrong_modes(self) -> list[tuple[str, int, int]]:
        """List the directory and the files that others may enter or read: path, mode, and the mode it should have."""
        wanted = [(self.directory, 0o700), *((path, 0o600) for path in self.names() if _is_plain(path))]
        modes = [(path, stat.S_IMODE(os.stat(path).st_mode), mode) for path, mode in wanted]
        return [(path, held, mode) for path, held, mode in modes if held & 0o077]

    def links(self) -> int:
        """Count the names that the database has: hard links."""
        return os.lstat(os.path.join(self.directory, "agent.db")).st_nlink

    def wal_size(self) -> int:
        """Measure the write-ahead log in bytes, 0 without one."""
        try:
            return os.stat(os.path.join(self.directory, "agent.db-wal")).st_size
        except FileNotFoundError:
            return 0

    def stopped_writer(self) -> str | None:
        """Name the process that holds the write lock and is stopped; None when there is none, or it can't be known."""
        holder = errors.write_lock_holder(os.path.join(self.directory, "agent.db"))
        return holder if holder is not None and holder.endswith("stopped") else None


def _is_plain(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)
