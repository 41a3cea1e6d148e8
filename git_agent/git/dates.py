"""Dates as git reads them."""

from __future__ import annotations

import time

from git_agent.git.repo import Repo

_NOW = ("now", "today")


def moment(repo: Repo, text: str) -> int | None:
    """Return the second since the epoch that a date means to git; None for what is no date."""
    word = text.strip().lower()
    if not word or "\0" in word:
        return None
    # To git 2.39 `today` is this moment, as is anything that it does not know.
    said = repo.git("rev-parse", f"--since={'midnight' if word == 'today' else text}").text
    found = int(said.removeprefix("--max-age="))
    return None if word not in _NOW and abs(found - time.time()) < 2 else found
