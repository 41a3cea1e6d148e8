"""Questions to a person at a terminal, the flag that answers them, and the editor.

A verb asks only before it does something that `git agent undo` cannot reverse, or that may exceed what was intended.
Without a terminal no verb asks: it refuses and names the flag.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from git_agent.app import App
from git_agent.errors import AgentError

NO_QUESTION = "Answer yes to every question. This verb asks none; scripts may pass it anyway."


def yes_option(help: str = "Answer yes to every question.") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `-y`. Every verb that deletes or merges accepts it, whether it asks or not."""
    return click.option("-y", "--yes", is_flag=True, help=help)


def can_ask(app: App) -> bool:
    """Return whether a person can read a question and answer it."""
    return app.terminal and sys.stdin.isatty()


_SCISSORS = "# ------------------------ >8 ------------------------"  # as in git commit --cleanup=scissors
_TEMPLATE = f"""

{_SCISSORS}
# Write a title above, and the body below the title. Everything from the line with >8 on is left out.
# Without a title, nothing is added.
"""


def ask_for_text(editor: str) -> str:
    """Open an editor; return what was written, "" for nothing.

    editor: its command line
    Raises AgentError (exit 1) if it can't be started or fails.
    """
    try:
        written = click.edit(_TEMPLATE, editor=editor) or ""
    except (click.ClickException, ValueError) as error:
        says = f"the editor failed: {error.message if isinstance(error, click.ClickException) else error}"
        raise AgentError("editor-failed", says, "git config core.editor COMMAND, or give TITLE") from error
    return written.partition(_SCISSORS)[0].strip()


def confirm(question: str, shown: Iterable[str]) -> bool:
    """Show what would be done, and ask whether to do it. Only an explicit yes counts."""
    for line in shown:
        click.echo(line, err=True)
    return click.confirm(question, err=True)
