"""What a fix says when its subject changed between the look and the act."""

from __future__ import annotations

from git_agent.errors import AgentError, Exit


def not_as_seen() -> AgentError:
    """Make the error (exit 6) of a fix that finds something else than its finding told."""
    return AgentError("changed-meanwhile", "it was changed meanwhile", "git agent doctor", exit=Exit.BUSY)
