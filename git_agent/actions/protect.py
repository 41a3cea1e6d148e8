"""Tell the hooks of agent.guard which branches no worker may move: the bases of unfinished tasks."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.git import hookblocks
from git_agent.store import sights


def protect(app: App) -> None:
    """Write the file that hooks/refuse reads, if it is not so already. A worker's own branch is never protected."""
    seen = sights.listing()
    refs = sorted({f"refs/heads/{s.base}" for s in seen} - {f"refs/heads/{s.branch}" for s in seen})
    text = "".join(f"{ref}\n" for ref in refs).encode("utf-8", "surrogateescape")
    hookblocks.put(os.path.join(app.store_dir, "protected"), text, 0o600)
