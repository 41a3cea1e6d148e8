"""Say what is wrong, and mend it when asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.actions.examine import Examined, examine
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.errors import AgentError

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
    from git_agent.actions.mend_findings import mend_findings
    from git_agent.actions.new_operation import new_operation

    app.operation = new_operation()
    _open_to_write(app)
    _ = app.speaker  # asked of git before any transaction
    last, done, failed = first, {each.key: (each, "mended") for each in first.findings}, list[tuple[Finding, str]]()
    for _ in range(_ROUNDS):
        mended, failed = mend_findings(app, last.findings)
        done |= mended
        last = examine(app)
        tried = {each.key for each, _ in failed}
        if not any(each.rule.mends and each.key not in tried for each in last.findings):
            break
    left = {each.key for each in last.findings}
    fixed = [each for key, each in done.items() if key not in left]
    late = [(each, says) for each, says in failed if each.key in left]
    return Diagnosis(last.findings, tuple(fixed), tuple(late), last.seen, last.notes)


def _open_to_write(app: App) -> None:
    """A store that could not be opened may be so now: an older one is brought up to date."""
    app.examines = False
    for name in ("has_store", "carried", "config"):
        app.__dict__.pop(name, None)
    app.reopen()
    try:
        _ = app.store
    except AgentError:
        app.has_store, app.carried = False, ()
