"""Mend the hooks: what `git agent init` does, and no more."""

from __future__ import annotations

from git_agent.actions.heal import FACT
from git_agent.actions.init import init
from git_agent.actions.not_as_seen import not_as_seen
from git_agent.actions.record_fix import record_fix
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.git import hookfiles
from git_agent.proc import program
from git_agent.store import facts


def fix_hooks(app: App, finding: Finding) -> str:
    """Install the hooks again for a finding, if it is still so; return what was done. Raises AgentError, OSError."""
    if not _is_so(app, finding):
        raise not_as_seen()
    done = init(app)
    for line in done.manual:
        app.notice(line)
    return record_fix(app, finding, "installed again", {}, {"changed": list(done.hooks or ())})


def _is_so(app: App, finding: Finding) -> bool:
    """One installation mends all, and they may not be wanted any more."""
    wanted = facts.get(FACT)
    if wanted in (None, "off"):
        return False
    if finding.code == "hooks-program":
        return program.recorded(app.store_dir) is None
    if finding.code == "hooks-script":
        return finding.subject in hookfiles.unlike_ours(app.repo, guard=(wanted or "").endswith("guard"))
    return any(each.scheme == "none" for each in hookfiles.effective(app.repo, finding.subject))
