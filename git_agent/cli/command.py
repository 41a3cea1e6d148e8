"""What all verbs have in common: --json, the invocation around the action, and printing the answer."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import click

from git_agent.app import App
from git_agent.cli.parsing import Commanding, Passing
from git_agent.errors import AgentError
from git_agent.record import Record
from git_agent.runtime.invocation import Invocation
from git_agent.verbs import VERBS

if TYPE_CHECKING:
    from git_agent.actions.views.notify import Notification
    from git_agent.domain.task import Task
    from git_agent.render.style import Screen


class Answer(Record):
    """What a verb prints.

    payload: the JSON object, or a function that returns it
    lines: the text for people
    talk: lines for stderr, printed before the text
    hints: lines for stderr, printed after the text: what may be typed next
    rows: JSON objects to print one per line, instead of the payload
    exit: the exit code
    follows: lines and rows arrive over time, so each is written at once
    delivered: called after everything is written, to mark messages as seen
    becomes: called last, with everything closed, instead of printing: another program takes over this process
    """

    payload: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    lines: Iterable[str] = ()
    talk: Iterable[str] = ()
    hints: Iterable[str] = ()
    rows: Iterable[Mapping[str, Any]] | None = None
    exit: int = 0
    follows: bool = False
    delivered: Callable[[], object] | None = None
    becomes: Callable[[], NoReturn] | None = None


def verb(
    name: str,
    *,
    creates: bool = False,
    looks: bool = True,
    configured: bool = False,
    command: str = "",
    passes: bool = False,
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a click command from a function that takes the App and the options and returns an Answer.

    name: the verb; a subcommand follows after a space
    creates, configured: see Invocation
    looks: whether to reconcile first
    command: how the usage shows the command after `--`, "" if the verb takes none
    passes: whether options that the verb does not know, and paths after `--`, are passed on to git
    """

    def decorate(function: Callable[..., Answer]) -> click.Command:
        @functools.wraps(function)
        def called(as_json: bool, **options: Any) -> None:
            watched = sys.stderr.isatty() and not as_json
            invocation = Invocation(
                name,
                document,
                given=_given(options),
                terminal=watched,
                progress=_print_progress if watched else lambda line: None,  # a pipe gets only the result
                warn=lambda line: note([line]),
                creates=creates,
                reconciles=looks,
                configured=configured,
            )
            try:
                with invocation as app:
                    answer = function(app, **options)
                    if answer.becomes is None:
                        _say(invocation, answer, as_json)
            finally:
                note(invocation.notes())
            if answer.becomes is not None:
                answer.becomes()
            if answer.exit:
                raise click.exceptions.Exit(answer.exit)

        json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
        kind = Commanding if command else Passing if passes else click.Command
        short = VERBS[name].summary if name in VERBS else None  # `rescue list` takes its short help from its help
        made = click.command(name.rpartition(" ")[2], kind, help=function.__doc__, short_help=short)(
            json_option(called)
        )
        if isinstance(made, Commanding):
            made.usage_end = command
        return made

    return decorate


def _given(options: Mapping[str, Any]) -> set[str]:
    """Return the options and arguments that are given, as the usage names them."""
    names = {p.name: max(p.opts, key=len) for p in click.get_current_context().command.params}
    names = {"command": "COMMAND", "git_options": "GIT-OPTION", "paths": "PATH"} | names
    return {names[name] for name, value in options.items() if value is not None and value is not False and value != ()}


def document(call: Notification) -> str:
    """Return what agent.notify reads on its standard input."""
    from git_agent.render import json

    return json.notification_document(call)


def _print_progress(line: str) -> None:
    from git_agent.render.text import visible

    print(f"  {visible(line)}", file=sys.stderr, flush=True)


def note(lines: Iterable[str]) -> None:
    """Print notes on standard error."""
    for line in lines:
        from git_agent.render.text import visible

        print(f"note: {visible(line)}", file=sys.stderr)


def _say(invocation: Invocation, answer: Answer, as_json: bool) -> None:
    if as_json:
        from git_agent.render import json

        payload = answer.payload() if callable(answer.payload) else answer.payload
        _write(map(json.document, (payload,) if answer.rows is None else answer.rows), answer.follows)
    note(invocation.notes(mail=answer.delivered is None))
    if not as_json:
        for line in answer.talk:
            print(line, file=sys.stderr)
        _write(answer.lines, answer.follows)
        sys.stdout.flush()  # so that the hints follow where both streams are one terminal
        for line in answer.hints:
            print(line, file=sys.stderr)
    if answer.delivered is not None:
        sys.stdout.flush()
        answer.delivered()


def _write(lines: Iterable[str], at_once: bool) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
        if at_once:
            sys.stdout.flush()


def screen(app: App, *, columns: bool = False) -> Screen:
    """Return the description of standard output: a terminal and its width, or a pipe.

    columns: treat a pipe as a terminal
    """
    from git_agent.render.style import Screen

    return Screen(terminal_width(columns=columns), uses_colour(app), app.now())


def uses_colour(app: App) -> bool:
    """Return whether standard output gets colour. In a pipe, git is not asked for that alone, unless by `git -c`."""
    from git_agent.render.style import wants_colour

    asks = sys.stdout.isatty() or app.has_settings or "GIT_CONFIG_PARAMETERS" in app.env
    return wants_colour(sys.stdout.isatty(), os.environ, app.config.colour if asks else "auto")


columns_option = click.option("--columns", is_flag=True, help="Print columns as on a terminal, also in a pipe.")


def terminal_width(*, columns: bool = False) -> int | None:
    """Return the width of the terminal in columns, None for a pipe. columns: treat a pipe as a terminal."""
    if not (columns or sys.stdout.isatty()):
        return None
    import shutil

    return shutil.get_terminal_size().columns


def undo_hint(app: App, done: object) -> list[str]:
    """Return the hint that undo restores what was removed, for a person at a terminal. Scripts don't need it.

    done: what was removed; no hint if it is false
    """
    return ["hint: git agent undo restores it"] if done and app.terminal else []


def task_answer(app: App, task: Task, lines: Iterable[str], talk: Iterable[str] = (), **more: Any) -> Answer:
    """Return an answer about one task.

    task: the task
    lines: the text for people
    talk: lines for stderr
    more: further fields of the JSON object
    """

    def payload() -> dict[str, Any]:
        from git_agent.actions.views.task import view
        from git_agent.render import json

        return {"task": json.task_json(view(app, [task], counts=True)[0]), **more}

    return Answer(payload, lines, talk)


_MOST = 128 * 1024  # characters; above the limit of every body, so that its check refuses a longer text


def read_text(path: str, most: int = _MOST) -> str:
    """Read a text from a file, or from standard input for `-`.

    most: the number of characters to read at most; choose it above the limit, so that a longer text is refused
    Raises AgentError when the file can't be read.
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
    """Return the TASK argument: an id, a name or a branch. It may be omitted inside a worker's worktree."""
    return click.argument("task", required=required, metavar="TASK" if required else "[TASK]")
