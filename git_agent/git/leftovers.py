"""Delete what processes that died left in our private directories."""

from __future__ import annotations

import contextlib
import os

from git_agent.errors import AgentError
from git_agent.git import scratch, trash
from git_agent.git.excludes import TEMPORARY
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo


def sweep(repo: Repo) -> None:
    """Delete scratch directories with their registrations, and directories renamed aside, of dead processes only.

    Waits for nobody: what another process holds just now is left for the next command.
    """
    with contextlib.suppress(AgentError, OSError), creation_lock(repo, timeout=0):
        scratch.sweep(repo)
        trash.sweep_markers(repo)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(repo.common_dir, "info", TEMPORARY))
    with contextlib.suppress(AgentError, OSError):
        trash.sweep(repo)
