"""Tell the hooks of agent.guard which branches no worker may move, and which paths the live tasks claim."""

from __future__ import annotations

import os

from git_agent.actions.heal import FACT
from git_agent.app import App
from git_agent.domain.task import LIVE
from git_agent.git import hookblocks
from git_agent.store import events, facts, path_claims, sights

_TRIES = 10


def protect(app: App) -> None:
    """Where agent.guard is on, write the files that hooks/refuse and hooks/claimed read, if they are not so already.

    Protected are the bases of unfinished tasks; a worker's own branch never is. Each look at the world and each command
    that changed a task ends with it. Of several at once the last one to write has looked at the store afterwards.
    """
    if not (facts.get(FACT) or "").endswith("guard"):
        return
    for _ in range(_TRIES):
        events.take_news()
        texts = {"protected": _protected(), "claims": _claims(app)}
        if not any(_put(app, name, text) for name, text in texts.items()):
            return


def _put(app: App, name: str, text: str) -> bool:
    return hookblocks.put(os.path.join(app.store_dir, name), text.encode("utf-8", "surrogateescape"), 0o600)


def _protected() -> str:
    seen = sights.listing()
    refs = {f"refs/heads/{s.base}" for s in seen} - {f"refs/heads/{s.branch}" for s in seen}
    return "".join(f"{ref}\n" for ref in sorted(refs))


def _claims(app: App) -> str:
    """Nothing where nobody claims anything: then the hook starts no program."""
    claims = path_claims.of_states(LIVE)
    if not claims or (mode := app.config.path_claims) == "off":
        return ""
    lines = [line for c in claims for line in (f"task {c.task}", *(f"path {path}" for path in c.paths))]
    return "".join(f"{line}\n" for line in (mode, *lines))
