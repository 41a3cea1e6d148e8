"""What all verbs have in common: --json, opening the world, looking at git first, and saying the answer."""

from __future__ import annotations

import contextlib
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
    for stderr, before them; rows: JSON objects to print one a line in place of the payload; exit: the exit code;
    follows: lines and rows come as things happen, and each is written at once; delivered: called when all was written
    out (the answer is mail).
    """

    payload: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    lines: Iterable[str] = ()
    talk: Iterable[str] = ()
    rows: Iterable[Mapping[str, Any]] | None = None
    exit: int = 0
    follows: bool = False
    delivered: Callable[[], object] | None = None


class Commanding(click.Command):
    """A verb that takes a command of others after `--`, with whatever options that has."""

    usage_end = ""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what stands behind the first `--` as it is."""
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        ctx.params["command"] = tuple(args[at + 1 :])
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show the command in the usage."""
        return [*super().collect_usage_pieces(ctx), self.usage_end]


class Several(click.Group):
    """A verb with verbs of its own; the first one is meant when none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the first one in where none is named; --json may stand before it."""
        before = [word for word in args[:1] if word == "--json"]
        rest = args[len(before) :]
        named = bool(rest) and (rest[0] in self.commands or rest[0] in ctx.help_option_names)
        if not ctx.resilient_parsing:
            args = [rest[0], *before, *rest[1:]] if named else [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


class Finite(click.FloatRange):
    """A number in a range: neither `nan`, which lies in every one, nor `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is no number of anything."""
        found = super().convert(value, param, ctx)
        if found != found or found in (float("inf"), float("-inf")):
            self.fail(f"{value} is no number", param, ctx)
        return found


def verb(
    name: str, *, creates: bool = False, looks: bool = True, configured: bool = False, command: str = ""
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function from (App, options) to an Answer.

    creates: the verb may make the store; looks: it first mends what a dead process left and reconciles with git;
    configured: it always needs the configuration, which is best asked for early; command: how the usage shows the
    command that it takes after `--`, "" for none.
    """

    def decorate(function: Callable[..., Answer]) -> click.Command:
        @functools.wraps(function)
        def called(as_json: bool, **options: Any) -> None:
            app = App(terminal=sys.stderr.isatty() and not as_json, progress=_progress(as_json), creates=creates)
            try:
                if configured:
                    app.ask_settings()
                if looks:
                    _look(app)
                answer = function(app, **options)
                _say(app, answer, as_json)
            except AgentError:
                say_notices(app)
                raise
            finally:
                _end(app)
            if answer.exit:
                raise click.exceptions.Exit(answer.exit)

        json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
        kind = Commanding if command else click.Command
        short = VERBS[name].summary if name in VERBS else None  # `rescue list` takes it from its help
        made = click.command(name.rpartition(" ")[2], kind, help=function.__doc__, short_help=short)(
            json_option(called)
        )
        if isinstance(made, Commanding):
            made.usage_end = command
        return made

    return decorate


def call(app: App, first: int | None = None) -> None:
    """Have agent.notify call a person for what this command did. first: an event of somebody else, new all the same.

    What goes wrong is said and changes nothing: the command has done its work.
    """
    if "store" not in app.__dict__:
        return

    own = app.store.events.take_calls()
    if own is None and first is None:
        return
    from git_agent.actions.views.notify import notify
    from git_agent.render import json

    try:
        notify(
            app,
            min(s for s in (own, first) if s is not None),
            lambda n: json.document(json.notification_json(n)) + "\n",
        )
    except (AgentError, OSError) as error:
        note([f"agent.notify was not run: {error}"])


def leave(app: App) -> None:
    """Do what a verb does at its end, before this process becomes another program."""
    say_notices(app)
    _end(app)


def _end(app: App) -> None:
    call(app)
    if "store" in app.__dict__ and app.store.events.take_news():
        from git_agent.actions.setup.hooks import write_guard_files

        with contextlib.suppress(AgentError, OSError):  # the next command does it
            write_guard_files(app)
    app.close()


def _progress(as_json: bool) -> Callable[[str], None]:
    """Long work is shown to a person; a pipe gets the result alone."""
    shown = sys.stderr.isatty() and not as_json
    from git_agent.render.text import visible

    return (lambda line: print(f"  {visible(line)}", file=sys.stderr, flush=True)) if shown else (lambda line: None)


def _look(app: App) -> None:
    from git_agent.actions.reconcile.notices import take_notices
    from git_agent.actions.reconcile.reconcile import reconcile

    try:
        seen = reconcile(app, typed=True)
        lines = [*take_notices(app), *seen.lines]
        from git_agent.runtime import draining

        draining.free(app)
        if seen.asks:
            draining.start(app)
    except AgentError as error:
        if error.code != "store-not-writable":
            raise
        lines = [f"{error.message}: not reconciled with git"]
    for line in lines:
        app.notice(line)


def say_notices(app: App) -> None:
    """Say the lines that were kept for after the result, now."""
    note(app.notices)
    app.notices.clear()


def note(lines: Iterable[str]) -> None:
    """Say what is worth knowing, on standard error."""
    from git_agent.render.text import visible

    for line in lines:
        print(f"note: {visible(line)}", file=sys.stderr)


def _say(app: App, answer: Answer, as_json: bool) -> None:
    if as_json:
        from git_agent.render import json

        payload = answer.payload() if callable(answer.payload) else answer.payload
        _write(map(json.document, (payload,) if answer.rows is None else answer.rows), answer.follows)
    note((*app.notices, *(_mail(app) if answer.delivered is None else ())))
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

    new, overdue = app.store.deliveries.calling([str(app.worker_of)])
    task = app.store.tasks.find(app.worker_of) if new or overdue else None
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


def undo_hint(app: App, done: object) -> list[str]:
    """Tell a person at a terminal, once something was taken away, how it comes back; scripts don't need it."""
    return ["hint: git agent undo brings it back"] if done and app.terminal else []


def task_answer(app: App, task: Task, lines: Iterable[str], talk: Iterable[str] = (), **more: Any) -> Answer:
    """Answer with one task and what is said of it."""

    def payload() -> dict[str, Any]:
        from git_agent.actions.views.task import view
        from git_agent.render import json

        return {"task": json.task_json(view(app, [task], counts=True)[0]), **more}

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
