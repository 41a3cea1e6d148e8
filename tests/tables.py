"""The one way in which tests read and write a store's tables without a command of ours, which would repair them.

Another program does so, too: the table `task` may be read by anybody. A second engine gets its half here.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any


def ask(store: Path, text: str, *values: object) -> list[dict[str, Any]]:
    """Run a query on a database that is only read; return its rows by column."""
    for _ in range(100):
        with suppress(sqlite3.OperationalError):  # for an instant, while another connection closes
            connection = sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)
            with closing(connection):
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(text, values)]
        time.sleep(0.02)
    raise AssertionError(f"{store} can't be read")


def change(store: Path, *statements: str) -> None:
    """Run statements on a database, each by itself; no foreign key is checked."""
    with closing(sqlite3.connect(store, isolation_level=None, timeout=30)) as connection:
        for statement in statements:
            connection.execute(statement)


def suspend(pid: int, store: Path) -> None:
    """Stop a process (SIGSTOP) at a moment when it holds no lock of a database, for which everybody would wait."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(store, timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
            if _is_stopped(pid):
                return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)


def _is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped; a signal may take a moment. Without /proc it is believed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def execute(store: Path, text: str, *values: object) -> list[list[Any]]:
    """Run one statement on a database, with foreign keys checked; return its rows."""
    with closing(sqlite3.connect(store, isolation_level=None, timeout=30)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        return [list(row) for row in connection.execute(text, values)]
