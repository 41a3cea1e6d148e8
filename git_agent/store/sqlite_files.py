"""The files of a database as the file system shows them, for checks that work when the database can't be opened."""

from __future__ import annotations

import os
import stat

from git_agent.store import errors


class SqliteFiles:
    """The database files in a store's directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        """List the paths of the database and its companion files, the database first.

        Empty if the database is not a regular file.
        """
        path = os.path.join(self.directory, "agent.db")
        return [
            name for end in ("", "-wal", "-shm", "-journal") if _is_plain(path) and os.path.lexists(name := path + end)
        ]

    def wrong_modes(self) -> list[tuple[str, int, int]]:
        """List the directory and files that other users can access: path, current mode, and correct mode."""
        wanted = [(self.directory, 0o700), *((path, 0o600) for path in self.names() if _is_plain(path))]
        modes = [(path, stat.S_IMODE(os.stat(path).st_mode), mode) for path, mode in wanted]
        return [(path, held, mode) for path, held, mode in modes if held & 0o077]

    def links(self) -> int:
        """Return the number of hard links of the database."""
        return os.lstat(os.path.join(self.directory, "agent.db")).st_nlink

    def wal_size(self) -> int:
        """Return the size of the write-ahead log in bytes, 0 if there is none."""
        try:
            return os.stat(os.path.join(self.directory, "agent.db-wal")).st_size
        except FileNotFoundError:
            return 0

    def stopped_writer(self) -> str | None:
        """Describe the stopped process that holds the write lock. None if there is none or it can't be determined."""
        holder = errors.write_lock_holder(os.path.join(self.directory, "agent.db"))
        return holder if holder is not None and holder.endswith("stopped") else None


def _is_plain(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)
