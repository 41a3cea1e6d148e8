"""Put the hooks in, and mend them when something displaced them; nothing but a few stats when nothing did."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.store import facts

FACT = "hooks"
"""What the user wants: `on`, `on+guard` with agent.guard, `off` after deinit or init --no-hooks; absent at first."""


def heal(app: App) -> list[str]:
    """Install or mend the hooks unless the user does not want any. Returns a line for each thing to be known.

    Each command does it, so that a manager of hooks that was installed after us, a newer git, or a moved repository
    costs promptness until the next command, and nothing more.
    """
    wanted = facts.get(FACT)
    if wanted == "off" or app.env.get("GIT_AGENT_HOOKS") == "0" or not os.access(app.store_dir, os.W_OK):
        return []
    from git_agent.git import hookfiles
    from git_agent.proc import program

    guard, lines = (wanted or "").endswith("guard"), list[str]()
    # Not ours where another one is recorded and there: two installations would mend each other's for ever.
    path = program.recorded(app.store_dir) or program.own()
    if wanted is None or not hookfiles.intact(app.repo, path, guard=guard):
        guard = app.config.switch("agent.guard")
        done = hookfiles.install(app.repo, path, guard=guard)
        with app.store.transaction():
            facts.put(FACT, "on+guard" if guard else "on")
        lines = [*([_said(wanted)] if done.changed or wanted is None else []), *done.manual]
    if guard:
        from git_agent.actions.protect import protect

        protect(app)
    return lines


def _said(wanted: str | None) -> str:
    if wanted is None:
        return "hooks are installed: git agent hooks shows them, git agent deinit takes them out"
    return "the hooks were mended: git agent hooks shows them"
