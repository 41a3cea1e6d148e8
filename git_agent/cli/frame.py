"""What all verbs have in common: --json, opening the world, looking at git first, and saying the answer."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from git_agent.app import App
from git_agent.cli.verbs import VERBS
from git_agent.errors import AgentError

if TYPE_CHECKING:
    from git_agent.domain.task import Task
    from git_agent.render.lines import Screen

_MENDABLE = frozenset({"no-store", "store-not-writable"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb says. payload: its JSON object; lines: for people; talk: lines for stderr, before them;
    rows: JSON objects to print one a line in place of the payload.
    """

    payload: Mapping[str, Any]
    lines: Iterable[str] = ()
    talk: Iterable[str] = ()
    rows: Sequence[Mapping[str, Any]] | None = None


def verb(name: str, *, creates: bool = False, looks: bool = True) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function from (App, options) to an Answer.

    creates: the verb may make the store; looks: it first mends what a dead process left and reconciles with git.
    """

    def decorate(function: Callable[..., Answer]) -> click.Command:
        @functools.wraps(function)
        def command(as_json: bool, **options: Any) -> None:
            app = App(terminal=sys.stderr.isatty() and not as_json, progress=_progress(as_json), creates=creates)
            if looks:
                _look(app)
            _say(app, function(app, **options), as_json)

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
    from git_agent.actions.recover import recover
    from git_agent.actions.sync import sync
    from git_agent.actions.touch import touch

    try:
        _ = app.store
        lines = [*recover(app), *sync(app).lines]
        touch(app)
    except AgentError as error:
        if error.code not in _MENDABLE:
            raise
        lines = [f"{error.message}: not reconciled with git"] if error.code == "store-not-writable" else []
    for line in lines:
        app.notice(line)


def _say(app: App, answer: Answer, as_json: bool) -> None:
    from git_agent.render.text import visible

    out = sys.stdout
    out.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    if as_json:
        from git_agent.render import json

        for payload in (answer.payload,) if answer.rows is None else answer.rows:
            out.write(json.document(payload) + "\n")
    for line in (*app.notices, *_mail(app)):
        print(f"note: {visible(line)}", file=sys.stderr)
    if not as_json:
        for line in answer.talk:
            print(line, file=sys.stderr)
        out.writelines(f"{line}\n" for line in answer.lines)


def _mail(app: App) -> list[str]:
    """A worker hears of its mail with every verb it runs; a person has `git agent status`."""
    if not app.worker_of:
        return []
    from git_agent.store import messages

    number = messages.unread([str(app.worker_of)]).get(str(app.worker_of), 0)
    return [f"{number} unread messages: git agent log {app.worker_of}"] if number else []


def screen(app: App) -> Screen:
    """Describe where the lines go: a terminal of some width, or a pipe."""
    from git_agent.render.lines import Screen
    from git_agent.render.style import wants_colour

    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else None
    return Screen(width, wants_colour(terminal, os.environ), app.store.now())


def task_answer(app: App, task: Task, lines: Iterable[str], talk: Iterable[str] = (), **more: Any) -> Answer:
    """Answer with one task and what is said of it."""
    from git_agent.actions.view import view
    from git_agent.render import json

    return Answer({"task": json.task(view(app, [task], counts=True)[0]), **more}, lines, talk)


def read_text(path: str) -> str:
    """Read a text from a file, or from standard input for `-`. Raises AgentError for one that can't be read."""
    try:
        if path == "-":
            return sys.stdin.read()
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise AgentError(
            "no-file", f"cannot read '{path}': {reason}", "give a text file, or - for standard input"
        ) from error


def task_argument(required: bool = False) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Make the TASK argument: an id, a name or a branch; left out inside a worker's worktree."""
    return click.argument("task", required=required, metavar="TASK" if required else "[TASK]")
