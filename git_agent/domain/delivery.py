"""How far a message came with one recipient."""

from __future__ import annotations

from enum import StrEnum


class Delivery(StrEnum):
    """How far a message came with one recipient."""

    NEW = "new"
    SEEN = "seen"
    ACKED = "acked"


AGAIN_S = 300.0
"""Seconds after which a message that was seen and not acknowledged is delivered to who waits, as if it were new."""
