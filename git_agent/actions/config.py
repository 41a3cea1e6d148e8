"""Every agent.* key with its value, its origin and its sentence: the verb `config`."""

from __future__ import annotations

from git_agent.app import App
from git_agent.config import Setting


def config(app: App) -> list[Setting]:
    """List the configuration as it counts here."""
    return app.config.settings()
