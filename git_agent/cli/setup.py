"""Verbs that set things up."""

from __future__ import annotations

import click

from git_agent.app import App
from git_agent.cli.frame import Answer, screen, verb


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


@verb("config", creates=True, looks=False)
def config_verb(app: App) -> Answer:
    """Show every agent.* key with its value, its origin and its meaning.

    Values are git's own configuration: set them with `git config agent.KEY VALUE`. A committed `.gitagent` file gives
    a team's values; its keys that name commands count after `git agent trust`.
    """
    from git_agent.actions.config import settings
    from git_agent.render.table import Column, table

    found = settings(app)
    columns = (Column("KEY"), Column("VALUE"), Column("ORIGIN"), Column("MEANING", stretch=True))
    rows = [[s.key, s.value, s.origin, s.sentence] for s in found]
    keys = [{"key": s.key, "value": s.value, "origin": s.origin, "sentence": s.sentence} for s in found]
    untrusted = [f"note: {key} of .gitagent is not trusted: git agent trust" for key in app.config.untrusted]
    return Answer({"config": keys}, table(columns, rows, terminal_width=screen(app).width), untrusted)


@verb("trust", creates=True, looks=False)
def trust_verb(app: App) -> Answer:
    """Accept the commands of the committed .gitagent file, until it changes."""
    from git_agent.actions.trust import trust
    from git_agent.render.text import visible

    done = trust(app)
    lines = [f"{key} = {visible(value)}" for key, value in done.commands]
    word = "trusted already" if done.already else "trusted"
    return Answer({"hash": done.hash, "already": done.already}, [*lines, f"{word}: .gitagent {done.hash[:12]}"])
