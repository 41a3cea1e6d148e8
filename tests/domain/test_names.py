"""Names: which are refused, how they are made from titles, and that git and file systems accept the results."""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from git_agent.domain import names
from git_agent.errors import AgentError, Exit

ANY = st.text(st.characters(exclude_categories=[]), max_size=120)
WORDS = st.text(st.sampled_from("aZ é漢ß\u0301\u0e33-./@#7\u200d🚀\u064eしﾞİΣ"), max_size=90)
NAMES = st.one_of(ANY, WORDS).filter(lambda text: accepted(names.check_name, text))
WINDOWS = set('<>:"/\\|?*') | {chr(code) for code in range(32)}


def accepted(check: Callable[[str], object], text: str) -> bool:
    try:
        check(text)
    except AgentError as error:
        assert error.exit is Exit.USAGE
        assert error.hint
        assert "\n" not in error.message
        return False
    return True


def git_takes(*arguments: str) -> bool:
    return subprocess.run(["git", "check-ref-format", *arguments], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Fix the login!", "fix-the-login"),
        ("  --help; rm -rf / ", "help-rm-rf"),
        ("Straße ΟΔΌΣ", "straße-οδός"),
        ("cafe\u0301", "café"),
        ("ทำงาน", "ทำงาน"),
        ("漢字を直す", "漢字を直す"),
        ("हिन्दी", "हिन्दी"),
        ("fo\u200bo\u202eb\u00adar\ufe0f", "foobar"),
        ("🚀🚀", "task"),
        ("\u0301\u3164", "task"),
        ("", "task"),
        ("main", "main-task"),
        ("HEAD", "head-task"),
        ("FETCH_HEAD", "fetch-head"),
        ("NUL", "nul-task"),
        ("2024", "2024-task"),
        ("\u0663" * 60, "\u0663" * 27 + "-task"),
        ("x.lock", "x-lock"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 50, "a" * 40),
        ("word " * 12, "-".join(["word"] * 8)),
        ("short " + "x" * 60, "short-" + "x" * 34),
        ("漢" * 30, "漢" * 20),
        ("a" * 39 + "é\u0323", "a" * 39),
        ("a" + "\u0333" * 40, "task"),
    ],
)
def test_a_name_is_made_from_a_title(title: str, name: str) -> None:
    assert names.slug(title) == name


@given(st.one_of(ANY, WORDS))
@example("\uff21\u212a\u2126\u0345\u1fb3")
def test_a_name_made_from_any_title_passes_the_check(title: str) -> None:
    made = names.slug(title)
    assert names.check_name(made) == made
    assert len(made) <= names.MAX_SLUG
    assert names.slug(made) == made


@pytest.mark.rest
def test_a_name_made_from_any_one_character_passes_the_check() -> None:
    ideographs = (
        range(0x3400, 0xA000),
        range(0xAC00, 0xD7A4),
        range(0x17000, 0x18D00),
        range(0x20000, 0xE0000),
    )
    for code in range(0xE0200):
        if any(code in block for block in ideographs):
            continue
        made = names.slug(chr(code))
        assert names.check_name(made) == made, hex(code)


@given(st.text(st.sampled_from("ab\u0301\u0323\u0e33\u064e漢 "), min_size=30, max_size=80))
def test_a_name_is_never_cut_from_its_marks(title: str) -> None:
    whole = names._words(unicodedata.normalize("NFC", title).lower())
    made = names.slug(title)
    rest = whole[len(made) :] if whole.startswith(made) else ""
    assert not rest or unicodedata.category(rest[0])[0] != "M"


def test_a_decomposed_name_is_composed() -> None:
    assert names.check_name("cafe\u0301") == "café"


@given(ANY)
def test_the_key_of_a_key_is_itself_and_twins_share_it(name: str) -> None:
    assert names.name_key(names.name_key(name)) == names.name_key(name)
    assert names.name_key(unicodedata.normalize("NFD", name)) == names.name_key(unicodedata.normalize("NFC", name))


def test_names_that_a_file_system_takes_for_one_share_a_key() -> None:
    assert names.name_key("Foo") == names.name_key("foo")
    assert names.name_key("cafe\u0301") == names.name_key("CAFÉ")
    assert names.name_key("straße") == names.name_key("STRASSE")
    assert names.name_key("a\u0345\u0301") == names.name_key("a\u0301\u0345")
    assert names.name_key("foo") != names.name_key("fo-o")


