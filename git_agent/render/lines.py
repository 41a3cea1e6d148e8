"""Render tasks, status, log and the rest as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from git_agent.domain.lease import Liveness
from git_agent.domain.rescue import name_directories
from git_agent.domain.task import State
from git_agent.render.style import COLOURS, HELD, Screen, paint
from git_agent.render.table import Column, table
from git_agent.render.text import age, cut, rfc3339, visible

if TYPE_CHECKING:
    from git_agent.actions.removal.retire import Retired
    from git_agent.actions.views.history import LogEntry, Stats
    from git_agent.actions.views.ready import Ready
    from git_agent.actions.views.sessions import Running
    from git_agent.actions.views.status import Status
    from git_agent.actions.views.task import TaskView
    from git_agent.domain.event import Event
    from git_agent.domain.task import Task


_UNACKED = 5  # more do not fit on one screen
_PIPE = Screen()
_FEW = 3  # refs that are named one by one
_LONGEST = 400  # columns


def state_label(viewed: TaskView) -> str:
    """Return a task's state with its hold: `WORKING conflict`."""
    task = viewed.task
    more = task.hold or ("base rewritten" if viewed.dropped else None)
    more = "reverted" if task.state is State.COMPLETED and task.reverted_oid else more
    return f"{task.state} {more}" if more else str(task.state)


def worker_label(viewed: TaskView) -> str:
    """Return the liveness of a task's worker: `alive 5s`, `stalled 20m`; empty without a worker."""
    if viewed.task.state not in (State.ASSIGNED, State.WORKING) or viewed.liveness is Liveness.NONE:
        return ""
    if viewed.stalled:
        return f"stalled {age(viewed.progress_age_s)}"
    return f"{viewed.liveness} {age(viewed.beat_age_s)}"


_LIST = (
    Column("ID", right=True),
    Column("STATE"),
    Column("P", right=True, spare=3),
    Column("NAME", stretch=True),
    Column("AGENT", spare=4),
    Column("WORKER", spare=1),
    Column("AGE", right=True, spare=2),
    Column("TITLE", stretch=True),
)


def task_table(shown: Sequence[TaskView], screen: Screen, *, holds: bool = False) -> list[str]:
    """Format tasks as a table. holds: add the hold as the last cell of a row in a pipe."""
    rows = [
        [
            str(v.task.id),
            state_label(v),
            str(v.task.priority),
            v.task.name,
            v.task.agent or "",
            worker_label(v),
            age((screen.now - v.task.state_at) / 1000),
            v.task.title,
            *([v.task.hold or ""] if holds and screen.width is None else []),
        ]
        for v in shown
    ]
    if screen.width is not None and not rows:
        return ["no tasks; git agent spawn TITLE creates one"]
    return table(
        _LIST,
        rows,
        terminal_width=screen.width,
        colour=(lambda row, at: _colour(shown[row].task) if at == 1 else "") if screen.colour else None,
    )


def _colour(task: Task) -> str:
    return COLOURS[task.state] if task.hold is None else HELD


_RUNNING = (
    Column("TASK", right=True),
    Column("STATE"),
    Column("NAME", stretch=True),
    Column("AGENT", spare=2),
    Column("PID", right=True),
    Column("WORKER"),
    Column("BEAT", right=True),
    Column("PROGRESS", right=True),
    Column("COMMAND", stretch=True, spare=1),
)


def _liveness(viewed: TaskView) -> str:
    """A worker that waits, or has handed in, has no lease although its command still runs."""
    return "-" if viewed.liveness is Liveness.NONE else str(viewed.liveness)


def running_table(found: Sequence[Running], width: int | None) -> list[str]:
    """Format the running commands as a table. width: columns of the terminal, None for a pipe."""
    if width is not None and not found:
        return ["nothing is running; git agent run TASK -- COMMAND starts a command"]
    rows = [
        [
            str(r.session.task),
            state_label(r.view),
            r.view.task.name,
            r.session.agent or "",
            str(r.session.owner.pid),
            "superseded" if r.superseded else "dead" if r.gone else _liveness(r.view),
            age(r.view.beat_age_s),
            age(r.view.progress_age_s),
            r.session.command,
        ]
        for r in found
    ]
    return table(_RUNNING, rows, terminal_width=width)


def ready_lines(found: Ready, screen: Screen, why: bool) -> list[str]:
    """Return what can be claimed as lines. why: also list what blocks the other tasks."""
    lines = task_table(found.tasks, screen) if found.tasks else []
    if not found.tasks and screen.width is not None:
        lines = ["nothing can be claimed"]
    if why:
        lines += [f"{b.task}: {b.line}" for b in found.blocked]
    return lines


def status_lines(found: Status, screen: Screen) -> list[str]:
    """Return the status as one screen: what needs you, then workers, queue and totals."""
    names = {task.id: task for task in (*(v.task for v in found.tasks), *found.finished)}
    lines = (
        [heading("Needs you", screen)]
        if found.needs_you
        else [f"nothing needs you{' except messages' if found.health['mail'] else ''}"]
    )
    for need in found.needs_you:
        waits = age((screen.now - need.since) / 1000)
        text = f"  {need.task} {visible(names[need.task].name)} {visible(need.why)} ({waits})"
        lines += [_fit(text, screen), paint(f"      {need.command}", "36", screen.colour)]
    waiting = {n.task for n in found.needs_you}
    work = [v for v in found.tasks if v.task.state is not State.OPEN and v.task.id not in waiting]
    lines += _section("Workers", work, screen)
    lines += _section("Queue", [v for v in found.tasks if v.task.state is State.OPEN], screen)
    totals = ", ".join(f"{number} {name}" for name in State if (number := found.counts.get(name)))
    lines += ["", totals or "no tasks yet; git agent spawn TITLE creates one"]
    lines += _mail(found, screen) + _clashes(found)
    lines += [_fit(f"task {task}: {visible(left.words)}", screen) for task, left in found.left]
    if found.health["untrusted"]:
        lines.append(f"not trusted: {', '.join(found.health['untrusted'])} in .gitagent; git agent trust accepts them")
    return lines


