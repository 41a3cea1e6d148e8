"""Examine and fix the store: library, file, modes, integrity, journal, locks and other users."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping

from git_agent.actions.doctor.fix import not_as_seen, record_fix
from git_agent.app import App
from git_agent.domain.finding import RULES, Finding
from git_agent.domain.process_id import ProcessId
from git_agent.errors import AgentError, Exit
from git_agent.proc import open_files, processes
from git_agent.store import integrity
from git_agent.store.sqlite_files import SqliteFiles
from git_agent.store.store import Store

_WAL = 64 * 1024 * 1024  # bytes; the log is truncated at 4 MB (journal_size_limit) unless a reader stays open for long
_HELD_MS = 600_000  # an abandoned named lock is taken over on demand; after ten minutes it is a leftover


def examine_store(app: App) -> list[Finding]:
    """Examine the store's files, and its contents if it can be opened, without changing anything."""
    directory = app.store_dir
    files = Store.files(directory)
    found = list(_files(files)) if files.names() else []
    try:
        app.store.check()
    except AgentError as error:
        code = error.code if error.code in RULES else "not-examined"
        return [Finding(code, error.message, hint=error.hint, subject=directory), *found]
    return [*found, *_inside(app, directory), *_locks(app)]


def _files(files: SqliteFiles) -> Iterator[Finding]:
    directory = files.directory
    for path, held, wanted in files.wrong_modes():
        says = f"{path} has mode {held:04o}, not {wanted:04o}"
        yield Finding("store-modes", says, subject=path, data={"mode": held, "wanted": wanted})
    if not os.access(directory, os.W_OK):
        says, hint = f"{directory} can't be written", f"chmod u+w {shlex.quote(directory)}"
        yield Finding("store-not-writable", says, subject=directory, hint=hint)
    path = files.names()[0]
    if files.links() > 1:
        hint = f"find / -xdev -samefile {shlex.quote(path)}, then rm the other name"
        yield Finding("store-linked", f"{path} has another name (a hard link)", subject=path, hint=hint)
    if (size := files.wal_size()) > _WAL:
        says = f"{path}-wal has {size // (1024 * 1024)} MB"
        yield Finding("store-wal", says, subject=path, data={"size": size})
    if writer := files.stopped_writer():
        pid = writer.partition("pid ")[2].partition(" ")[0]
        yield Finding("store-stopped", f"the store: {writer}", subject=path, hint=f"kill -CONT {pid}")
    yield from _holders(path)


def _holders(path: str) -> Iterator[Finding]:
    """Find other users of the database; a process that has a deleted one open works on a store that is lost."""
    real = os.path.realpath(path)
    for each in open_files.find_holders({real}).get(real, ()):
        who = f"process {each.pid} ({each.name})"
        if each.deleted:
            says = f"{who} works on {path} as it was before it was deleted or replaced"
            yield Finding("store-replaced", says, subject=f"pid {each.pid}", hint=f"kill {each.pid}")
        elif not each.ours:
            says = f"{who} has {path} open"
            yield Finding("store-holder", says, subject=f"pid {each.pid}", hint=f"kill {each.pid}, if it may be ended")


def _inside(app: App, directory: str) -> Iterator[Finding]:
    path = Store.files(directory).names()[0]
    index, damage = app.store.integrity.complaints()
    if damage:
        more = f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""
        yield Finding("store-damaged", f"{path}: {damage[0]}{more}", subject=path)
    elif index:
        yield Finding("store-index", f"{path}: {index[0]}", subject=path)
    for table, column, where in app.store.integrity.mistyped():
        text = f"UPDATE {table} SET {column} = 'TEXT' WHERE {where}"
        says = f"{column} of the row of {table} with {where} does not have its column's type"
        hint = f"sqlite3 {shlex.quote(path)} {shlex.quote(text)}, with the right value for TEXT"
        yield Finding("store-mistyped", says, subject=f"{table}.{column} {where}", hint=hint)
    for row in app.store.integrity.dangling():
        if row.key and row.table != "task_dep":
            data = {"table": row.table, "parent": row.parent, "values": row.values}
            says = f"row {row.name} belongs to a {row.parent} that does not exist"
            yield Finding("store-dangling", says, subject=row.name, data=data)
    held = app.store.integrity.journal(directory)
    wanted = "delete" if held.remote else "wal"
    if (held.mode == "wal") == held.remote:
        says = f"the store's journal is {held.mode}, on {held.kind or 'a local disk'}; it should be {wanted}"
        yield Finding("store-journal", says, subject=path, data={"mode": held.mode, "wanted": wanted})


