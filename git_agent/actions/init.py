"""Make the repository ready: the store, the hooks, and what keeps our files out of commits."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent import context
from git_agent.actions.agents_md import AgentsMd, agents_md
from git_agent.actions.heal import FACT
from git_agent.actions.protect import protect
from git_agent.app import App
from git_agent.git import disk, excludes, hookfiles, versions
from git_agent.proc import program
from git_agent.store import facts
from git_agent.store.store import Store


@dataclass(frozen=True, slots=True)
class Initialized:
    """A repository that is ready. path: of the store; made: it was not there before; hooks: what was done to them, None
    when none are wanted; manual: what is left to the user; agents: what became of AGENTS.md, None when not asked for.
    """

    path: str
    made: bool
    hooks: tuple[str, ...] | None
    manual: tuple[str, ...] = ()
    agents: AgentsMd | None = None


def init(app: App, *, hooks: bool = True, agents: bool = False) -> Initialized:
    """Make the store and install the hooks where they are missing, and mend what is not as it should be.

    hooks: False takes out those that are there; agents: also write our part of AGENTS.md. Raises AgentError for a git
    that is too old, for anything else in the store's place, and as agents_md does.
    """
    versions.require()
    part = agents_md(app) if agents else None
    app.creates = True
    made = not Store.stands_in(app.store_dir)
    store = app.store
    with disk.explained():
        excludes.exclude(app.repo, context.EXCLUDE)
    guard = hooks and app.config.switch("agent.guard")
    done = hookfiles.install(app.repo, program.own(), guard=guard) if hooks else hookfiles.uninstall(app.repo)
    with app.store.transaction():
        facts.put(FACT, "off" if not hooks else "on+guard" if guard else "on")
    if guard:
        protect(app)
    return Initialized(store.path, made, done.changed if hooks else None, done.manual, part)
