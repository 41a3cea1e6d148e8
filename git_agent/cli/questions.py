"""Questions to a person at a terminal, and the flag that answers them.

A verb asks only before it does something that `git agent undo` cannot reverse, or that may exceed what was intended.
Without a terminal no verb asks: it refuses and names the flag.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from git_agent.app import App

NO_QUESTION = "Answer yes to every question. This verb asks none; scripts may pass it anyway."


def yes_option(help: str = "Answer yes to every question.") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `-y`. Every verb that deletes or merges accepts it, whether it asks or not."""
    return click.option("-y", "--yes", is_flag=True, help=help)


def can_ask(app: App) -> bool:
    """Return whether a person can read a question and answer it."""
    return app.terminal and sys.stdin.isatty()


def confirm(question: str, shown: Iterable[str]) -> bool:
    """Show what would be done, and ask whether to do it. Only an explicit yes counts."""
    for line in shown:
        click.echo(line, err=True)
    return click.confirm(question, err=True)
