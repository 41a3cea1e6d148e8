"""Durations as people write them."""

from __future__ import annotations

import pytest

from git_agent.domain.durations import parse_duration
from git_agent.errors import AgentError, Exit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("1.5h", 5400),
        ("3d", 259200),
        ("1w", 604800),
        ("0", 0),
        (" 5m ", 300),
        ("007s", 7),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-5",
        "+5",
        "5 m",
        "5M",
        "5y",
        "1h30m",
        "1e9",
        "nan",
        "inf",
        "0x5",
        "1_0",
        ".5",
        "5.",
        "\u0665",
        "5\x00",
        "9" * 5000,
        "5m\n6m",
    ],
)
def test_what_is_no_duration_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(AgentError) as caught:
        parse_duration(text)
    assert (caught.value.code, caught.value.exit) == ("bad-duration", Exit.USAGE)
    assert "15m" in caught.value.hint
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()
