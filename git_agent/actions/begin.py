"""Remember first, then do: write down what this command is about to do in git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_agent.app import App
from git_agent.domain.owner import Owner
from git_agent.store import intents


def begin(app: App, kind: str, task: int, owner: Owner, data: Mapping[str, Any]) -> int:
    """Write an intent of this command, in the transaction that starts the work; return its id.

    kind: spawn, merge, remove or undo; owner: this process, described before the transaction. The id is known to
    `under_way` before it is committed, so that an interruption finds it. Raises AgentError (exit 6) when another
    command is at work on the task.
    """
    intent = intents.write(kind, task, owner, data)
    app.begun.add(intent)
    return intent
