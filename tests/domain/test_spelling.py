"""Invalid names, branches, prefixes, titles and messages, and the rules that refuse them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_agent.domain import names, spelling
from git_agent.errors import AgentError, Exit


def accepted(check: Callable[[str], object], text: str) -> bool:
    try:
        check(text)
    except AgentError as error:
        assert error.exit is Exit.USAGE
        assert error.hint
        assert "\n" not in error.message
        return False
    return True


def refusal(check: Callable[[str], object], text: str) -> AgentError:
    with pytest.raises(AgentError) as caught:
        check(text)
    assert caught.value.exit is Exit.USAGE
    return caught.value


def git_takes(*arguments: str) -> bool:
    return subprocess.run(["git", "check-ref-format", *arguments], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "empty"),
        ("-x", "starts with '-'"),
        ("--upload-pack=x", "starts with '-'"),
        (".git", "starts with '.'"),
        ("@human", "starts with '@'"),
        ("\u0301a", "starts with"),
        ("../evil", "starts with '.'"),
        ("/abs", "starts with '/'|contains '/'"),
        ("a/../b", "contains '/'"),
        ("a..b", "contains '..'"),
        ("a@{b", "contains '{'"),
        ("a$(id)", r"contains '\$'"),
        ("a;b", "contains ';'"),
        ("a'b", "contains"),
        ('a"b', "contains"),
        ("a`b", "contains '`'"),
        ("a\\b", "contains"),
        ("a#b", "contains '#'"),
        ("a b", "white space"),
        ("a\u00a0b", "white space"),
        ("a\nb", "control"),
        ("a\0b", "control"),
        ("a\x9bb", "control"),
        ("a\u202eb", "invisible"),
        ("a\u200bb", "invisible"),
        ("a\ufe0fb", "invisible"),
        ("a\u3164b", "invisible"),
        ("a\udcffb", "UTF-8"),
        ("a\ue000", "private"),
        ("a\uffff", "unassigned"),
        ("a.", "ends in"),
        ("a.lock", "ends in"),
        ("a.LOCK", "ends in"),
        ("x" * 300, "longer than 60 bytes"),
        ("漢" * 21, "longer than 60 bytes"),
        ("7", "digits alone"),
        ("\u0663", "digits alone"),
        ("fix.a2", "attempt"),
        ("fix.A12", "attempt"),
    ],
)
def test_a_bad_name_is_refused_by_a_rule_that_is_named(name: str, rule: str) -> None:
    error = refusal(names.check_name, name)
    assert error.code == "bad-name"
    assert any(part in error.message for part in rule.replace(r"\$", "$").split("|"))
    assert error.message.isprintable()


@pytest.mark.parametrize("name", [*sorted(spelling.RESERVED), "HEAD", "Con", "MASTER", "LPT9", "MERGE_HEAD"])
def test_a_reserved_name_is_refused_in_any_case(name: str) -> None:
    assert refusal(names.check_name, name).code == "reserved-name"


@pytest.mark.parametrize(
    "name", ["fix-login", "Foo", "v1.2", "a_b", "a=b", "a,b", "漢字", "x.a2b", "7up", "🚀", "a" * 60]
)
def test_a_good_name_is_kept(name: str) -> None:
    assert names.check_name(name) == name


@pytest.mark.parametrize("prefix", ["agent/", "wip/agents/", "agent-", "é/", "2024/", "bot_"])
def test_a_prefix_that_makes_branches_is_taken(prefix: str) -> None:
    assert names.check_prefix(prefix) == prefix
    assert git_takes(f"refs/heads/{prefix}7-x")


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "/",
        "/a/",
        "a//",
        "-a/",
        ".a/",
        "a/.",
        "a..",
        "a.lock/",
        "a b/",
        "a\n/",
        "main/",
        "HEAD/",
        "refs/heads/a/",
        "a\u202e/",
        "a\udcff/",
        "x" * 101,
        "a~/",
        "@{",
        "$(id)/",
    ],
)
def test_a_prefix_that_makes_none_is_refused(prefix: str) -> None:
    error = refusal(names.check_prefix, prefix)
    assert error.code == "bad-prefix"
    assert error.message.isprintable()


@given(st.text(st.sampled_from("ab/.@{}-~^:?*[\\ \x1f\x7flock\u0085漢"), max_size=12))
@example("a.lock/b")
@example("HEAD")
@example("a.")
@example("a./b")
@example("a/.b")
@example("a/-b")
def test_a_branch_is_refused_exactly_where_git_refuses_it(branch: str) -> None:
    assert accepted(names.check_branch, branch) == (branch != "@" and git_takes("--branch", branch))


@pytest.mark.parametrize("branch", ["a\0b", "a\udcff", "x" * 251, "@{-1}", "refs/heads/", "refs/heads/-x"])
def test_a_branch_that_git_never_gets_to_see_is_refused(branch: str) -> None:
    assert refusal(names.check_branch, branch).code == "bad-branch"


@pytest.mark.parametrize("title", [r"%s {} '; drop table", "\x1b]52;c;aGk=\a x", "a\rb", "\x9b", "a\u202eb", "x" * 200])
def test_a_title_is_stored_as_it_is(title: str) -> None:
    assert names.check_title(title) == title


def test_white_space_around_a_title_is_dropped() -> None:
    assert names.check_title(" \tFix login\r\n") == "Fix login"


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("a\nb", "a title is one line"),
        ("a\r\nb", "a title is one line"),
        ("x" * 201, "at most 200"),
        ("a\0b", "NUL"),
        ("a\udcff", "UTF-8"),
    ],
)
def test_a_bad_title_is_refused_by_a_rule_that_is_named(title: str, rule: str) -> None:
    error = refusal(names.check_title, title)
    assert error.code == "bad-title"
    assert rule in error.message


def test_a_text_that_is_too_large_is_refused_with_the_limit() -> None:
    assert names.check_body("é" * 32768) == "é" * 32768
    assert names.check_body("é" * 32769, 70000)
    assert "at most 65536" in refusal(names.check_body, "é" * 32769).message
    assert "at most 65536" in refusal(names.check_message, "x" * 10_000_000).message
    with pytest.raises(AgentError, match="at most 10 "):
        names.check_message("x" * 11, 10)


@pytest.mark.parametrize("text", ["a\0b", "a\udcff"])
def test_a_text_that_no_database_keeps_is_refused(text: str) -> None:
    assert refusal(names.check_body, text).code == "bad-body"
    assert refusal(names.check_message, text).code == "bad-message"


def test_a_message_says_something_and_a_body_need_not() -> None:
    assert names.check_body("") == ""
    assert names.check_message(" a\r\n\tb\x1b ") == " a\r\n\tb\x1b "
    assert refusal(names.check_message, " \n").code == "bad-message"
