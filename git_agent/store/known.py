"""Rows that were read just now: they are not read again before somebody changes something."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from git_agent.errors import AgentError
from git_agent.store.sql import NOW, Together, expanded
from git_agent.store.sqlite import Database

_Rows = list[tuple[Any, ...]]
_Key = tuple[str, tuple[Any, ...]]
_KNOWN_S = 1.0  # some statements compare with the time


class Known(threading.local):
    """The rows that this thread has read. They are right: another connection's change is noticed before each use."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget everything: this thread is about to change something, or to use another connection."""
        self._rows: dict[_Key, _Rows] = {}
        self._version: int | None = None
        self._at = 0.0

    def find(self, database: Database, text: str, values: Mapping[str, Any]) -> _Rows | None:
        """Return the rows of a statement, None when they are not known."""
        if not self._rows:
            return None
        over = database.in_transaction or time.monotonic() - self._at > _KNOWN_S
        if over or database.version() != self._version:
            self.forget()
        return self._rows.get(_key(text, values))

    def run(self, database: Database, text: str, values: dict[str, Any]) -> _Rows:
        """Run a statement, and remember its rows if it only reads and does not look at the clock."""
        rows = database.rows(text, values)
        if not only_reads(text):
            self.forget()
        elif self._rows and NOW not in text:
            self._rows[_key(text, values)] = rows
        return rows

    def run_together(self, database: Database, together: Together, params: dict[str, Any]) -> None:
        """Run several statements as one and remember the rows of each."""
        if database.in_transaction:
            return
        version = database.version()
        if version != self._version:
            self.forget()
        try:
            [row] = database.rows(*expanded(together.text, params))
        except AgentError:
            return  # such as damage in one table: the statement that reads it says so
        for part, cell in zip(together.parts, row, strict=True):
            text, values = expanded(part, together.share(part, params))
            self._rows[_key(text, values)] = [tuple(each) for each in json.loads(cell)]
        self._version, self._at = version, time.monotonic()


def only_reads(text: str) -> bool:
    """Tell whether a statement changes nothing."""
    return text.lstrip().startswith(("SELECT", "WITH"))


def _key(text: str, values: Mapping[str, Any]) -> _Key:
    names = dict.fromkeys(re.findall(r":(\w+)", text))
    return text, tuple(values.get(name) for name in names)
