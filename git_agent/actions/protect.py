"""Tell the hooks of agent.guard which branches no worker may move, and which paths the live tasks claim."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.domain.task import LIVE
from git_agent.git import hookblocks
from git_agent.store import path_claims, sights


def protect(app: App) -> None:
    """Write the files that hooks/refuse and hooks/claimed read, if they are not so already.

    Protected are the bases of unfinished tasks; a worker's own branch never is.
    """
    seen = sights.listing()
    refs = sorted({f"refs/heads/{s.base}" for s in seen} - {f"refs/heads/{s.branch}" for s in seen})
    text = "".join(f"{ref}\n" for ref in refs).encode("utf-8", "surrogateescape")
    hookblocks.put(os.path.join(app.store_dir, "protected"), text, 0o600)
    hookblocks.put(os.path.join(app.store_dir, "claims"), _claims(app).encode("utf-8", "surrogateescape"), 0o600)


def _claims(app: App) -> str:
    """Nothing where nobody claims anything: then the hook starts no program."""
    claims = path_claims.of_states(LIVE)
    if not claims or (mode := app.config.path_claims) == "off":
        return ""
    lines = [line for c in claims for line in (f"task {c.task}", *(f"path {path}" for path in c.paths))]
    return "".join(f"{line}\n" for line in (mode, *lines))
