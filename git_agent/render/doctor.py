"""Render findings by group, each with why it matters and the command that fixes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from git_agent.domain.finding import DOCTOR, Group
from git_agent.render.style import paint
from git_agent.render.text import visible

if TYPE_CHECKING:
    from git_agent.actions.doctor.doctor import Diagnosis
    from git_agent.domain.finding import Finding


def diagnosis_json(found: Diagnosis) -> Mapping[str, Any]:
    """Return a diagnosis as JSON values (see docs/json.md)."""
    return {
        "findings": [finding_json(each) for each in found.findings],
        "fixed": [{**finding_json(each), "done": done} for each, done in found.fixed],
        "failed": [{**finding_json(each), "reason": reason} for each, reason in found.failed],
        "seen": dict(found.seen),
        "notes": list(found.notes),
    }


def finding_json(each: Finding) -> dict[str, Any]:
    """Return one finding as JSON values."""
    return {
        "code": each.code,
        "group": each.group,
        "what": each.what,
        "why": each.rule.why,
        "fix": each.fix,
        "mends": each.rule.fixable,
        "task": each.task,
        "subject": each.subject,
    }


def diagnosis_lines(found: Diagnosis, *, colour: bool) -> list[str]:
    """Return the lines of a diagnosis. colour: whether to use escape sequences."""
    said = [paint("Fixed", "1", colour)] if found.fixed else []
    said += [f"  {visible(each.what)}: {visible(done)}" for each, done in found.fixed]
    reasons = {each.key: reason for each, reason in found.failed}
    for group in Group:
        mine = [each for each in found.findings if each.group is group]
        said += [*([""] if said and mine else []), *([paint(group.capitalize(), "1", colour)] if mine else [])]
        for each in mine:
            said += [f"  {visible(each.what)}", f"      why: {each.rule.why}"]
            if each.key in reasons:
                said.append(f"      not fixed: {visible(reasons[each.key])}")
            said.append(f"      fix: {paint(visible(each.fix), '36', colour)}")
    said += [*([""] if said else []), _closing(found)]
    return [*said, *(visible(note) for note in found.notes)]


def _closing(found: Diagnosis) -> str:
    counts = (f"{number} {what if number != 1 else what.removesuffix('s')}" for what, number in found.seen.items())
    seen = f" (checked {', '.join(counts)})" if found.seen else ""
    if not found.findings:
        return f"{'all problems fixed' if found.fixed else 'no problems found'}{seen}"
    number = len(found.findings)
    fixable = sum(each.rule.fixable for each in found.findings)
    says = f"{number} problem{'s' if number > 1 else ''}{' left' if found.fixed else ''}"
    if not found.fixed and not found.failed and fixable:
        what = "it" if number == fixable == 1 else f"{fixable if fixable < number else 'all'} of them"
        says += f"; {DOCTOR} fixes {what}"
    return says + seen
