"""Output of programs without what only a terminal understands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain.terminal_text import plain


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("plain\n", "plain\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("\x1b[?25l\x1b[2J\x1b[Hfull screen\x1b(B", "full screen"),
        ("10%\r50%\r100%\ndone\r\n", "100%\ndone\n"),
        ("half\r", "half"),
        ("abc\b\b\bxyz", "xyz"),
        ("\b\bx", "\b\bx"),
        ("cut \x1b]0;never ended", "cut "),
        ("cut \x1b[31", "cut "),
        ("\x9b31mred", "red"),
    ],
)
def test_sequences_go_and_what_was_written_over_goes(printed: str, text: str) -> None:
    assert plain(printed) == text


@given(st.text(st.characters(exclude_characters="\x1b\x9b\r\b")))
def test_a_text_without_them_stays(text: str) -> None:
    assert plain(text) == text


@given(st.text("ab\x1b[]0;m\x07\b\r\n\\", max_size=60))
def test_nothing_is_made_up(text: str) -> None:
    left = iter(text.replace("\r\n", "\n"))
    assert all(char in left for char in plain(text))
