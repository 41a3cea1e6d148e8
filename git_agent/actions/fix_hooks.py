"""Mend the hooks: what `git agent init` does, and no more."""

from __future__ import annotations

from git_agent.actions.init import init
from git_agent.actions.record_fix import record_fix
from git_agent.app import App
from git_agent.domain.finding import Finding


def fix_hooks(app: App, finding: Finding) -> str:
    """Install the hooks again for a finding that was just seen; return what was done. Raises AgentError, OSError."""
    done = init(app)
    for line in done.manual:
        app.notice(line)
    return record_fix(app, finding, "installed again", {}, {"changed": list(done.hooks or ())})
