"""Report what is wrong, and fix it when asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from git_agent.actions.doctor.examine import Examined, examine
from git_agent.actions.doctor.files import fix_files
from git_agent.actions.doctor.hooks import fix_hooks
from git_agent.actions.doctor.messages import fix_messages
from git_agent.actions.doctor.store import fix_store
from git_agent.actions.doctor.tasks import fix_tasks
from git_agent.actions.doctor.worktrees import fix_git
from git_agent.actions.reconcile.reconcile import reconcile
from git_agent.app import App
from git_agent.domain.finding import DOCTOR, Finding, Group
from git_agent.errors import AgentError
from git_agent.git.errors import system_error

_ROUNDS = 3  # what was hidden by something else is seen when that is mended; more than two were never needed


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong now. fixed: what was wrong and is mended, with what was done; failed: findings that could not be
    mended, and why; seen: what was looked at; notes: what is worth knowing and not wrong.
    """

    findings: tuple[Finding, ...]
    fixed: tuple[tuple[Finding, str], ...]
    failed: tuple[tuple[Finding, str], ...]
    seen: Mapping[str, int]
    notes: tuple[str, ...]


def doctor(app: App, *, fix: bool = False) -> Diagnosis:
    """Examine all that can be wrong, group by group; with fix, mend what can be mended without losing anything.

    Without fix nothing is changed at all. With it, what every command mends by itself comes first; then each fix looks
    again, right before it acts, whether its finding still holds, and is recorded as an event. What appears then is
    mended, too, in a few rounds. All of one run are one operation, which `git agent undo` takes back.
    """
    _ = app.repo  # without one there is nothing to examine, and that is an error
    app.examines = True
    first = examine(app)
    # More would be damaged with every write.
    if not fix or any(each.code == "store-damaged" for each in first.findings):
        return Diagnosis(first.findings, (), (), first.seen, first.notes)
    return _mended(app, first)


def _mended(app: App, first: Examined) -> Diagnosis:
    from git_agent.actions.recovery.journal import new_operation

    app.operation = new_operation()
    _open_to_write(app)
    _ = app.speaker  # asked of git before any transaction
    last, done, failed = first, {each.key: (each, "mended") for each in first.findings}, list[tuple[Finding, str]]()
    for _ in range(_ROUNDS):
        mended, failed = apply_fixes(app, last.findings)
        done |= mended
        last = examine(app)
        tried = {each.key for each, _ in failed}
        if not any(each.rule.fixable and each.key not in tried for each in last.findings):
            break
    left = {each.key for each in last.findings}
    fixed = [each for key, each in done.items() if key not in left]
    late = [(each, says) for each, says in failed if each.key in left]
    return Diagnosis(last.findings, tuple(fixed), tuple(late), last.seen, last.notes)


def _open_to_write(app: App) -> None:
    """A store that could not be opened may be so now: an older one is brought up to date."""
    app.examines = False
    for name in ("has_store", "worker_identities", "config"):
        app.__dict__.pop(name, None)
    app.reopen()
    try:
        app.store.check()
    except AgentError:
        app.has_store, app.worker_identities = False, ()


_FIXERS: Mapping[Group, Callable[[App, Finding], str]] = {
    Group.STORE: fix_store,
    Group.GIT: fix_git,
    Group.TASKS: fix_tasks,
    Group.HOOKS: fix_hooks,
    Group.MESSAGES: fix_messages,
    Group.FILES: fix_files,
}
_Key = tuple[str, int | None, str]


def apply_fixes(
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
            failed.append((each, (error if isinstance(error, AgentError) else system_error(error)).message))
    return done, failed


def _look(app: App, findings: Sequence[Finding], failed: list[tuple[Finding, str]]) -> None:
    """What died half way is finished or taken back, hooks are mended, git is asked what happened."""
    if not app.has_store:
        return
    try:
        for line in reconcile(app).lines:
            app.notice(line)
    except AgentError as error:
        app.notice(f"not all could be mended that every command mends: {error.message}")
        failed += [(each, error.message) for each in findings if each.rule.fixable and not _has_fixer(each)]


def _again(app: App, findings: Sequence[Finding]) -> list[Finding]:
    """Look again, when anything could have changed by itself: what is gone needs no fix, what came may have one."""
    found = examine(app).findings if app.has_store else findings
    return [each for each in found if each.rule.fixable and _has_fixer(each)]


def _has_fixer(finding: Finding) -> bool:
    return finding.rule.fix == DOCTOR or finding.group is Group.HOOKS
