"""Mend the store: modes, journal, log, indexes, rows that hang in the air, locks of the dead."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from git_agent.actions.not_as_seen import not_as_seen
from git_agent.actions.record_fix import record_fix
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.domain.owner import Owner
from git_agent.errors import AgentError, Exit
from git_agent.proc import processes
from git_agent.store import health, locks


def fix_store(app: App, finding: Finding) -> str:
    """Mend one finding, if it is still so; return what was done. Raises AgentError, OSError where that fails."""
    return _FIXES[finding.code](app, finding)


def _modes(app: App, finding: Finding) -> str:
    if (finding.subject, finding.data["mode"], finding.data["wanted"]) not in health.wrong_modes(app.store_dir):
        raise not_as_seen()
    # By its path: opening the database by ourselves would drop SQLite's locks.
    os.chmod(finding.subject, finding.data["wanted"])
    with app.store.transaction():
        before, after = ({"path": finding.subject, "mode": finding.data[name]} for name in ("mode", "wanted"))
        return record_fix(app, finding, f"mode {finding.data['wanted']:04o}", before, after)


def _wal(app: App, finding: Finding) -> str:
    size = finding.data["size"]
    if health.wal_size(app.store_dir) < size:
        raise not_as_seen()
    if not health.checkpoint():
        raise AgentError("store-busy", "somebody reads it", "git agent doctor names who has it open", exit=Exit.BUSY)
    left = health.wal_size(app.store_dir)
    return record_fix(app, finding, "written into the database and cut off", {"size": size}, {"size": left})


def _index(app: App, finding: Finding) -> str:
    index, damage = health.complaints()
    if damage or not index:
        raise not_as_seen()
    health.reindex()
    with app.store.transaction():
        return record_fix(app, finding, "built anew", {}, {})


def _journal(app: App, finding: Finding) -> str:
    wanted = finding.data["wanted"]
    if health.journal(app.store_dir).mode != finding.data["mode"]:
        raise not_as_seen()
    if health.set_journal(wanted) != wanted:
        raise AgentError("store-busy", "others have the store open", "try again when they have ended", exit=Exit.BUSY)
    with app.store.transaction():
        return record_fix(app, finding, f"set to {wanted}", {"mode": finding.data["mode"]}, {"mode": wanted})


def _dangling(app: App, finding: Finding) -> str:
    table, values = finding.data["table"], finding.data["values"]
    row = health.Dangling(table, finding.data["parent"], values, ())
    with app.store.transaction():
        if not health.hangs(row) or not health.delete(row):
            raise not_as_seen()
        return record_fix(app, finding, "taken out", {"table": table, "values": values}, {})


def _lock(app: App, finding: Finding) -> str:
    owner = Owner(*finding.data["owner"])
    if not processes.is_gone(owner):
        raise not_as_seen()
    with app.store.transaction():
        if not locks.release(finding.subject, finding.data["fence"]):
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
