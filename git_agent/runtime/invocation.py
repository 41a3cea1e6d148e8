"""One invocation of an action: what every front end does before it and after it.

    invocation = Invocation("approve", document)
    with invocation as app:
        taken = approve(app, find(app, "7"))
        said = invocation.notes()
    said += invocation.notes()  # from leaving the block

Imports inside functions are for start-up time: a command loads only what it runs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from git_agent.app import App
from git_agent.errors import UNWRITABLE, AgentError
from git_agent.verbs import who_may

if TYPE_CHECKING:
    from git_agent.actions.views.notify import Notification


class Invocation:
    """A `with` block around one action. It yields the App that the action works with.

    Entering the block refuses a worker that may not use the verb, recovers interrupted work, applies the notes of the
    hooks and reconciles with git. Leaving it, even with an error, notifies the person, refreshes the files that
    agent.guard reads and closes the store. It never prints.
    """

    def __init__(
        self,
        verb: str,
        document: Callable[[Notification], str],
        *,
        given: Collection[str] = (),
        terminal: bool = False,
        progress: Callable[[str], None] = lambda line: None,
        warn: Callable[[str], None] = lambda line: None,
        creates: bool = False,
        reconciles: bool = True,
        configured: bool = False,
    ) -> None:
        """Prepare an invocation without opening anything.

        verb: the verb that the action implements, as git_agent/verbs.py has it; a subcommand follows after a space.
        document: writes what agent.notify reads on its standard input.
        given: the options that are given, as the usage names them; some make a verb one for the coordinator.
        terminal: stderr is an interactive terminal, so hints and questions make sense.
        progress: called with a line when long work advances.
        warn: called with a line that must be read before anything is made.
        creates: the action may create the store.
        reconciles: recover, drain and reconcile first; otherwise the action sees the store as it is.
        configured: the action always reads the configuration, so start git early.
        """
        self.app = App(verb=verb, given=frozenset(given), terminal=terminal, progress=progress, creates=creates)
        self._document = document
        self._warn = warn
        self._reconciles = reconciles
        self._configured = configured
        self._ended = False

    def __enter__(self) -> App:
        try:
            coordinates = who_may(self.app.verb, self.app.given) == "coordinator"
            if (coordinates or self._reconciles) and (line := _foreign(self.app)):
                self._warn(line)
            if coordinates and self.app.may_be_worker:
                from git_agent.actions.permission import require_permission

                require_permission(self.app)
            if self._configured:
                self.app.ask_settings()
            if self._reconciles:
                _reconcile(self.app)
        except BaseException:
            self._end()
            raise
        return self.app

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def notes(self, *, mail: bool = True) -> list[str]:
        """Return the lines to show beside the result, each once: notices first, then mail.

        mail: also report the worker's unread mail; not possible after the block.
        """
        return [*self.app.take_notices(), *(_mail(self.app) if mail and not self._ended else ())]

    def _end(self) -> None:
        self._ended = True
        try:
            for line in notify_person(self.app, self._document):
                self.app.notice(line)
            _refresh_guard(self.app)
        finally:
            self.app.close()


def notify_person(app: App, document: Callable[[Notification], str], first: int | None = None) -> list[str]:
    """Run agent.notify for the events of this process and for new events of others.

    document: writes what agent.notify reads on its standard input.
    first: the oldest new event of another process; None when only our own events count.
    Returns a line if agent.notify could not be run. This is no error, because the action has done its work.
    """
    if not app.store_is_open:
        return []
    own = app.store.events.take_calls()
    if own is None and first is None:
        return []
    try:
        if not app.config.text("agent.notify"):
            return []
        from git_agent.actions.views.notify import notify

        notify(app, min(seq for seq in (own, first) if seq is not None), document)
    except (AgentError, OSError) as error:
        return [f"agent.notify was not run: {error}"]
    return []


def become(words: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> NoReturn:
    """Replace this process with another program. Call it after the invocation has ended.

    words: the program and its arguments.
    cwd: the directory it runs in; None for the current one.
    env: its whole environment; None for ours.
    Raises AgentError (exit 1) when the program cannot be started.
    """
    from git_agent.proc.exec import exec_program

    try:
        exec_program(list(words), cwd=cwd, env=env)
    except OSError as error:
        import shlex

        name = words[0]
        path = shlex.quote(os.path.join(cwd or "", name))
        hint = f"ls -l {path}" if os.sep in name else f"command -v {shlex.quote(name)}"
        raise AgentError("no-program", f"cannot run '{name}': {error.strerror}", hint) from error


def explain(error: OSError) -> AgentError:
    """Convert an error of the operating system into one that a front end can show.

    error: the error of the system.
    Returns an AgentError (exit 1) with a hint.
    """
    from git_agent.git.errors import system_error

    return system_error(error)


def _foreign(app: App) -> str | None:
    """Warn a user who makes files in another user's repository, as `sudo git agent spawn` does."""
    owner, user = os.stat(app.repo.common_dir).st_uid, os.geteuid()
    if owner == user:
        return None
    from git_agent.git.discover import login

    theirs, yours = login(owner), login(user)
    return (
        f"this repository belongs to {theirs}, and you are {yours}: worktrees, refs and records made now will belong to"
        f" {yours}, and {theirs} may be unable to change them; run git agent as {theirs}"
    )


def _reconcile(app: App) -> None:
    from git_agent.actions.reconcile.reconcile import reconcile, take_notices

    try:
        seen = reconcile(app, typed=True)
        lines = [*take_notices(app), *seen.lines]
        from git_agent.runtime import draining

        draining.hand_over(app, asks=seen.asks)
    except AgentError as error:
        if error.code not in UNWRITABLE:
            raise
        lines = [f"{error.message}: not reconciled with git"]  # an action that only reads still works
    for line in lines:
        app.notice(line)


def _refresh_guard(app: App) -> None:
    if app.guards is not False and app.store_is_open and app.store.events.take_news():
        from git_agent.actions.setup.hooks import write_guard_files

        with contextlib.suppress(AgentError, OSError):  # the next command does it
            write_guard_files(app)


def _mail(app: App) -> list[str]:
    """Report a worker's mail with every command that it runs, unless it was superseded. People use `git agent status`.

    Mail that was seen is reported again only when its acknowledgement is overdue.
    """
    if not app.worker_of:
        return []
    new, overdue = app.store.deliveries.calling([str(app.worker_of)])
    task = app.store.tasks.find(app.worker_of) if new or overdue else None
    if task is None or app.speaker.superseded(task):
        return []
    lines = [f"new messages ({new}): git agent inbox"] if new else []
    return [*lines, f"not acknowledged yet ({overdue}): git agent inbox"] if overdue else lines
