"""The open store: its nouns, its transactions, and waiting for somebody else's change.

Only this module imports what is specific to SQLite. A noun runs its queries through `run`, `tuples` and their kin.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from git_agent.errors import AgentError
from git_agent.store import errors, migrate
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.sqlite import Database, require_sound

if TYPE_CHECKING:
    from git_agent.store.addresses import Addresses
    from git_agent.store.attempts import Attempts
    from git_agent.store.audit import Audit
    from git_agent.store.changes import ChangeWatch
    from git_agent.store.deliveries import Deliveries
    from git_agent.store.events import Events
    from git_agent.store.integrity import Integrity
    from git_agent.store.intents import Intents
    from git_agent.store.last_seen import LastSeen
    from git_agent.store.leases import Leases
    from git_agent.store.locks import Locks
    from git_agent.store.merge_cache import MergeCache
    from git_agent.store.messages import Messages
    from git_agent.store.meta import Meta
    from git_agent.store.names import Names
    from git_agent.store.path_claims import PathClaims
    from git_agent.store.sessions import Sessions
    from git_agent.store.sqlite_files import SqliteFiles
    from git_agent.store.stale import Stale
    from git_agent.store.tasks import Tasks

FILE = "agent.db"

# The nouns: each is a module of this package and a class in it, loaded when it is first asked for.
_NOUNS = {
    "addresses": "Addresses",
    "attempts": "Attempts",
    "audit": "Audit",
    "deliveries": "Deliveries",
    "events": "Events",
    "integrity": "Integrity",
    "intents": "Intents",
    "last_seen": "LastSeen",
    "leases": "Leases",
    "locks": "Locks",
    "merge_cache": "MergeCache",
    "messages": "Messages",
    "meta": "Meta",
    "names": "Names",
    "path_claims": "PathClaims",
    "sessions": "Sessions",
    "stale": "Stale",
    "tasks": "Tasks",
}


class Store:
    """One repository's store. Open it with Store.open; one connection a thread."""

    addresses: Addresses
    attempts: Attempts
    audit: Audit
    deliveries: Deliveries
    events: Events
    integrity: Integrity
    intents: Intents
    last_seen: LastSeen
    leases: Leases
    locks: Locks
    merge_cache: MergeCache
    messages: Messages
    meta: Meta
    names: Names
    path_claims: PathClaims
    sessions: Sessions
    stale: Stale
    tasks: Tasks

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches = threading.local()

    def __getattr__(self, name: str) -> Any:
        """Make a noun of this store and keep it. Raises AttributeError for anything else."""
        if name not in _NOUNS:
            raise AttributeError(f"a store has no '{name}'", name=name, obj=self)
        noun = getattr(import_module(f"git_agent.store.{name}"), _NOUNS[name])(self)
        self.__dict__[name] = noun
        return noun

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

    @staticmethod
    def files(directory: str) -> SqliteFiles:
        """Return the database files in a directory; the store need not be sound."""
        from git_agent.store.sqlite_files import SqliteFiles

        return SqliteFiles(directory)

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

    def run(self, query: Any) -> Any:
        """Run a peewee query; return what peewee does: the number of changed rows, or the key of an inserted one."""
        return query.execute(self._database)

    def exists(self, query: Any) -> bool:
        """Tell whether a query finds anything."""
        return bool(query.exists(self._database))

    def dicts(self, query: Any) -> list[dict[str, Any]]:
        """Run a peewee query and list its rows as dictionaries. Raises AgentError for a row that can't be read."""
        with self._readable():
            return list(query.dicts().execute(self._database))

    def tuples(self, query: Any) -> list[tuple[Any, ...]]:
        """Run a peewee query and list its rows as the database has them: converting each value costs 30 us a task.

        A path is still encoded: see PathField.
        """
        with self._readable():
            return list(self._database.execute(query))

    def sql(self, text: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement written as text and list its rows, in half the time that execute_sql takes."""
        return self._database.rows(text, params)

    def execute_sql(self, text: str, params: tuple[Any, ...] = ()) -> Any:
        """Run a statement written as text; return its cursor. Raises peewee.IntegrityError as it is."""
        return self._database.execute_sql(text, params)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise errors.damaged(self.path, "a text that is not UTF-8") from error

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

    def _watching(self) -> ChangeWatch:
        """One for each thread, kept between two waits, so that what is written meanwhile is told of by the next."""
        from git_agent.store.changes import ChangeWatch

        watch: ChangeWatch | None = getattr(self._watches, "watch", None)
        if watch is None:
            watch = self._watches.watch = ChangeWatch(os.path.dirname(self.path))
        return watch

    def reopen(self) -> None:
        """Close this thread's connection and open a new one. Raises AgentError as open does."""
        self.close()
        self._database.connect()

    def close(self) -> None:
        """Close this thread's connection."""
        watch: ChangeWatch | None = self._watches.__dict__.pop("watch", None)
        if watch is not None:
            watch.close()
        self._database.close()

    def _data_version(self) -> int:
        return int(self._database.rows("PRAGMA data_version", ())[0][0])
