"""`git agent watch`: it prints events until it is interrupted or its reader is gone."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from git_agent.cli import command
from git_agent.errors import Exit

if TYPE_CHECKING:
    from git_agent.app import App
    from git_agent.domain.event import Event


def print_events(app: App, task: str | None, since: int | None, *, as_json: bool) -> None:
    """Print events until interrupted or until the reader is gone.

    Raises click's Exit or BrokenPipeError at the end; AgentError when the store is gone.
    """
    from git_agent.actions.lookup import find
    from git_agent.runtime.watching import follow

    only = find(app, task).id if task is not None or app.worker_of else None
    interruption = _Interruption()
    signal.signal(signal.SIGINT, interruption)
    try:
        for batch in follow(app, since, kept=not sys.stdout.isatty(), say=_say, document=command.document):
            _print(app, [e for e in batch if only in (None, e.task)], as_json)
            _end_without_reader()
            interruption.check()
    except KeyboardInterrupt:
        # Ctrl-C is the usual way to end it, so it is no error.
        print(end="\n" if sys.stderr.isatty() else "", file=sys.stderr)  # below the terminal's ^C
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None


class _Interruption:
    """The handler of Ctrl-C.

    Python swallows an exception that a handler raises while it runs a weakref's callback, as in an import (seen once in
    3,700 tests). The loop therefore checks, every two seconds, whether one was asked for.
    """

    asked = False

    def __call__(self, number: int, at: object) -> NoReturn:
        # The terminal sends one signal, and git, which waits for us, sends another: it must not interrupt the exit.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.unraisablehook = lambda unraisable: None  # nothing is said about a swallowed one
        self.asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for."""
        if self.asked:
            raise KeyboardInterrupt


def _print(app: App, happened: list[Event], as_json: bool) -> None:
    if not happened:
        return
    if as_json:
        from git_agent.actions.views.history import LogEntry
        from git_agent.render import json

        said = [json.document(json.entry_json(LogEntry(e.at, event=e))) for e in happened]
    else:
        from git_agent.render import lines

        shown = command.screen(app)
        said = [lines.event_line(e, shown) for e in happened]
    for line in said:
        print(line, flush=True)


def _say(line: str) -> None:
    command.note([line])


def _end_without_reader() -> None:
    """Raise BrokenPipeError if the reader is gone. Without events there is no write that would notice it for hours."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if any(seen & (select.POLLERR | select.POLLHUP) for _, seen in poll.poll(0)):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
