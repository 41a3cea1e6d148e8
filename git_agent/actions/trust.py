"""Accept the committed `.gitagent` file: its commands may run until it changes."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.app import App
from git_agent.config import TEAM_FILE, TRUST_FACT, digest
from git_agent.errors import AgentError
from git_agent.git import config as git_config
from git_agent.store import events, facts


@dataclass(frozen=True, slots=True)
class Trusted:
    """A trusted file. commands: the values that count from now on, key by key; already: it was trusted before."""

    hash: str
    commands: tuple[tuple[str, str], ...]
    already: bool


def trust(app: App) -> Trusted:
    """Record the hash of the committed file. Raises AgentError (exit 1) where there is none."""
    found = digest(app.repo)
    if found is None:
        raise AgentError("no-team-file", f"there is no committed {TEAM_FILE} here", f"git add {TEAM_FILE}; git commit")
    already = facts.get(TRUST_FACT) == found
    actor = app.speaker.actor
    values = git_config.read_blob(app.repo, f"HEAD:{TEAM_FILE}")
    if not already:
        with app.store.transaction():
            facts.put(TRUST_FACT, found)
            events.append("config.trusted", actor, data={"hash": found})
    return Trusted(found, tuple((v.key, v.value) for v in values), already)
