"""Verbs that set things up."""

from __future__ import annotations

import os
import sys

import click

from git_agent.app import App
from git_agent.cli.frame import Answer, terminal_width, verb
from git_agent.errors import usage


@verb("init", creates=True, looks=False)
@click.option("--no-hooks", is_flag=True, help="Make the store only.")
def init_verb(app: App, no_hooks: bool) -> Answer:
    """Make the store of this repository. Run again, it mends what is missing.

    The store is `git-agent/agent.db` in the common git directory; nothing else of the repository changes but a line
    of info/exclude. Other verbs that add tasks make the store, too.
    """
    del no_hooks
    from git_agent.actions.init import init

    done = init(app)
    word = "made" if done.made else "is there already:"
    return Answer({"store": done.path, "made": done.made}, [f"store {word} {done.path}"])


@verb("config", looks=False)
def config_verb(app: App) -> Answer:
    """Show every agent.* key with its value, its origin and its meaning.

    Values are git's own configuration: set them with `git config agent.KEY VALUE`. A committed `.gitagent` file gives
    a team's values; its keys that name commands count after `git agent trust`.
    """
    from git_agent.actions.config import config
    from git_agent.render.table import Column, table

    found = config(app)
    columns = (Column("KEY"), Column("VALUE"), Column("ORIGIN"), Column("MEANING", stretch=True))
    rows = [[s.key, s.value, s.origin, s.sentence] for s in found]
    keys = [{"key": s.key, "value": s.value, "origin": s.origin, "sentence": s.sentence} for s in found]
    untrusted = [f"note: {key} of .gitagent is not trusted: git agent trust" for key in app.config.untrusted]
    return Answer({"config": keys}, table(columns, rows, terminal_width=terminal_width()), untrusted)


@verb("trust", creates=True, looks=False)
def trust_verb(app: App) -> Answer:
    """Accept the commands of the committed .gitagent file, until it changes."""
    from git_agent.actions.trust import trust
    from git_agent.render.text import visible

    done = trust(app)
    lines = [f"{key} = {visible(value)}" for key, value in done.commands]
    word = "trusted already" if done.already else "trusted"
    commands = [{"key": key, "value": value} for key, value in done.commands]
    return Answer(
        {"hash": done.hash, "already": done.already, "commands": commands},
        [*lines, f"{word}: .gitagent {done.hash[:12]}"],
    )


@verb("completion", looks=False)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--install", is_flag=True, help="Write it where the shell looks, and the manual page where man looks.")
@click.option("--complete", "words", is_flag=True, hidden=True)
@click.argument("typed", nargs=-1, metavar="", type=click.UNPROCESSED)
def completion_verb(app: App, shell: str, install: bool, words: bool, typed: tuple[str, ...]) -> Answer:
    """Print the completion of a shell, for `git agent` and for `git-agent`; with --install, put it in its place.

    Verbs, options and TASK are completed: a task's id, or its name once a letter is typed.
    """
    app.carried = ()  # it needs no repository, so nobody's worker speaks
    if words:
        from git_agent.cli.completion import candidates

        return Answer({}, candidates(app, shell, typed))
    if typed:
        raise usage("too-many-arguments", f"one shell, not also '{typed[0]}'", "git agent completion bash")
    return _installed(shell) if install else _script(shell)


def _script(shell: str) -> Answer:
    from git_agent.cli.scripts import SCRIPTS

    return Answer({"script": SCRIPTS[shell]}, SCRIPTS[shell].splitlines())


def _installed(shell: str) -> Answer:
    from git_agent.cli.install import install, said

    done = install(shell, os.environ)
    placed = [{"path": p.path, "changed": p.changed} for p in done.placed]
    return Answer({"installed": placed, "todo": list(done.todo)}, said(done))


@verb("demo", looks=False)
@click.option("--keep", metavar="DIR", help="Play in DIR, a new or empty directory, and keep it.")
def demo_verb(app: App, keep: str | None) -> Answer:
    """Watch three workers at once go from spawn to a merged base, with a review and a conflict, in about 10 seconds.

    Everything happens in a temporary repository of its own, with none of your configuration, and nothing is left of it.
    Each command is shown as it is run. With --json that goes to standard error.
    """
    app.carried = ()  # it needs no repository, so nobody's worker speaks
    from git_agent.actions.demo import demo
    from git_agent.render import demo as render
    from git_agent.render.style import wants_colour

    as_json = bool(click.get_current_context().params["as_json"])
    out = sys.stderr if as_json else sys.stdout
    colour = wants_colour(out.isatty(), os.environ)
    shown = demo(lambda said: print(render.line(said, colour), file=out, flush=True), keep, colour=colour)
    return Answer(render.payload(shown), render.closing(shown))
