"""Examine the configuration: find invalid values before a command needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from git_agent.actions.tasks.create import require_base
from git_agent.actions.worktrees import allowed_root
from git_agent.app import App
from git_agent.config import Config
from git_agent.domain.config_keys import KEYS
from git_agent.domain.finding import Finding
from git_agent.errors import AgentError

_READERS: Mapping[str, Callable[[Config, str], object]] = {
    "duration": Config.seconds,
    "number": Config.number,
    "switch": Config.switch,
    "prefix": lambda config, _: config.prefix,
    "strategy": lambda config, _: config.strategy,
    "claims": lambda config, _: config.path_claims,
}
_SCOPES = {"global": "--global ", "system": "--system ", "worktree": "--worktree "}


def examine_config(app: App) -> list[Finding]:
    """Read every key's value the way commands read it, without changing anything."""
    found = []
    origins = {each.key: each.origin for each in app.config.settings()}
    for key in KEYS:
        try:
            _READERS.get(key.kind, Config.text)(app.config, key.name)
            if key.kind == "path":
                allowed_root(app)
            elif key.name == "agent.base" and (base := app.config.text(key.name)) and app.repo.has_commits():
                require_base(app, base, "git config agent.base")
        except AgentError as error:
            unset = _unset(key.name, origins.get(key.name, "local"))
            hint = f"{unset}, or {error.hint}" if unset else error.hint
            says = error.message if key.name in error.message else f"{key.name}: {error.message}"
            found.append(Finding("config-invalid", says, None, key.name, hint))
    return found


def _unset(name: str, origin: str) -> str:
    if origin == "team":
        return ""  # the error says it
    if origin == "command":
        return f"run git without -c {name}"
    return f"git config {_SCOPES.get(origin, '')}--unset-all {name}"
