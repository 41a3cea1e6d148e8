"""The open store: where it is, its transactions, and waiting for somebody else's change."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from git_agent.errors import AgentError
from git_agent.store import migrate, schema
from git_agent.store.engine import NOW_MS, Database, peewee, require_sound

if TYPE_CHECKING:
    from git_agent.store.waking import Watch

FILE = "agent.db"


class Store:
    """One repository's store. Open it with Store.open; one connection a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches = threading.local()

    @classmethod
    def open(cls, directory: str, *, create: bool, examines: bool = False) -> Store:
        """Open the store in a directory.

        directory: `<git common dir>/git-agent`; create: make it where there is none; examines: change nothing in it,
        not even its version. Raises AgentError (code `no-store`) where there is none, for anything else that stands in
        its place, and for an older store (`store-older`) that is only to be examined.
        """
        require_sound()
        path = os.path.join(directory, FILE)
        if not migrate.inspect(path):
            if not create:
                raise AgentError("no-store", "git agent is not set up in this repository", "git agent init")
            migrate.create(path)
        database = Database(path)
        schema.database.initialize(database)
        try:
            database.connect()
            (migrate.look if examines else migrate.upgrade)(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @staticmethod
    def stands_in(directory: str) -> bool:
        """Tell whether a directory has a store. Raises AgentError for anything else in its place."""
        return migrate.inspect(os.path.join(directory, FILE))

    @property
    def path(self) -> str:
        """Name the database file."""
        return self._database.path

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock (BEGIN IMMEDIATE) and commit at the end; nothing else runs in it, no git, no program.

        Raises AgentError: exit 6 when the lock could not be had, a clear line for a full disk or a replaced file.
        """
        with self._database.atomic("IMMEDIATE"):
            yield

    def now(self) -> int:
        """Read the database's clock: milliseconds since the epoch."""
        return int(self._database.execute(peewee.Select(columns=[NOW_MS])).fetchone()[0])

    def wait_for_change(self, timeout_s: float | None, seen: int | None = None) -> int:
        """Wait until another connection has committed.

        timeout_s: None waits for ever; seen: the last returned number, so that no change is missed between calls.
        Returns the present number (SQLite's data_version), also when the time is up.
        """
        now = self._data_version()
        if timeout_s == 0 or seen not in (None, now):
            return now
        watch = self._watching()
        first, deadline = now, None if timeout_s is None else time.monotonic() + timeout_s
        for pause in watch.waits():
            now = self._data_version()
            left = pause if deadline is None else deadline - time.monotonic()
            if now != first or left <= 0:
                break
            watch.wait(min(pause, left))
        return now

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Give this thread a connection of its own, for beats: what it writes may be lost in a power cut (NORMAL)."""
        with self._database.connection_context():
            self._database.execute_sql("PRAGMA synchronous=NORMAL")
            yield

    def check(self) -> None:
        """Look whether the store is where it was. Raises AgentError when its file was deleted or replaced."""
        self._database.check_identity()

    def _watching(self) -> Watch:
        """One for each thread, kept between two waits, so that what is written meanwhile is told of by the next."""
        from git_agent.store.waking import Watch

        watch: Watch | None = getattr(self._watches, "watch", None)
        if watch is None:
            watch = self._watches.watch = Watch(os.path.dirname(self.path))
        return watch

    def close(self) -> None:
        """Close this thread's connection."""
        watch: Watch | None = self._watches.__dict__.pop("watch", None)
        if watch is not None:
            watch.close()
        self._database.close()

    def _data_version(self) -> int:
        return int(self._database.rows("PRAGMA data_version", ())[0][0])
