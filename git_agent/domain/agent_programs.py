"""The command lines of known agent programs, for runs that nobody watches."""

from __future__ import annotations

from collections.abc import Mapping

AGENT_PROGRAMS: Mapping[str, str] = {
    # Without --allowedTools, Claude Code edits nothing and commits nothing (measured, 2.1).
    "claude": "claude -p {prompt} --allowedTools Bash,Edit,Write",
    # Codex is read-only by default, and its sandbox must be able to write where git does (measured, 0.171).
    "codex": "codex exec -s workspace-write --add-dir {gitdir} --add-dir {commondir} {prompt}",
    "gemini": "gemini --approval-mode yolo -p {prompt}",
    "opencode": "opencode run {prompt}",
    # Without --no-gitignore, aider edits .gitignore, which would be a change of the branch.
    "aider": "aider --yes --no-gitignore --message-file {file}",
}
"""The value of agent.run.<name> for each known agent, unless it is configured."""