def _locks(app: App) -> Iterator[Finding]:
    for name, fence, owner, ms in app.store.integrity.named_locks():
        if ms > _HELD_MS and app.is_gone(owner, over=True):
            what = "is gone" if app.is_gone(owner) else "has been silent for too long"
            says = f"the lock '{name}' is held by {processes.named(owner)}, which {what}"
            data = {"fence": fence, "owner": list(owner)}
            yield Finding("store-lock", says, subject=name, data=data)


def fix_store(app: App, finding: Finding) -> str:
    """Fix one finding, if it still holds; return what was done. Raises AgentError or OSError on failure."""
    return _FIXES[finding.code](app, finding)


def _modes(app: App, finding: Finding) -> str:
    if (finding.subject, finding.data["mode"], finding.data["wanted"]) not in Store.files(app.store_dir).wrong_modes():
        raise not_as_seen()
    # By path: if this process opened and closed the database file, SQLite's locks would be dropped.
    os.chmod(finding.subject, finding.data["wanted"])
    with app.store.transaction():
        before, after = ({"path": finding.subject, "mode": finding.data[name]} for name in ("mode", "wanted"))
        return record_fix(app, finding, f"mode {finding.data['wanted']:04o}", before, after)


def _wal(app: App, finding: Finding) -> str:
    size = finding.data["size"]
    if Store.files(app.store_dir).wal_size() < size:
        raise not_as_seen()
    if not app.store.integrity.checkpoint():
        raise AgentError(
            "store-busy",
            "another process is reading it",
            "git agent doctor, to see which processes have it open",
            exit=Exit.BUSY,
        )
    left = Store.files(app.store_dir).wal_size()
    return record_fix(app, finding, "written into the database and truncated", {"size": size}, {"size": left})


def _index(app: App, finding: Finding) -> str:
    index, damage = app.store.integrity.complaints()
    if damage or not index:
        raise not_as_seen()
    app.store.integrity.reindex()
    with app.store.transaction():
        return record_fix(app, finding, "rebuilt", {}, {})


def _journal(app: App, finding: Finding) -> str:
    wanted = finding.data["wanted"]
    if app.store.integrity.journal(app.store_dir).mode != finding.data["mode"]:
        raise not_as_seen()
    if app.store.integrity.set_journal(wanted) != wanted:
        raise AgentError(
            "store-busy", "other processes have the store open", "try again when they have ended", exit=Exit.BUSY
        )
    with app.store.transaction():
        return record_fix(app, finding, f"set to {wanted}", {"mode": finding.data["mode"]}, {"mode": wanted})


def _dangling(app: App, finding: Finding) -> str:
    table, values = finding.data["table"], finding.data["values"]
    row = integrity.Dangling(table, finding.data["parent"], values, ())
    with app.store.transaction():
        if not app.store.integrity.hangs(row) or not app.store.integrity.delete(row):
            raise not_as_seen()
        return record_fix(app, finding, "removed", {"table": table, "values": values}, {})


def _lock(app: App, finding: Finding) -> str:
    owner = ProcessId(*finding.data["owner"])
    if not app.is_gone(owner, over=True):
        raise not_as_seen()
    with app.store.transaction():
        if not app.store.locks.release(finding.subject, finding.data["fence"]):
            raise not_as_seen()
        return record_fix(app, finding, "freed", {"name": finding.subject, **finding.data}, {})


_FIXES: Mapping[str, Callable[[App, Finding], str]] = {
    "store-modes": _modes,
    "store-wal": _wal,
    "store-index": _index,
    "store-journal": _journal,
    "store-dangling": _dangling,
    "store-lock": _lock,
}
