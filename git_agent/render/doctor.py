"""How findings are said: by group, each with why it matters and the command that mends it."""

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
    """Describe a diagnosis as docs/json.md says."""
    return {
        "findings": [finding_json(each) for each in found.findings],
        "fixed": [{**finding_json(each), "done": done} for each, done in found.fixed],
        "failed": [{**finding_json(each), "reason": reason} for each, reason in found.failed],
        "seen": dict(found.seen),
        "notes": list(found.notes),
    }


def finding_json(each: Finding) -> dict[str, Any]:
    """Describe one finding."""
    return {
        "code": each.code,
        "group": each.group,
        "what": each.what,
        "why": each.rule.why,
        "fix": each.fix,
        "mends": each.rule.mends,
        "task": each.task,
        "subject": each.subject,
    }


def diagnosis_lines(found: Diagnosis, *, colour: bool) -> list[str]:
    """Lay out a diagnosis; colour: escapes are wanted."""
    said = [paint("Fixed", "1", colour)] if found.fixed else []
    said += [f"  {visible(each.what)}: {visible(done)}" for each, done in found.fixed]
    reasons = {each.key: reason for each, reason in found.failed}
    for group in Group:
        mine = [each for each in found.findings if each.group is group]
        said += [*([""] if said and mine else []), *([paint(group.capitalize(), "1", colour)] if mine else [])]
        for each in mine:
            said += [f"  {visible(each.what)}", f"      why: {each.rule.why}"]
            if each.key in reasons:
                said.append(f"      not mended: {visible(reasons[each.key])}")
            said.append(f"      fix: {paint(visible(each.fix), '36', colour)}")
    said += [*([""] if said else []), _closing(found)]
    return [*said, *(visible(note) for note in found.notes)]


def _closing(found: Diagnosis) -> str:
    seen = ", ".join(
        f"{number} {what if number != 1 else what.removesuffix('s')}" for what, number in found.seen.items()
    )
    if not found.findings:
        return f"nothing is wrong{' any more' if found.fixed else ''}: {seen} looked at"
    number = len(found.findings)
    mendable = sum(each.rule.mends for each in found.findings)
    says = f"{number} thing{'s' if number > 1 else ''} wrong"
    if not found.fixed and not found.failed and mendable:
        says += f"; {DOCTOR} mends {'it' if number == mendable == 1 else 'all' if mendable == number else mendable}"
    return f"{says}; {seen} looked at" if seen else says
