"""Run the check commands on a commit that is laid out somewhere, and keep what they print."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from git_agent.app import App
from git_agent.domain.durations import spell
from git_agent.domain.queueing import together
from git_agent.proc import check, logfile


@dataclass(frozen=True, slots=True)
class CheckRun:
    """How a check ended. command: the one that failed, "" when all passed; status: its exit status, None when its time
    was up; tail: its last lines; log: the file with all of it, None when it could not be kept; why: in words.
    """

    command: str = ""
    status: int | None = 0
    tail: tuple[str, ...] = ()
    log: str | None = None
    why: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether nothing failed."""
        return not self.command

    @property
    def said(self) -> tuple[str, ...]:
        """Return its last lines, and where the others are."""
        return (*self.tail, *((f"all of it: {self.log}",) if self.log else ()))


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

    of: the tasks whose merges are there, the last one on top; none for the base alone; title: begins the line that says
    what runs; tick: called at least every half second. What they print goes to a log of the last task, in place of what
    was there.
    """
    env = {"GIT_AGENT_TASKS": " ".join(map(str, of))}
    if len(of) == 1:
        env["GIT_AGENT_TASK"] = str(of[0])
    directory = os.path.join(app.store_dir, "logs")
    name = logfile.check_name(directory, of[-1] if of else None)
    log = logfile.Logfile(name, anew=True)
    seconds = app.config.seconds("agent.checkTimeout")
    try:
        for command in commands:
            what = together(of) if of else "the base alone"
            app.progress(f"{title}: {command} ({what})")
            log.write(f"== {what}: {command}\n".encode(errors="replace"))
            ran = check.run(command, path, env, app.progress, heard=log.write, tick=tick, within_s=seconds or None)
            how = f"failed with {ran.status}" if ran.status is not None else f"did not end within {spell(seconds)}"
            ended = f"{'passed' if ran.status == 0 else how}, after {ran.seconds:.1f} s"
            app.progress(f"{title}: {ended}")
            log.write(f"== {ended}\n".encode())
            if ran.status != 0:
                kept = None if log.failed else name
                return CheckRun(command, ran.status, ran.tail, kept, f"the check {how}: {command}")
    finally:
        log.close()
        logfile.prune(directory)
    return CheckRun(log=None if log.failed or not commands else name)
