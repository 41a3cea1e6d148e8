"""Make a store, and bring an older one up to date: numbered changes, each applied once, under the write lock."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Callable
from importlib import import_module
from typing import Any

from git_agent.errors import AgentError, Exit
from git_agent.store import errors
from git_agent.store.sqlite import apsw, utf8_name

APPLICATION_ID = 0x67616701  # "gag" 1: marks the file as ours for file(1) and for us
MIGRATIONS = ("m0001_tables", "m0002_what_git_did", "m0003_workers", "m0004_nothing_lost")
VERSION = len(MIGRATIONS)

# WAL needs shared memory that all writers see (https://sqlite.org/wal.html); over these it corrupts or can't lock.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "vboxsf", "drvfs", "ceph"})


def create(path: str) -> None:
    """Make a complete store at path, or leave the one that another process made first.

    It is built under another name and linked into place, so that whatever stands at path is never overwritten and a
    half-made store is never seen. Directory 0700, file 0600. Raises AgentError when the directory is not writable.
    """
    directory = os.path.dirname(path)
    temporary = f"{path}.new-{os.getpid()}-{os.urandom(4).hex()}"  # containers share pids
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            _build(temporary, wal=not is_remote(file_system(directory)))
            os.link(temporary, path)
            _sync(directory)
            _sync(os.path.dirname(directory))
        except FileExistsError:
            return
        finally:
            _remove(temporary)
    except OSError as error:
        raise AgentError(
            "store-not-writable",
            f"cannot make the store {path}: {error.strerror}",
            f"make {directory} writable",
        ) from error
    except apsw.Error as error:
        raise errors.translate(error, path) from error


def _remove(path: str) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + ending)


def _sync(directory: str) -> None:
    """Write a directory to the disk, where it can be: a power cut must not take away a name in it."""
    with contextlib.suppress(OSError):
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _build(path: str, *, wal: bool) -> None:
    with utf8_name(path) as openable:
        connection = apsw.Connection(openable)
    try:
        connection.execute("PRAGMA synchronous=FULL")
        if wal:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        _apply(connection.execute, 0)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _apply(execute: Callable[[str], Any], version: int) -> None:
    for name in MIGRATIONS[version:]:
        for statement in import_module(f"git_agent.store.migrations.{name}").STATEMENTS:
            execute(statement)
    execute(f"PRAGMA user_version={VERSION}")
    execute(f"PRAGMA application_id={APPLICATION_ID}")


def inspect(path: str) -> bool:
    """Tell whether a store stands at path.

    Raises AgentError for anything else in its place (a link, a directory, a FIFO, an empty file): it is not opened,
    since closing a descriptor of our own would drop SQLite's locks, and never overwritten.
    """
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise AgentError("store-not-readable", f"cannot look at {path}: {error.strerror}", "check its mode") from error
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO"}
    if not stat.S_ISREG(seen.st_mode):
        raise _foreign(path, kinds.get(stat.S_IFMT(seen.st_mode), "not a regular file"))
    if seen.st_size == 0:
        raise _foreign(path, "empty")
    return True


def _foreign(path: str, what: str) -> AgentError:
    directory = shlex.quote(os.path.dirname(path))  # with a log beside it: SQLite would take that for the new file's
    hint = f"mv {directory} {directory}.old, then git agent init"
    return AgentError("store-foreign", f"{path} is {what}, not a store; it is left as it is", hint)


def upgrade(database: Any) -> None:
    """Bring an open store to this program's version; of many processes one does it.

    Raises AgentError when the file is another program's, or newer than this program.
    """
    application, version = _stamp(database)
    if application != APPLICATION_ID:
        _leave_alone(database)
        raise _foreign(database.path, "another program's database")
    if version == VERSION:
        return
    if version > VERSION:
        _leave_alone(database)
        raise newer(version)
    with database.atomic("IMMEDIATE"):
        _, version = _stamp(database)
        if version < VERSION:
            _apply(database.execute_sql, version)


def _leave_alone(database: Any) -> None:
    """Keep a WAL that its owner left: the last connection that closes would write it into the file and delete it."""
    with contextlib.suppress(FileNotFoundError):
        if os.stat(database.path + "-wal").st_size:
            database.connection().config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def newer(version: int) -> AgentError:
    """Make the error of a store that a newer program wrote."""
    return AgentError(
        "store-newer",
        f"the store has schema {version}, this git-agent knows {VERSION}",
        "upgrade git-agent (uv tool upgrade git-agent, or pipx upgrade git-agent)",
        exit=Exit.ERROR,
    )


def _stamp(database: Any) -> tuple[int, int]:
    application = database.execute_sql("PRAGMA application_id").fetchone()[0]
    return application, database.execute_sql("PRAGMA user_version").fetchone()[0]


def look(database: Any) -> None:
    """Make sure that an open store can be examined, and change nothing in it.

    Raises AgentError when the file is another program's, newer than this program, or older: then its tables are not
    those that this program knows.
    """
    application, version = _stamp(database)
    _leave_alone(database)
    database.execute_sql("PRAGMA query_only=ON")
    if application != APPLICATION_ID:
        raise _foreign(database.path, "another program's database")
    if version > VERSION:
        raise newer(version)
    if version < VERSION:
        says = f"the store has schema {version}, this git-agent brings it to {VERSION}"
        raise AgentError("store-older", says, "git agent sync")


def is_remote(kind: str) -> bool:
    """Tell whether WAL can't be used on a file system of this kind."""
    return kind in _REMOTE


def file_system(directory: str) -> str:
    """Name the kind of file system that a directory is on, "" where that can't be known."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    real, best, kind = os.path.realpath(directory), "", ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        mount = fields.split()[4].replace("\\040", " ")
        if (real == mount or real.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, rest.split()[0]
    return kind
