"""Recipients other than tasks: the fixed ones and topics."""

from __future__ import annotations

import pytest

from git_agent.domain.message import check_recipient, check_topic, is_topic
from git_agent.errors import AgentError, Exit


@pytest.mark.parametrize("text", ["@human", "@coordinator", "@all"])
def test_a_place_is_itself(text: str) -> None:
    assert check_recipient(text) == text


@pytest.mark.parametrize("text", ["@", "@bob", "@Human", "@human ", "@" + "x" * 500])
def test_any_other_place_is_a_usage_error_that_names_those_there_are(text: str) -> None:
    with pytest.raises(AgentError) as caught:
        check_recipient(text)
    assert (caught.value.code, caught.value.exit) == ("unknown-recipient", Exit.USAGE)
    assert "@coordinator" in caught.value.hint and len(caught.value.message) < 120


def test_a_number_behind_a_hash_is_a_task_and_anything_else_a_topic() -> None:
    assert [is_topic(text) for text in ("#7", "#builds", "#7a", "#", "builds", "@human")] == [
        *(False, True, True, True, False, False)
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("#builds", "builds"),
        ("builds", "builds"),
        ("#Builds", "builds"),
        ("#v1.2-rc_3", "v1.2-rc_3"),
        ("#建設", "建設"),
        ("#cafe\u0301", "caf\u00e9"),
        ("#" + "x" * 60, "x" * 60),
    ],
)
def test_spellings_of_a_topic_are_one(text: str, name: str) -> None:
    assert check_topic(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "##a",
        "#7",
        "#1.2",
        "#a b",
        "#a\nb",
        "#a;b",
        "#a/b",
        "#-a",
        "#.a",
        "#a\x1b",
        "#a\u202eb",
        "#" + "x" * 61,
    ],
)
def test_what_is_no_topic_is_a_usage_error_with_the_rule(text: str) -> None:
    with pytest.raises(AgentError) as caught:
        check_topic(text)
    assert (caught.value.code, caught.value.exit) == ("bad-topic", Exit.USAGE)
    assert "1 to 60 letters" in caught.value.message and "\x1b" not in caught.value.message