@given(name=NAMES, attempt=st.integers(1, 12))
@settings(max_examples=40)
def test_git_takes_every_branch_that_is_made(name: str, attempt: int) -> None:
    branch = names.branch_for("agent/", 7, names.check_name(name), attempt)
    assert git_takes(f"refs/heads/{branch}")
    assert git_takes("--branch", branch)
    assert names.check_branch(branch) == branch


@given(name=NAMES, attempt=st.integers(1, 12))
def test_every_directory_is_fine_on_other_file_systems(name: str, attempt: int) -> None:
    directory = names.directory_for(7, names.check_name(name), attempt)
    assert not set(directory) & WINDOWS
    assert directory[-1] not in " ."
    assert unicodedata.is_normalized("NFC", directory)
    assert len(directory.encode()) < 100
    assert all(unicodedata.category(char) not in ("Cn", "Co", "Cs") for char in directory)


@given(NAMES, st.integers(0, 12))
def test_a_taken_name_gets_a_number_and_stays_within_the_limits(name: str, tries: int) -> None:
    name = names.check_name(name)
    seen: list[str] = []

    def taken(candidate: str) -> bool:
        seen.append(candidate)
        return len(seen) <= tries

    made = names.first_free(name, taken)
    assert len(set(seen)) == len(seen) == tries + 1
    assert made == names.check_name(made)
    assert (made == name) == (tries == 0)


def test_numbers_start_at_two() -> None:
    assert names.first_free("fix", {"fix", "fix-2"}.__contains__) == "fix-3"
    assert names.first_free("a" + "\u0333" * 29, lambda candidate: candidate[0] == "a") == "task-2"


def test_a_branch_tells_its_attempt_from_the_second_on() -> None:
    assert names.branch_for("agent/", 7, "fix-login") == "agent/7-fix-login"
    assert names.branch_for("agent/", 7, "fix-login", 2) == "agent/7-fix-login.a2"
    assert names.directory_for(7, "fix-login") == "7-fix-login"
    assert names.directory_for(7, "fix-login", 3) == "7-fix-login.a3"


def test_a_full_ref_is_shortened_to_its_branch() -> None:
    assert names.check_branch("refs/heads/agent/7-x") == "agent/7-x"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("7", names.TaskRef("7", 7, None, "")),
        ("#7", names.TaskRef("#7", 7, None, "")),
        ("9223372036854775807", names.TaskRef("9223372036854775807", 2**63 - 1, None, "")),
        ("9223372036854775808", names.TaskRef("9223372036854775808", None, None, "")),
        ("Fix-Login", names.TaskRef("Fix-Login", None, "Fix-Login", "fix-login")),
        ("agent/7-x", names.TaskRef("agent/7-x", None, "agent/7-x", "")),
        ("refs/heads/agent/7-x", names.TaskRef("refs/heads/agent/7-x", None, "agent/7-x", "")),
        ("refs/heads/7", names.TaskRef("refs/heads/7", None, "7", "")),
        ("7-x", names.TaskRef("7-x", None, "7-x", "7-x", "agent/7-x")),
        ("7-x.a2", names.TaskRef("7-x.a2", None, "7-x.a2", "", "agent/7-x.a2")),
        ("--help", names.TaskRef("--help", None, None, "")),
        ("a\udcff", names.TaskRef("a\udcff", None, None, "")),
    ],
)
def test_an_argument_is_classified(text: str, meant: names.TaskRef) -> None:
    assert names.parse_ref(text, "agent/") == meant


@pytest.mark.parametrize("text", ["07", "0", "#0", "#07", "\u0667", "9" * 5000, " 7", "7 ", "-7", ""])
def test_an_id_has_one_spelling(text: str) -> None:
    found = names.parse_ref(text, "agent/")
    assert found.id is None
    assert found.name_key == ""


@given(ANY)
def test_any_argument_can_be_classified_and_looked_up(text: str) -> None:
    found = names.parse_ref(text, "agent/")
    for value in (found.branch, found.name_key, found.prefixed):
        assert "\0" not in (value or "")
        (value or "").encode()
