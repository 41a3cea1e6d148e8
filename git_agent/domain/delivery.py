"""How far a message came with one recipient."""

from __future__ import annotations

from enum import StrEnum


class Delivery(StrEnum):
    """How far a message came with one recipient."""

    NEW = "new"
    SEEN = "seen"
    ACKED = "acked"
