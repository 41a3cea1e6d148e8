"""What all verbs have in common: --json, opening the world, looking at git first, and saying the answer."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from git_agent.app import App
from git_agent.cli.verbs import VERBS
from git_agent.errors import AgentError

if TYPE_CHECKING:
    from git_agent.domain.task import Task
    from git_agent.render.lines import Screen


class Answer(NamedTuple):
    """What a verb says. payload: its JSON object, or what makes it when it is asked for; lines: for people; talk: lines
    for stderr, before them; rows: JSON objects to print one a line in place of the payload; follows: lines and rows
    come as things happen, and each is written at once; delivered: called when all was written out (the answer is mail).
    """

    payload: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    lines: Iterable[str] = ()
    talk: Iterable[str] = ()
    rows: Iterable[Mapping[str, Any]] | None = None
    follows: bool = False
    delivered: Callable[[], object] | None = None


def verb(
    name: str, *, creates: bool = False, looks: bool = True, configured: bool = False
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function from (App, options) to an Answer.

    creates: the verb may make the store; looks: it first mends what a dead process left and reconciles with git;
    configured: it always needs the configuration, which is best asked for early.
    """

    def decorate(function: Callable[..., Answer]) -> click.Command:
        @functools.wraps(function)
        def command(as_json: bool, **options: Any) -> None:
            app = App(terminal=sys.stderr.isatty() and not as_json, progress=_progress(as_json), creates=creates)
            try:
                if configured:
                    app.ask_settings()
                if looks:
                    _look(app)
                _say(app, function(app, **options), as_json)
            except AgentError:
                _note(app.notices)
                raise
            finally:
                app.close()

        json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
        made = click.command(name, help=function.__doc__, short_help=VERBS[name].summary)(json_option(command))
        return made

    return decorate


def _progress(as_json: bool) -> Callable[[str], None]:
    """Long work is shown to a person; a pipe gets the result alone."""
    shown = sys.stderr.isatty() and not as_json
    from git_agent.render.text import visible

    return (lambda line: print(f"  {visible(line)}", file=sys.stderr, flush=True)) if shown else (lambda line: None)


def _look(app: App) -> None:
    from git_agent.actions.look import look
    from git_agent.actions.take_unsaid import take_unsaid
    from git_agent.actions.touch import touch

    try:
        seen = look(app)
        lines = [*take_unsaid(app), *seen.lines]
        from git_agent.runtime import draining

        draining.free(app)
        if seen.asks:
            draining.start(app)
        touch(app)
    except AgentError as error:
        if error.code != "store-not-writable":
            raise
        lines = [f"{error.message}: not reconciled with git"]
    for line in lines:
        app.notice(line)


def _note(lines: Iterable[str]) -> None:
    from git_agent.render.text import visible

    for line in lines:
        print(f"note: {visible(line)}", file=sys.stderr)


def _say(app: App, answer: Answer, as_json: bool) -> None:
    if as_json:
        from git_agent.render import json

        payload = answer.payload() if callable(answer.payload) else answer.payload
        _write(map(json.document, (payload,) if answer.rows is None else answer.rows), answer.follows)
    _note((*app.notices, *(_mail(app) if answer.delivered is None else ())))
    if not as_json:
        for line in answer.talk:
            print(line, file=sys.stderr)
        _write(answer.lines, answer.follows)
    if answer.delivered is not None:
        sys.stdout.flush()
        answer.delivered()


def _write(lines: Iterable[str], at_once: bool) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
        if at_once:
            sys.stdout.flush()


def _mail(app: App) -> list[str]:
    """A worker that was not superseded hears of its mail with every verb it runs; a person has `git agent status`.

    What was seen is not said again, but for an acknowledgement that is overdue.
    """
    if not app.worker_of:
        return []
    from git_agent.store import deliveries, tasks

    new, overdue = deliveries.calling([str(app.worker_of)])
    task = tasks.find(app.worker_of) if new or overdue else None
    if task is None or app.speaker.superseded(task):
        return []
    lines = [f"mail waits ({new}): git agent inbox"] if new else []
    return [*lines, f"not acknowledged yet ({overdue}): git agent inbox"] if overdue else lines


def screen(app: App) -> Screen:
    """Describe where the lines go: a terminal of some width, or a pipe."""
    from git_agent.render.lines import Screen
    from git_agent.render.style import wants_colour

    return Screen(terminal_width(), wants_colour(sys.stdout.isatty(), os.environ), app.store.now())


def terminal_width() -> int | None:
    """Measure the terminal in columns; None for a pipe."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def task_answer(app: App, task: Task, lines: Iterable[str], talk: Iterable[str] = (), **more: Any) -> Answer:
    """Answer with one task and what is said of it."""

    def payload() -> dict[str, Any]:
        from git_agent.actions.view import view
        from git_agent.render import json

        return {"task": json.task(view(app, [task], counts=True)[0]), **more}

    return Answer(payload, lines, talk)


_MOST = 128 * 1024  # characters; more than any body may have, so that its check refuses it


def read_text(path: str, most: int = _MOST) -> str:
    """Read a text from a file, or from standard input for `-`; never more than is needed to refuse it.

    most: characters, more than are allowed. Raises AgentError for one that can't be read.
    """
    try:
        if path == "-":
            return sys.stdin.read(most)
        with open(path, encoding="utf-8") as file:
            return file.read(most)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise AgentError(
            "no-file", f"cannot read '{path}': {reason}", "give a text file, or - for standard input"
        ) from error


def task_argument(required: bool = False) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Make the TASK argument: an id, a name or a branch; left out inside a worker's worktree."""
    return click.argument("task", required=required, metavar="TASK" if required else "[TASK]")
