"""Report what is wrong, and fix it on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
from git_agent.record import Record

_ROUNDS = 3  # a fix may uncover another problem; more than two rounds were never needed


class Diagnosis(Record):
    """What is wrong now.

    fixed: what was wrong and is fixed, with what was done
    failed: findings that could not be fixed, and why
    seen: what was examined
    notes: what is worth knowing but not wrong
    """

    findings: tuple[Finding, ...]
    fixed: tuple[tuple[Finding, str], ...]
    failed: tuple[tuple[Finding, str], ...]
    seen: Mapping[str, int]
    notes: tuple[str, ...]


def doctor(app: App, *, fix: bool = False) -> Diagnosis:
    """Examine everything that can be wrong, group by group.

    fix: also fix whatever can be fixed without losing anything
    Without fix, nothing is changed at all. With it, the repairs that every command makes come first. Right before a fix
    acts, it checks that its finding still holds. Each fix is recorded as an event. Problems that a fix uncovers are
    fixed in further rounds. All fixes of one run are one operation, which `git agent undo` reverses.
    """
    _ = app.repo  # outside a repository there is nothing to examine: an error
    app.examines = True
    first = examine(app)
    # Every write would damage the store further.
    if not fix or any(each.code == "store-damaged" for each in first.findings):
        return Diagnosis(first.findings, (), (), first.seen, first.notes)
    return _fix_all(app, first)


def _fix_all(app: App, first: Examined) -> Diagnosis:
    from git_agent.actions.recovery.journal import new_operation

    app.operation = new_operation()
    _open_to_write(app)
    _ = app.speaker  # ask git before any transaction
    last, done, failed = first, {each.key: (each, "fixed") for each in first.findings}, list[tuple[Finding, str]]()
    for _ in range(_ROUNDS):
        made, failed = apply_fixes(app, last.findings)
        done |= made
        last = examine(app)
        tried = {each.key for each, _ in failed}
        if not any(each.rule.fixable and each.key not in tried for each in last.findings):
            break
    left = {each.key for each in last.findings}
    fixed = [each for key, each in done.items() if key not in left]
    late = [(each, says) for each, says in failed if each.key in left]
    return Diagnosis(last.findings, tuple(fixed), tuple(late), last.seen, last.notes)


def _open_to_write(app: App) -> None:
    """Open the store again for writing; this may succeed now, since it upgrades an older store."""
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
    """Apply the fixes that are possible.

    Returns what was done, by the findings' keys, and the findings that could not be fixed, with the reason.
    Each fix checks its own subject again, and nothing else, right before it acts.
    Raises no AgentError: a fix that fails does not stop the others.
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
    """Make the repairs that every command makes: recover interrupted work, repair hooks, sync with git."""
    if not app.has_store:
        return
    try:
        for line in reconcile(app).lines:
            app.notice(line)
    except AgentError as error:
        app.notice(f"some repairs that every command makes failed: {error.message}")
        failed += [(each, error.message) for each in findings if each.rule.fixable and not _has_fixer(each)]


def _again(app: App, findings: Sequence[Finding]) -> list[Finding]:
    """Examine again, since reconciling may have fixed some findings and uncovered others."""
    found = examine(app).findings if app.has_store else findings
    return [each for each in found if each.rule.fixable and _has_fixer(each)]


def _has_fixer(finding: Finding) -> bool:
    return finding.rule.fix == DOCTOR or finding.group is Group.HOOKS
