"""Render everything that is known about one task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_agent.render.lines import event_line, heading, since, state_label, worker_label
from git_agent.render.style import Screen
from git_agent.render.text import visible

if TYPE_CHECKING:
    from git_agent.actions.views.show import Shown
    from git_agent.actions.views.task import TaskView


def task_details(found: Shown, screen: Screen) -> list[str]:
    """Return everything known about a task as lines."""
    v, task = found.view, found.view.task
    pairs = [
        ("state", f"{state_label(v)}, {since(task.state_at, screen)}"),
        ("why", found.why),
        ("next", v.need.command if v.need and not found.observed else ""),  # observed lines name their own
        ("priority", str(task.priority)),
        ("base", _base(v)),
        ("branch", _branch(v)),
        ("worktree", task.worktree or ""),
        ("attempt", f"{task.attempt} (epoch {task.epoch})" if task.attempt else ""),
        ("worker", " ".join(filter(None, (task.agent, worker_label(v), v.lease.note if v.lease else "")))),
        *(("runs", f"process {r.session.owner.pid}: {r.session.command}") for r in found.running),
        ("reviewed", f"{(task.reviewed_oid or '')[:12]} by {task.reviewer}" if task.reviewed_oid else ""),
        ("merged", f"{task.merged_oid[:12]} ({task.merged_by or 'by hand'})" if task.merged_oid else ""),
        ("waits for", ", ".join(map(str, v.depends_on))),
        ("paths", " ".join(v.paths)),
        ("check", task.check_command or ""),
        ("reason", "" if task.reason and task.reason in found.why else task.reason or ""),
    ]
    lines = [heading(f"task {task.id}: {visible(task.title)}", screen)]
    lines += [f"  {name:<10} {visible(value)}" for name, value in pairs if value.strip()]
    lines += [f"  {'!':<10} {visible(line)}" for line in (*found.observed, *(left.words for left in found.left))]
    lines += [f"  {line}" for line in visible(task.body, multiline=True).splitlines()]
    lines += ["", *(f"  {visible(line)}" for line in found.commits)] if found.commits else []
    if found.messages:
        from git_agent.render.messages import folded_line

        lines += ["", *(f"  {folded_line(said, screen.now)}" for said in found.messages)]
        lines += [f"  whole: git agent log {task.id}"]
    return [*lines, "", *(f"  {event_line(e, Screen(now=screen.now), ago=True)}" for e in found.events)]


def _base(v: TaskView) -> str:
    lost = ", which it no longer contains since it was rewritten" if v.dropped else ""
    return " ".join(filter(None, (v.task.base, (v.task.base_oid or "")[:12]))) + lost


def _branch(v: TaskView) -> str:
    if v.task.branch is None:
        return ""
    counts = f" ({v.ahead} ahead, {v.behind} behind)" if v.ahead is not None else ""
    return v.task.branch + counts
