"""Our block in somebody else's text: added once, replaced in place, with the rest unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.errors import AgentError
from git_agent.integrations.marked_block import BEGIN, END, replace_block

OTHERS = st.text(st.sampled_from("ab# \n\t日"), max_size=40)


@given(OTHERS, OTHERS)
def test_what_is_beside_the_markers_stays_and_a_second_time_changes_nothing(before: str, after: str) -> None:
    first = replace_block(before, "one\ntwo\n")
    assert first.startswith(before) and replace_block(first, "one\ntwo\n") == first
    held = first + after
    renewed = replace_block(held, "three\n")
    assert renewed.startswith(before) and renewed.endswith(f"{END}\n{after}")
    assert "three\n" in renewed and "two" not in renewed and replace_block(renewed, "one\ntwo\n") == held


@given(OTHERS.map(lambda text: text.replace("\n", "\r\n")))
def test_line_ends_are_those_of_the_file(before: str) -> None:
    made = replace_block(before or "x\r\n", "one\ntwo\n")
    if "\r\n" in made:
        assert "\n" not in made.replace("\r\n", "")
        assert replace_block(made, "one\ntwo\n") == made


@pytest.mark.parametrize(
    "held", [BEGIN, END, f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"]
)
def test_markers_that_are_no_pair_are_refused(held: str) -> None:
    with pytest.raises(AgentError) as refused:
        replace_block(held, "one\n")
    assert refused.value.code == "broken-markers"


def test_a_marker_inside_a_line_is_text() -> None:
    held = f"write `{BEGIN}` and `{END}`\n"
    assert replace_block(held, "one\n").startswith(held)
