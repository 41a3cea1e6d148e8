"""Create a store, and upgrade an older one by numbered migrations, each applied once under the write lock."""

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

APPLICATION_ID = 0x67616701  # "gag" 1: identifies the file to file(1) and to us
MIGRATIONS = (
    "m0001_tables",
    "m0002_what_git_did",
    "m0003_workers",
    "m0004_nothing_lost",
    "m0005_holds",
    "m0006_places",
    "m0007_queue",
)
VERSION = len(MIGRATIONS)
LOWEST = "lowest-schema"
"""The key in meta of the lowest schema whose programs may still write. A migration that these can't bear raises it."""

# WAL needs memory shared by all writers (https://sqlite.org/wal.html). On these file systems it corrupts or can't lock.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "vboxsf", "drvfs", "ceph"})


def create(path: str) -> None:
    """Create a complete store at path, unless another process creates it first.

    The store is built under another name and linked into place. Nothing at path is ever overwritten, and nobody sees a
    partial store. The directory has mode 0700, the file 0600.
    Raises AgentError when the directory is not writable.
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
            f"cannot create the store {path}: {error.strerror}",
            f"make {directory} writable",
        ) from error
    except apsw.Error as error:
        raise errors.translate(error, path) from error


def _remove(path: str) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + ending)


def _sync(directory: str) -> None:
    """Flush a directory to the disk where possible, so that a power cut does not lose a name in it."""
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
    """Return whether there is a store at path. The file is not opened: closing it again would drop SQLite's locks.

    Raises AgentError for anything else at path (a link, a directory, a FIFO, an empty file), which is never
    overwritten.
    """
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise AgentError("store-not-readable", f"cannot access {path}: {error.strerror}", "check its mode") from error
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO"}
    if not stat.S_ISREG(seen.st_mode):
        raise _foreign(path, kinds.get(stat.S_IFMT(seen.st_mode), "not a regular file"))
    if seen.st_size == 0:
        raise _foreign(path, "empty")
    return True


def _foreign(path: str, what: str) -> AgentError:
    directory = shlex.quote(os.path.dirname(path))  # SQLite would apply a log left there to the new file
    hint = f"mv {directory} {directory}.old, then git agent init"
    return AgentError("store-foreign", f"{path} is {what}, not a store; it is left as it is", hint)


def upgrade(database: Any) -> None:
    """Upgrade an open store to this program's version. Of several processes, one does it.

    A newer store stays as it is, and this program may use it if the newer one said so.
    Raises AgentError when the file belongs to another program, or when this program is too old for it.
    """
    application, version = _stamp(database)
    if application != APPLICATION_ID:
        _leave_alone(database)
        raise _foreign(database.path, "another program's database")
    if version == VERSION:
        return
    if version > VERSION:
        _require_allowed(database, version)
        return
    with database.transaction():
        _, version = _stamp(database)
        if version < VERSION:
            _apply(database.rows, version)


def _leave_alone(database: Any) -> None:
    """Keep a WAL that its owner left. Otherwise the last connection to close writes it into the file and deletes it."""
    with contextlib.suppress(FileNotFoundError):
        if os.stat(database.path + "-wal").st_size:
            database.connection().config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def _require_allowed(database: Any, version: int) -> None:
    """Refuse a store that a newer program wrote, unless that program lets this one write. version: the store's."""
    found = database.rows("SELECT value FROM meta WHERE key = ?", (LOWEST,))
    if not found or not found[0][0].isdecimal() or int(found[0][0]) > VERSION:
        _leave_alone(database)
        raise newer(version)


def newer(version: int) -> AgentError:
    """Return the error for a store that a newer program wrote and that this one does not understand."""
    return AgentError(
        "store-newer",
        f"the store has schema {version}, but this git-agent supports only up to {VERSION}",
        "upgrade git-agent (uv tool upgrade git-agent, or pipx upgrade git-agent)",
        exit=Exit.ERROR,
    )


def _stamp(database: Any) -> tuple[int, int]:
    return database.rows("PRAGMA application_id")[0][0], database.rows("PRAGMA user_version")[0][0]


def check_version(database: Any) -> None:
    """Require that an open store can be examined, and make its connection read-only.

    Raises AgentError when the file belongs to another program, or is older than this program, or so much newer that
    this program may not write to it: its tables are then not those that this program knows.
    """
    application, version = _stamp(database)
    _leave_alone(database)
    database.rows("PRAGMA query_only=ON")
    if application != APPLICATION_ID:
        raise _foreign(database.path, "another program's database")
    if version > VERSION:
        _require_allowed(database, version)
    if version < VERSION:
        says = f"the store has schema {version} and must be upgraded to {VERSION}"
        raise AgentError("store-older", says, "git agent sync")


def is_remote(kind: str) -> bool:
    """Return whether a file system of this type rules out WAL."""
    return kind in _REMOTE


def file_system(directory: str) -> str:
    """Return the type of the file system that a directory is on, "" if unknown."""
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
