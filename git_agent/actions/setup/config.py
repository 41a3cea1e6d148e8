"""List the configuration, and trust the commands of a committed .gitagent file."""

from __future__ import annotations

import os
import shutil

from git_agent.app import App
from git_agent.config import TEAM_FILE, Setting, digest, needs_trust
from git_agent.domain.command import parse_command
from git_agent.domain.config_keys import KEYS
from git_agent.errors import AgentError
from git_agent.files import read_or_empty
from git_agent.git import config as git_config
from git_agent.record import Record
from git_agent.store import meta

INCLUDE_FILE = ".worktreeinclude"
INCLUDE_FACT = "trusted-include"  # the key in the store's meta table: the hash of the file that a person trusted


class Trusted(Record):
    """A trusted file.

    hash: the hash that was recorded; of the first file.
    files: the names of the files.
    commands: the (key, value) pairs that take effect: commands, and which files are copied and linked.
    already: the file was trusted before.
    """

    hash: str
    files: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]
    already: bool


class AgentCommand(Record):
    """The command of an agent.

    origin: `default` where none is configured, team, or git's scope (system, global, local, command).
    program: the path of its program; None if that is not on PATH, or if the command can't be read.
    """

    name: str
    command: str
    origin: str
    program: str | None


def agent_commands(app: App) -> list[AgentCommand]:
    """List the agents that have a command, by name."""
    found = {s.key.lower().removeprefix("agent.run."): s for s in app.config.settings() if s.value}
    path = app.env.get("PATH")
    return [
        AgentCommand(name, text, found[name].origin if name in found else "default", _program(name, text, path))
        for name in app.config.agents()
        if (text := app.config.agent(name))
    ]


def _program(name: str, text: str, path: str | None) -> str | None:
    try:
        return shutil.which(os.path.expanduser(parse_command(name, text).program), path=path)
    except AgentError:
        return None


def trust(app: App) -> Trusted:
    """Trust the committed .gitagent and .worktreeinclude files by recording their hashes.

    Raises AgentError (exit 1) when there is neither.
    """
    team, include = digest(app.repo), _committed_include(app)
    found = {fact: value for fact, value in ((meta.TRUSTED, team), (INCLUDE_FACT, include)) if value is not None}
    if not found:
        top, hint = app.repo.worktree or "", f"git add {TEAM_FILE}; git commit"
        if not os.path.lexists(os.path.join(top, TEAM_FILE)):
            hint = f"git config -f {TEAM_FILE} agent.KEY VALUE; {hint}"
        raise AgentError("no-team-file", f"there is no committed {TEAM_FILE} here", hint)
    store, actor, first = app.store, app.speaker.actor, next(iter(found.values()))
    already = all(store.meta.get(fact) == value for fact, value in found.items())
    values = git_config.read_config_blob(app.repo, f"HEAD:{TEAM_FILE}")
    if not already:
        with store.transaction():
            for fact, value in found.items():
                store.meta.put(fact, value)
            store.events.append("config.trusted", actor, data={"hash": first})
    commands = tuple((name, v.value) for v in values if (name := _documented(v.key)) is not None)
    files = tuple(name for name, value in ((TEAM_FILE, team), (INCLUDE_FILE, include)) if value is not None)
    return Trusted(first, files, (*commands, *((INCLUDE_FILE, line) for line in _patterns(app) if include)), already)


def untrusted_include(app: App, source: str) -> bool:
    """Return whether `.worktreeinclude` is committed, so that others wrote it, and nobody here has trusted it.

    source: the main worktree.
    It chooses secrets of this person to copy to where agents work. A file that is not committed is the person's own.
    """
    found = _include_digest(source)
    return found is not None and app.repo.tracked(source, INCLUDE_FILE) and app.store.meta.get(INCLUDE_FACT) != found


def _include_digest(source: str) -> str | None:
    """Return the hash of the main worktree's `.worktreeinclude`, None without one."""
    path = os.path.join(source, INCLUDE_FILE)
    if not os.path.isfile(path):
        return None
    import hashlib

    return hashlib.sha256(read_or_empty(path)).hexdigest()


def _committed_include(app: App) -> str | None:
    main = app.repo.main_worktree
    found = _include_digest(main) if main is not None else None
    return found if found and app.repo.tracked(main or "", INCLUDE_FILE) else None


def _patterns(app: App) -> list[str]:
    """List the patterns of `.worktreeinclude`, without comments."""
    raw = read_or_empty(os.path.join(app.repo.main_worktree or "", INCLUDE_FILE))
    lines = raw.decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _documented(key: str) -> str | None:
    """Return the key in its documented spelling, since git folds case; None if the key needs no trust."""
    if not needs_trust(key):
        return None
    return next((known.name for known in KEYS if known.name.lower() == key), key)


def config(app: App) -> list[Setting]:
    """List the settings that are in effect here."""
    return app.config.settings()
