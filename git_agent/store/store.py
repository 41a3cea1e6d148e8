"""The open store: its nouns, its transactions, and waiting for another process's change.

Only this module imports the SQLite engine. A noun runs the printed statements (store/statements.py) with `rows` and
`change`, and the few that are written as text with `sql` and `each`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from git_agent.errors import AgentError
from git_agent.store import errors, migrate
from git_agent.store.known import Known, only_reads
from git_agent.store.sql import Together, expanded
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
    from git_agent.store.queue import Queue
    from git_agent.store.sessions import Sessions
    from git_agent.store.sqlite_files import SqliteFiles
    from git_agent.store.stale import Stale
    from git_agent.store.tasks import Tasks

FILE = "agent.db"

# The nouns: each is a module of this package and a class in it, loaded on first use.
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
    "queue": "Queue",
    "sessions": "Sessions",
    "stale": "Stale",
    "tasks": "Tasks",
}


class Store:
    """One repository's store, with one connection for each thread. Open it with Store.open.

    evidence_of: returns what suggests that somebody else acted in the name of an actor; it is recorded in events.
    """

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
    queue: Queue
    sessions: Sessions
    stale: Stale
    tasks: Tasks

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches = threading.local()
        self._known = Known()
        self.evidence_of: Callable[[str], Sequence[str]] = lambda actor: ()

    def __getattr__(self, name: str) -> Any:
        """Create a noun of this store and cache it. Raises AttributeError for any other name."""
        if name not in _NOUNS:
            raise AttributeError(f"a store has no '{name}'", name=name, obj=self)
        noun = getattr(import_module(f"git_agent.store.{name}"), _NOUNS[name])(self)
        self.__dict__[name] = noun
        return noun

    @classmethod
    def open(cls, directory: str, *, create: bool, examines: bool = False) -> Store:
        """Open the store in a directory.

        directory: `<git common dir>/git-agent`
        create: create the store if there is none
        examines: change nothing in it, not even its version
        Raises AgentError when there is no store (`no-store`), when something else is in its place, and for an older
        store that may only be examined (`store-older`).
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
            (migrate.check_version if examines else migrate.upgrade)(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @staticmethod
    def stands_in(directory: str) -> bool:
        """Return whether a directory contains a store. Raises AgentError for anything else in its place."""
        return migrate.inspect(os.path.join(directory, FILE))

    @staticmethod
    def files(directory: str) -> SqliteFiles:
        """Return the database files in a directory. The store may be damaged."""
        from git_agent.store.sqlite_files import SqliteFiles

        return SqliteFiles(directory)

    @property
    def path(self) -> str:
        """Return the path of the database file."""
        return self._database.path

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock (BEGIN IMMEDIATE), and commit at the end. Do not run git or other programs inside.

        Raises AgentError: exit 6 when the lock is not free in time, exit 1 for a full disk or a replaced file.
        """
        self._known.forget()
        with self._database.transaction():
            yield

    def rows(self, statement: str, **params: Any) -> list[tuple[Any, ...]]:
        """Run a printed statement and list its rows. Raises AgentError, and Violation when a constraint forbids it.

        params: the values of its parameters by name; lists where it has lists
        """
        text, values = expanded(statement, params)
        if (known := self._known.find(self._database, text, values)) is None:
            known = self._known.run(self._database, text, values)
        return list(known)

    def known(self, statement: str, **params: Any) -> list[tuple[Any, ...]] | None:
        """List the rows of a statement without running it; None unless they were read just now."""
        return self._known.find(self._database, *expanded(statement, params))

    def read_together(self, together: Together, **params: Any) -> None:
        """Run several statements as one. `rows` then needs to run none of them, until somebody changes something.

        params: the values of all their parameters by name
        """
        self._known.run_together(self._database, together, params)

    def change(self, statement: str, **params: Any) -> int:
        """Run a printed statement that changes rows, and return their number. Raises as rows does."""
        self._known.forget()
        return self._database.change(*expanded(statement, params))

    def sql(self, text: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement given as text and list its rows. Raises as rows does."""
        if not only_reads(text):
            self._known.forget()
        return self._database.rows(text, params)

    def each(self, text: str, params: tuple[Any, ...] | dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Run a statement given as text and yield its rows, for results too long to be kept."""
        return self._database.each(text, params)

    def now(self) -> int:
        """Read the database's clock: milliseconds since the epoch."""
        return self._database.now()

    def wait_for_change(
        self, timeout_s: float | None, seen: int | None = None, *, until: Callable[[], bool] = lambda: False
    ) -> int:
        """Wait until another connection commits.

        timeout_s: seconds to wait at most, None for no limit
        seen: the number that the last call returned, so that no change between two calls is missed
        until: called at each wake-up; the wait ends when it returns True
        Returns the current number (SQLite's data_version), also after a timeout.
        Raises AgentError when other processes could change nothing while this one waits.
        """
        now = self._database.version()
        if timeout_s == 0 or seen not in (None, now):
            return now
        if self._database.alone:
            raise errors.no_waiting(self.path)
        watch = self._watching()
        first, deadline = now, math.inf if timeout_s is None else time.monotonic() + timeout_s
        while not until() and (left := deadline - time.monotonic()) > 0:
            watch.wait(left)
            now = self._database.version()
            if now != first:
                break
        return now

    def also_wake_for(self, directories: Iterable[str]) -> None:
        """Let changes in further directories wake this thread's waits too; what they mean, `until` must find out."""
        self._watching().add(directories)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Give this thread its own connection for beats. A power cut may lose what it writes (synchronous=NORMAL)."""
        self._known.forget()
        self._database.connect()
        try:
            self._database.rows("PRAGMA synchronous=NORMAL", ())
            yield
        finally:
            self._known.forget()
            self._database.close()

    def check(self) -> None:
        """Check that the store is still in place. Raises AgentError when its file was deleted or replaced."""
        self._database.check_identity()

    def _watching(self) -> ChangeWatch:
        """Return this thread's watch. It stays open between waits, so that a write in between ends the next wait."""
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
        self._known.forget()
        watch: ChangeWatch | None = self._watches.__dict__.pop("watch", None)
        if watch is not None:
            watch.close()
        self._database.close()
