"""Text that is made safe, measured and cut."""

from __future__ import annotations

import re
import string
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_agent.errors import AgentError
from git_agent.render.text import age, cut, error_lines, pad, rfc3339, visible, width

ANY = st.one_of(
    st.text(st.characters(exclude_categories=[])),
    st.text(
        st.sampled_from("a漢é\u0301\u200d\u200c\ufe0f❤👩🏽👨🇩🇪1\u20e3\x1b\u202e\n\t\r\u094d\u0915\u0645\U000e0041")
    ),
)
NEVER = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
WOMAN_FARMER, ENGLAND = "👩🏽\u200d🌾", "🏴\U000e0067\U000e007f"


@given(ANY)
def test_nothing_dangerous_is_ever_shown(text: str) -> None:
    assert not re.search(r"[\n\t]", visible(text))
    assert not NEVER.search(visible(text))
    assert not NEVER.search(visible(text, multiline=True))


@given(ANY)
@example("\ufe0f\u200d\U0001f000")
def test_what_is_shown_can_be_shown_again(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_no_character_that_a_terminal_reads_as_nothing_is_shown_alone() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and width(char) == 0:
            shown = visible(char)
            assert shown.startswith("\\") or 0x13430 <= code <= 0x13455, hex(code)  # visible hieroglyph joiners


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\a", "\\x1b]52;c;aGk=\\x07"),
        ("a\rb\nc\td\x00\x7f\x9b", "a\\rb\\nc\\td\\x00\\x7f\\x9b"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("a\u200bb\ufeff\xad", "a\\u200bb\\ufeff\\xad"),
        ("\u2028\udcff\ufffe", "\\u2028\\udcff\\ufffe"),
        (ENGLAND, "🏴\\U000e0067\\U000e007f"),
        ("a\ufe0fb\ufe01", "a\\ufe0fb\\ufe01"),
        ("a\u200db", "a\\u200db"),
        ("👩\u200da", "👩\\u200da"),
        ("\u200d👩", "\\u200d👩"),
        ("a\u200cb", "a\\u200cb"),
        ("漢\U000e0100", "漢\\U000e0100"),
        ("7\ufe0f", "7\\ufe0f"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f\\ufe0f"),
        ("\u3164\u115f", "\\u3164\\u115f"),
    ],
)
def test_what_deceives_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        WOMAN_FARMER,
        "❤\ufe0f",
        "❤\ufe0f\u200d🔥",
        "☎\ufe0e",
        "7\ufe0f\u20e3",
        "🇩🇪",
        "می\u200cخو",
        "क्\u200dष",
        "ക്\u200c",
        "C:\\new",
        "\\x1b",
        "café",
        "e\u0301",
        "漢字",
        "\u05e9\u05dc\u05d5\u05dd",
        "%s {} '",
        "\ufffd",
        "\ue0b0",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


def test_several_lines_keep_their_newlines_and_tabs_only() -> None:
    assert visible("a\r\n\tb\rc\x1b", multiline=True) == "a\n\tb\\rc\\x1b"


@given(st.text(string.printable.strip()), st.text(string.printable.strip()))
def test_the_width_of_ascii_adds_up(left: str, right: str) -> None:
    assert width(left + right) == width(left) + width(right) == len(left) + len(right)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("漢字", 4),
        ("e\u0301", 1),
        ("é", 1),
        ("ｱ", 1),
        ("\uff21", 2),
        ("🚀", 2),
        ("🇩🇪", 2),
        ("한", 2),
        ("\u1112\u1161\u11ab", 2),
        (WOMAN_FARMER, 2),
        ("👍🏽", 2),
        ("❤", 1),
        ("❤\ufe0f", 2),
        ("1\ufe0f\u20e3", 2),
        ("👩\u200d👩\u200d👧x", 3),
        ("…", 1),
        ("\u0301a", 1),
        ("\u0600", 1),
        ("👍👍", 4),
    ],
)
def test_the_width_is_what_a_terminal_takes(text: str, columns: int) -> None:
    assert width(text) == columns


@given(ANY, st.integers(-1, 30))
def test_a_cut_never_exceeds_its_columns(text: str, columns: int) -> None:
    shown = visible(text)
    short = cut(shown, columns)
    assert width(short) <= max(0, columns)
    assert short == shown or shown.startswith(short.removesuffix("…"))
    assert short == shown or columns < width(shown)


@given(ANY, st.integers(0, 40), st.booleans())
def test_a_padded_cut_fills_its_columns(text: str, columns: int, right: bool) -> None:
    assert width(pad(cut(visible(text), columns), columns, right)) == columns


def test_a_cut_keeps_letters_whole() -> None:
    assert cut("fix login", 9) == "fix login"
    assert cut("fix login", 6) == "fix l…"
    assert cut("漢字漢字", 4) == "漢…"
    assert cut("e\u0301e\u0301e\u0301", 2) == "e\u0301…"
    assert cut(WOMAN_FARMER * 2, 3) == WOMAN_FARMER + "…"
    assert (cut("abc", 1), cut("abc", 0), cut("", 0)) == ("…", "", "")


def test_padding_stands_on_the_side_that_is_asked_for() -> None:
    assert pad("漢", 4) == "漢  "
    assert pad("7", 3, right=True) == "  7"
    assert pad("long", 2) == "long"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0, "0s"),
        (5.9, "5s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (7200, "2h"),
        (86399, "23h"),
        (4 * 86400, "4d"),
        (400 * 86400, "400d"),
        (-5, "0s"),
    ],
)
def test_an_age_is_one_number_and_a_unit(seconds: float | None, shown: str) -> None:
    assert age(seconds) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1767323045678, "2026-01-02T03:04:05.678Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1767323045999, "2026-01-02T03:04:05.999Z"),
    ],
)
def test_a_time_is_shown_in_utc_with_milliseconds(ms: int, shown: str) -> None:
    assert rfc3339(ms) == shown


def test_what_git_said_is_not_repeated_below_the_message() -> None:
    error = AgentError("git-failed", "bad object main", "git fsck", details=("fatal: bad object main", "it is gone"))
    assert error_lines(error) == ["error: bad object main", "  it is gone", "hint: git fsck"]
