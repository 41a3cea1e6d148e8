"""SQL text: the database's clock, and what becomes of values in a statement. It knows no engine and no ORM."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from git_agent.record import Record

NOW = "CAST(ROUND(unixepoch('subsec') * 1000) AS BIGINT)"
"""The database's clock: milliseconds since the epoch."""

UNFINISHED = "state NOT IN ('COMPLETED','CANCELLED')"
"""The condition of unfinished tasks. It is that of a partial index, which SQLite uses for no other condition."""

_SURROGATE, _PRIVATE = 0xDC80, 0x10FF80


class Together(Record):
    """Statements that are run together.

    parts: the statements
    text: one statement that selects the rows of each of them, as JSON
    """

    parts: tuple[str, ...]
    text: str

    def share(self, statement: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the parameters that one of the statements has."""
        names = set(re.findall(r":\*?(\w+)", statement))
        return {name: value for name, value in params.items() if name in names}


def expanded(text: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Write a parameter for each value of a list: `IN (:*ids)` becomes `IN (:ids_0, :ids_1)`, or `IN (NULL)`.

    Returns the text, and a value for each of its parameters.
    """
    plain: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, list | tuple):
            numbered = {f"{name}_{number}": each for number, each in enumerate(value)}
            text = text.replace(f":*{name}", ", ".join(f":{each}" for each in numbered) or "NULL")
            plain |= numbered
        else:
            plain[name] = value
    return text, plain


def assigned(columns: Iterable[str]) -> str:
    """Return the part of an UPDATE that sets columns to the parameters of the same names."""
    return ", ".join(f"{name} = :{name}" for name in columns)


def encode_path(value: str | None) -> str | None:
    """Encode a path for the database: bytes that are not UTF-8 (lone surrogates) go to a private plane of Unicode."""
    return value if value is None or value.isascii() else "".join(_shift(c, _SURROGATE, _PRIVATE) for c in value)


def decode_path(value: str | None) -> str | None:
    """Decode a path from the database."""
    return value if value is None or value.isascii() else "".join(_shift(c, _PRIVATE, _SURROGATE) for c in value)


def _shift(char: str, source: int, target: int) -> str:
    code = ord(char)
    return chr(code - source + target) if source <= code < source + 0x80 else char
