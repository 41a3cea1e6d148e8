"""Check a chain of merges as a whole; when that fails, find the merge that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from git_agent.actions.land import Link
from git_agent.actions.run_check import CheckRun
from git_agent.app import App
from git_agent.domain.bisection import first_failing, most_questions


@dataclass(frozen=True, slots=True)
class Verdict:
    """good: how many links may land, from the first on; of: the check that failed, of the link after them, or of the
    base alone (base_fails); None when all may land; log: what the check of the good ones printed.
    """

    good: int
    of: CheckRun | None = None
    base_fails: bool = False
    log: str | None = None


def find_culprit(app: App, links: Sequence[Link], check: Callable[[int, str], CheckRun]) -> Verdict:
    """Judge a chain by checks of its beginnings, none of them twice but for a doubt.

    check: runs the check of so many links, none for the base alone, with a title; it may raise, and is not asked again
    then. The whole first; then the middle of what is left, until one link is. Two doubts: when nothing but the whole
    fails it is checked again, since it may have failed by chance (the others are believed); and before the first link
    is blamed the base alone is checked, with the repository's own command.
    """
    count, seen = len(links), dict[int, CheckRun]()

    def passes(number: int) -> bool:
        whole = number == count
        seen[number] = check(number, "check" if whole else f"check {len(seen)} of at most {most_questions(count)}")
        if whole and count > 1 and not seen[number].passed:
            app.progress(f"{seen[number].why}; looking for the task that breaks it")
        return seen[number].passed

    bad = first_failing(count, passes)
    if bad is None:
        return Verdict(count, log=seen[count].log)
    failed = seen[bad]
    if bad == count > 1:
        again = check(count, "check of all once more")
        if again.passed:
            app.notice(f"{failed.why}, and passed when it was run again: it fails by chance")
            return Verdict(count, log=again.log)
        failed = again
    if bad == 1 and failed.command == app.config.text("agent.check"):
        base = check(0, "check")
        if not base.passed:
            return Verdict(0, base, base_fails=True)
    return Verdict(bad - 1, failed, log=seen[bad - 1].log if bad > 1 else None)
