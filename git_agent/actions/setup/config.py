"""List the configuration, and trust the commands of a committed .gitagent file."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.app import App
from git_agent.config import KEYS, TEAM_FILE, TRUST_FACT, Setting, digest, needs_trust
from git_agent.errors import AgentError
from git_agent.git import config as git_config


@dataclass(frozen=True, slots=True)
class Trusted:
    """A trusted file.

    hash: the hash that was recorded.
    commands: the (key, value) pairs that take effect: commands, and which files are copied and linked.
    already: the file was trusted before.
    """

    hash: str
    commands: tuple[tuple[str, str], ...]
    already: bool


def trust(app: App) -> Trusted:
    """Trust the committed .gitagent file by recording its hash.

    Raises AgentError (exit 1) when there is no such file.
    """
    found = digest(app.repo)
    if found is None:
        raise AgentError("no-team-file", f"there is no committed {TEAM_FILE} here", f"git add {TEAM_FILE}; git commit")
    store, actor = app.store, app.speaker.actor
    already = app.store.meta.get(TRUST_FACT) == found
    values = git_config.read_config_blob(app.repo, f"HEAD:{TEAM_FILE}")
    if not already:
        with store.transaction():
            app.store.meta.put(TRUST_FACT, found)
            app.store.events.append("config.trusted", actor, data={"hash": found})
    commands = tuple((name, v.value) for v in values if (name := _documented(v.key)) is not None)
    return Trusted(found, commands, already)


def _documented(key: str) -> str | None:
    """Return the key in its documented spelling, since git folds case; None if the key needs no trust."""
    if not needs_trust(key):
        return None
    return next((known.name for known in KEYS if known.name.lower() == key), key)


def config(app: App) -> list[Setting]:
    """List the settings that are in effect here."""
    return app.config.settings()
