"""Make a store, and bring an older one up to date: numbered changes, each applied once, under the write lock."""

from __future__ import annotations

import os
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

from git_agent.errors import AgentError, Exit
from git_agent.store import faults
from git_agent.store.engine import apsw

APPLICATION_ID = 0x67616701  # "gag" 1: marks the file as ours for file(1) and for us
MIGRATIONS = ("m0001_tables",)
VERSION = len(MIGRATIONS)

# WAL needs shared memory that all writers see (https://sqlite.org/wal.html); over these it corrupts or can't lock.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "vboxsf", "drvfs", "ceph"})


def create(path: str) -> None:
    """Make a complete store at path, or leave the one that another process made first.

    It is built under another name and linked into place, so that whatever stands at path is never overwritten and a
    half-made store is never seen. Directory 0700, file 0600. Raises AgentError when the directory is not writable.
    """
    directory = os.path.dirname(path)
    temporary = f"{path}.new-{os.getpid()}"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        Path(temporary).unlink(missing_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            _build(temporary, wal=not _is_remote(directory))
            os.link(temporary, path)
        except FileExistsError:
            return
        finally:
            os.unlink(temporary)
    except OSError as error:
        raise AgentError(
            "store-not-writable",
            f"cannot make the store {path}: {error.strerror}",
            f"make {directory} writable",
        ) from error
    except apsw.Error as error:
        raise faults.translate(error, path) from error


def _build(path: str, *, wal: bool) -> None:
    connection = apsw.Connection(path)
    try:
        connection.execute("PRAGMA synchronous=FULL")
        if wal:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        _apply(connection, 0)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _apply(connection: Any, version: int) -> None:
    for name in MIGRATIONS[version:]:
        for statement in import_module(f"git_agent.store.migrations.{name}").STATEMENTS:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")


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
    return AgentError("store-foreign", f"{path} is {what}, not a store; it is left as it is", "move it away")


def upgrade(database: Any) -> None:
    """Bring an open store to this program's version; of many processes one does it.

    Raises AgentError when the file is another program's, or newer than this program.
    """
    application, version = _stamp(database)
    if application != APPLICATION_ID:
        raise _foreign(database.path, "another program's database")
    if version == VERSION:
        return
    if version > VERSION:
        raise newer(version)
    with database.atomic("IMMEDIATE"):
        _, version = _stamp(database)
        if version < VERSION:
            _apply(database.connection(), version)


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


def _is_remote(directory: str) -> bool:
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return False
    real, best, kind = os.path.realpath(directory), "", ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        mount = fields.split()[4].replace("\\040", " ")
        if (real == mount or real.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, rest.split()[0]
    return kind in _REMOTE
