"""Dates as git reads them; to git what it does not know is this moment."""

from __future__ import annotations

import time

import pytest

from git_agent.git.config import parse_date
from git_agent.git.repo import Repo
from tests.sandbox import Sandbox

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "age_s"),
    [("yesterday", DAY), ("2 hours ago", 7200), ("now", 0), ("1.week", 7 * DAY), ("--2.days", 2 * DAY)],
)
def test_a_date_is_a_moment(repo: Sandbox, text: str, age_s: int) -> None:
    found = parse_date(Repo.open(str(repo.path)), text)
    assert found is not None and abs(time.time() - age_s - found) < 5


def test_today_began_at_midnight(repo: Sandbox) -> None:
    found = parse_date(Repo.open(str(repo.path)), "today")
    assert found is not None and found % DAY == 0 and 0 <= time.time() - found <= DAY + 5  # TZ is UTC


def test_a_moment_as_we_print_it_is_one(repo: Sandbox) -> None:
    assert parse_date(Repo.open(str(repo.path)), "2026-01-02T03:04:05.678Z") == 1767323045


@pytest.mark.parametrize("text", ["soon", "", "\0", "-x", "$(touch owned)", "'"])
def test_what_is_no_date_is_none(repo: Sandbox, text: str) -> None:
    assert parse_date(Repo.open(str(repo.path)), text) is None