def _mail(found: Status, screen: Screen) -> list[str]:
    number, urgent = found.health["mail"], found.health["urgent_mail"]
    lines = [f"new messages ({number}{f', {urgent} urgent' if urgent else ''}): git agent inbox"] if number else []
    if found.unacked:
        from git_agent.render.messages import unacknowledged_line

        lines += [
            _fit(f"not acknowledged: {unacknowledged_line(m, screen.now)}", screen) for m in found.unacked[:_UNACKED]
        ]
        more = len(found.unacked) - _UNACKED
        lines += [f"not acknowledged: {more} more; git agent status --json"] if more > 0 else []
    return lines


def _clashes(found: Status) -> list[str]:
    number, unknown = found.health["clashes"], found.health["unforeseen"]
    says = [f"{number} {'pair of branches clashes' if number == 1 else 'pairs of branches clash'}"] if number else []
    if unknown:
        says.append(f"{unknown} not checked" if says else f"{unknown} pairs of branches not checked for conflicts")
    return [f"{', '.join(says)}: git agent conflicts"] if says else []


def _section(title: str, shown: Sequence[TaskView], screen: Screen) -> list[str]:
    return (
        ["", heading(title, screen), *(f"  {line}" for line in task_table(shown, _narrower(screen)))] if shown else []
    )


def _narrower(screen: Screen) -> Screen:
    return Screen(None if screen.width is None else screen.width - 2, screen.colour, screen.now)


def heading(text: str, screen: Screen) -> str:
    return paint(text, "1", screen.colour)


def _fit(text: str, screen: Screen) -> str:
    return text if screen.width is None else cut(text, screen.width)


def event_line(happened: Event, screen: Screen = _PIPE, *, ago: bool = False) -> str:
    """Format an event as one line; on a terminal a long text is cut. ago: say how long ago it was, not when."""
    target, on = happened.target, screen.colour
    move = f" {happened.source or '-'} -> {paint(target, COLOURS[target], on)}" if target else ""
    said = event_text(happened) if screen.width is None else cut(event_text(happened), _LONGEST)
    subject = f" {happened.task}" if happened.task is not None else ""
    at = paint(f"{since(happened.at, screen):>8}" if ago else rfc3339(happened.at), "2", on)
    seen = f" ({visible('; '.join(happened.evidence))})" if happened.evidence else ""
    return f"{at} {happened.kind}{subject}{move} by {visible(happened.actor)}{seen}" + (f": {said}" if said else "")


def since(at: int, screen: Screen) -> str:
    """Format a time as people read it: `3m ago`. at: ms since the epoch."""
    return f"{age((screen.now - at) / 1000)} ago"


def event_text(happened: Event) -> str:
    """Return the text of an event, safe to show; "" for none."""
    texts = (happened.data.get(k) for k in ("reason", "text", "note", "title", "verb"))
    return next((visible(str(t)).strip() for t in texts if t), "")


def entry_line(line: LogEntry) -> str:
    """Format one line of the log."""
    if line.event is not None:
        return event_line(line.event)
    if line.message is not None:
        said = line.message
        between = f"from {visible(said.sender)} to {visible(said.to)}"
        return f"{rfc3339(line.at)} message {said.id} {between}: {visible(said.body)}"
    assert line.commit is not None
    return f"{rfc3339(line.at)} commit {line.commit.oid[:12]} {visible(line.commit.subject)}"


def removal_lines(gone: Retired, word: str = "removed") -> list[str]:
    """Return lines that say what was removed and what was kept. word: the verb."""
    lines = [f"{word} worktree {visible(path)}" for path in gone.worktrees]
    lines += [f"{word} branch {visible(branch)}" for branch in gone.branches]
    lines += [f"kept under {refs}" for refs in _in_rows(gone.rescued)]
    lines += [f"not kept: {visible(name_directories(gone.unkept))}"] if gone.unkept else []
    return lines + [f"left: {visible(line)}" for line in gone.kept]


def _in_rows(refs: Sequence[str]) -> list[str]:
    """Name rescue refs, many with consecutive numbers together: `refs/git-agent/rescue/1/2 to 9`."""
    rows = list[list[str]]()
    for ref in refs:
        home, _, number = ref.rpartition("/")
        if rows and number.isdecimal() and rows[-1][-1] == f"{home}/{int(number) - 1}":
            rows[-1].append(ref)
        else:
            rows.append([ref])
    said = ([f"{row[0]} to {row[-1].rpartition('/')[2]}"] if len(row) > _FEW else row for row in rows)
    return [line for lines in said for line in lines]


def stats_lines(found: Stats, screen: Screen) -> list[str]:
    """Return the statistics as lines."""
    rows = [
        [str(s), str(found.counts.get(s, 0)), age(found.median_s.get(s)) if s in found.median_s else "-"] for s in State
    ]
    columns = (Column("STATE"), Column("NOW", right=True), Column("MEDIAN STAY", right=True))
    totals = [("attempts", found.attempts), ("completed", found.completed), ("failed", found.failed)]
    lines = table(columns, rows, terminal_width=screen.width)
    form = "{}\t{}" if screen.width is None else "{:<9}  {:>3}"  # on a terminal, below the first two columns
    return lines + [form.format(name, number) for name, number in [*totals, ("sent back", found.sent_back)]]
