"""Mend what was found: first what every command mends by itself, then each finding that a fix is known for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from git_agent.actions.examine import examine
from git_agent.actions.fix_files import fix_files
from git_agent.actions.fix_git import fix_git
from git_agent.actions.fix_hooks import fix_hooks
from git_agent.actions.fix_messages import fix_messages
from git_agent.actions.fix_store import fix_store
from git_agent.actions.fix_tasks import fix_tasks
from git_agent.actions.look import look
from git_agent.app import App
from git_agent.domain.finding import DOCTOR, Finding, Group
from git_agent.errors import AgentError
from git_agent.git import disk

_FIXERS: Mapping[Group, Callable[[App, Finding], str]] = {
    Group.STORE: fix_store,
    Group.GIT: fix_git,
    Group.TASKS: fix_tasks,
    Group.HOOKS: fix_hooks,
    Group.MESSAGES: fix_messages,
    Group.FILES: fix_files,
}
_Key = tuple[str, int | None, str]


def mend_findings(
    app: App, findings: Sequence[Finding]
) -> tuple[dict[_Key, tuple[Finding, str]], list[tuple[Finding, str]]]:
    """Mend what can be mended. Returns what was done, by the keys of findings, and what could not be done, and why.

    Each fix looks again at what it is about, and no wider, right before it acts. Raises no AgentError: one that can't
    be mended does not keep the others from it.
    """
    done: dict[_Key, tuple[Finding, str]] = {}
    failed: list[tuple[Finding, str]] = []
    _look(app, findings, failed)
    for each in _again(app, findings):
        try:
            app.progress(each.what)
            done[each.key] = each, _FIXERS[each.group](app, each)
        except (AgentError, OSError) as error:
            failed.append((each, (error if isinstance(error, AgentError) else disk.failed(error)).message))
    return done, failed


def _look(app: App, findings: Sequence[Finding], failed: list[tuple[Finding, str]]) -> None:
    """What died half way is finished or taken back, hooks are mended, git is asked what happened."""
    if not app.has_store:
        return
    try:
        for line in look(app).lines:
            app.notice(line)
    except AgentError as error:
        app.notice(f"not all could be mended that every command mends: {error.message}")
        failed += [(each, error.message) for each in findings if each.rule.mends and not _has_fixer(each)]


def _again(app: App, findings: Sequence[Finding]) -> list[Finding]:
    """Look again, when anything could have changed by itself: what is gone needs no fix, what came may have one."""
    found = examine(app).findings if app.has_store else findings
    return [each for each in found if each.rule.mends and _has_fixer(each)]


def _has_fixer(finding: Finding) -> bool:
    return finding.rule.fix == DOCTOR or finding.group is Group.HOOKS
