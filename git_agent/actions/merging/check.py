"""Checks: how they run, and how the merge that breaks one is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from git_agent.actions.merging.land import Entry
from git_agent.app import App
from git_agent.domain.durations import spell
from git_agent.domain.queue import first_failing, max_checks, name_tasks
from git_agent.proc import logfile, shell
from git_agent.record import Record


class CheckRun(Record):
    """How a check ended.

    command: the command that failed, "" when all passed
    status: its exit status, None when it timed out
    tail: the last lines of its output
    log: the file with the whole output, None when it could not be kept
    why: the failure in words
    """

    command: str = ""
    status: int | None = 0
    tail: tuple[str, ...] = ()
    log: str | None = None
    why: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether every command passed."""
        return not self.command

    @property
    def said(self) -> tuple[str, ...]:
        """Return the last lines of output, and where to find the rest."""
        return (*self.tail, *((f"whole output: {self.log}",) if self.log else ()))


def run_check(
    app: App,
    path: str,
    commands: Sequence[str],
    of: Sequence[int],
    *,
    title: str = "check",
    tick: Callable[[], None] = lambda: None,
) -> CheckRun:
    """Run commands in a directory, one after the other, until one fails.

    path: the directory
    of: the tasks whose merges are in it, the topmost last; empty for the base alone
    title: begins the line that says what is running
    tick: called at least every half second
    The output goes to the log of the last task and replaces the previous log.
    """
    env = {**app.repo.real_objects, "GIT_AGENT_TASKS": " ".join(map(str, of))}
    if len(of) == 1:
        env["GIT_AGENT_TASK"] = str(of[0])
    directory = os.path.join(app.store_dir, "logs")
    name = logfile.check_log(directory, of[-1] if of else None)
    log = logfile.Logfile(name, truncate=True)
    seconds = app.config.seconds("agent.checkTimeout")
    try:
        for command in commands:
            what = name_tasks(of) if of else "the base alone"
            app.progress(f"{title}: {command} ({what})")
            log.write(f"== {what}: {command}\n".encode(errors="replace"))
            ran = shell.run_shell(
                command, path, env, app.progress, heard=log.write, tick=tick, within_s=seconds or None
            )
            how = f"failed with {ran.status}" if ran.status is not None else f"did not end within {spell(seconds)}"
            ended = f"{'passed' if ran.status == 0 else how}, after {ran.seconds:.1f} s"
            app.progress(f"{title}: {ended}")
            log.write(f"== {ended}\n".encode())
            if ran.status != 0:
                kept = None if log.failed else name
                return CheckRun(command, ran.status, ran.tail, kept, f"the check {how}: {command}")
    finally:
        log.close()
        logfile.prune_logs(directory)
    return CheckRun(log=None if log.failed or not commands else name)


class Verdict(Record):
    """Which entries of a batch may land.

    good: how many entries may land, counted from the first
    of: the failed check, either of the next entry or of the base alone (base_fails); None when all may land
    log: the output of the check of the good entries
    """

    good: int
    of: CheckRun | None = None
    base_fails: bool = False
    log: str | None = None


def find_culprit(app: App, links: Sequence[Entry], check: Callable[[int, str], CheckRun]) -> Verdict:
    """Find the first entry of a batch that breaks the check, by checking prefixes of the batch.

    links: the entries, in order
    check: runs the check of the first N entries (0: the base alone) under a title; if it raises, the search ends
    The whole batch is checked first, then the middle of the remaining range until one entry is left. No prefix is
    checked twice, except to resolve doubt. Two doubts are resolved before an entry is blamed. Before the first entry is
    blamed, the base alone is checked with the repository's own command. If only the check of the whole batch failed, it
    is repeated, since it may fail only sometimes; the other results are trusted.
    """
    count, seen = len(links), dict[int, CheckRun]()

    def passes(number: int) -> bool:
        whole = number == count
        seen[number] = check(number, "check" if whole else f"check {len(seen)} of at most {max_checks(count)}")
        if whole and count > 1 and not seen[number].passed:
            app.progress(f"{seen[number].why}; looking for the task that breaks it")
        return seen[number].passed

    bad = first_failing(count, passes)
    if bad is None:
        return Verdict(count, log=seen[count].log)
    failed = seen[bad]
    if bad == 1 and failed.command == app.config.text("agent.check"):
        base = check(0, "check")
        if not base.passed:
            return Verdict(0, base, base_fails=True)
    if bad == count:
        again = check(count, "check once more" if count == 1 else "check of all once more")
        if again.passed:
            app.notice(f"{failed.why}, but passed when it was run again: it fails only sometimes")
            return Verdict(count, log=again.log)
        failed = again
    return Verdict(bad - 1, failed, log=seen[bad - 1].log if bad > 1 else None)
