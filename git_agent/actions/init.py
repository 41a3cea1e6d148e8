"""Make the repository ready: the store, and what keeps our files out of commits."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent import context
from git_agent.app import App
from git_agent.git import excludes, versions
from git_agent.store.store import Store


@dataclass(frozen=True, slots=True)
class Initialized:
    """A repository that is ready. path: of the store; made: it was not there before."""

    path: str
    made: bool


def init(app: App) -> Initialized:
    """Make the store where there is none, and mend what is missing; safe to run again.

    Raises AgentError for a git that is too old, and for anything else in the store's place.
    """
    versions.require()
    app.creates = True
    made = not Store.stands_in(app.store_dir)
    store = app.store
    excludes.exclude(app.repo, context.EXCLUDE)
    return Initialized(store.path, made)
