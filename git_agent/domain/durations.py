"""Durations as people write them."""

from __future__ import annotations

import re

from git_agent.errors import usage

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPELLING = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhdw]?)"


def parse_duration(text: str) -> float:
    """Parse `90`, `90s`, `15m`, `2h`, `1.5h`, `3d` or `1w` and return seconds.

    Zero is valid; a caller that cannot use it must refuse it. Raises usage error `bad-duration`.
    """
    found = re.fullmatch(_SPELLING, text.strip())
    if not found:
        raise usage("bad-duration", f"bad duration {text[:40]!r}", "a number and s, m, h, d or w, as in 90s, 15m, 2h")
    return float(found[1]) * _SECONDS[found[2]]


def spell(seconds: float) -> str:
    """Format seconds as `5s`, `3m`, `2h` or `4d`, rounded down; negative values (a clock set back) give `0s`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"
