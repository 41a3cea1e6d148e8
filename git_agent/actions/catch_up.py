"""Record what git did to tasks since the last look: first commits, moved approvals, merges by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from git_agent.actions.take import take
from git_agent.actions.unlock import unlock
from git_agent.app import App
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError
from git_agent.store import attempts, events, tasks
from git_agent.store.tasks import Sight

GIT = "git"
# Somebody else is at work on the task right now; the next command looks again.
_LATER = frozenset({"under-way", "changed-meanwhile", "wrong-state"})
_OWN_WORK = ("commit", "cherry-pick", "am:", "revert")


@dataclass(frozen=True, slots=True)
class _Seen:
    task: int
    tip: str
    base: str
    inside: bool
    worked: bool


def catch_up(app: App, moved: Sequence[Sight], heads: Mapping[str, str]) -> list[str]:
    """Look at the tasks whose branch or base moved, and take the steps that git has made.

    heads: branches and their oids now. Returns a line for each task whose state changed.
    """
    merged = _contained(app, {s.base for s in moved})
    seen = [_see(app, s, heads, merged) for s in moved]
    with app.store.transaction():
        for each in seen:
            tasks.put(each.task, head_oid=each.tip, base_seen=each.base, worked=int(each.worked))
    lines = []
    for each in seen:
        try:
            lines.append(_step(app, tasks.get(each.task), each))
        except AgentError as error:
            if error.code not in _LATER:
                raise
    return [line for line in lines if line]


def _contained(app: App, bases: Iterable[str]) -> dict[str, set[str]]:
    return {
        base: set(
            app.repo.git(
                "for-each-ref", f"--merged=refs/heads/{base}", "--format=%(refname:lstrip=2)", "refs/heads"
            ).text.splitlines()
        )
        for base in bases
    }


def _see(app: App, sight: Sight, heads: Mapping[str, str], merged: Mapping[str, set[str]]) -> _Seen:
    """A branch without commits of its own is in the base, too, and was never merged."""
    tip, inside = heads[sight.branch], sight.branch in merged[sight.base]
    worked = bool(sight.worked) or (not inside and tip != sight.base_oid)
    if inside and not worked and tip != sight.base_oid:
        worked = _has_own_work(app, sight.branch)
    return _Seen(sight.id, tip, heads[sight.base], inside, worked)


def _has_own_work(app: App, branch: str) -> bool:
    """Merged before anybody looked: the reflog tells commits from a mere fast-forward to the base."""
    args = ("log", "--walk-reflogs", "--format=%gs", "--end-of-options", f"refs/heads/{branch}")
    return any(line.startswith(_OWN_WORK) for line in app.repo.git(*args, ok=(0, 128)).text.splitlines())


def _step(app: App, task: Task, seen: _Seen) -> str:
    if seen.inside:
        return _completed(app, task, seen) if seen.worked else ""
    if task.state is State.ASSIGNED and seen.worked and seen.tip != _start(task):
        take(app, task, Step.START, by=GIT, data={"tip": seen.tip})
        return f"{task.label} has its first commit: WORKING"
    if task.state is State.APPROVED and seen.tip != task.reviewed_oid:
        return _approval_moved(app, task, seen.tip)
    return ""


def _start(task: Task) -> str | None:
    """What an attempt began with is not its own work: the commits of the one before, or of an adopted branch."""
    attempt = attempts.find(task.id, task.attempt)
    return attempt.start_oid if attempt else None


def _completed(app: App, task: Task, seen: _Seen) -> str:
    how, oid = _how(app, seen)
    data = {"by": how, "oid": oid, "tip": seen.tip}
    taken = take(app, task, Step.MERGED, by=GIT, data=data, merged_oid=oid, merged_by=how)
    unlock(app, taken.task)
    return f"{task.label} was merged into '{task.base}' by hand: COMPLETED"


def _how(app: App, seen: _Seen) -> tuple[str, str]:
    """The first commit on the base's own line that holds the tip: the tip itself when it was fast-forwarded."""
    later = app.repo.git("rev-list", "--first-parent", "--reverse", f"{seen.tip}..{seen.base}").text.split()
    if not later:
        return "ff", seen.tip
    parents = app.repo.git("rev-list", "--parents", "--max-count=1", later[0]).text.split()[1:]
    return ("ff", seen.tip) if parents[:1] == [seen.tip] else ("merge", _first_holding(app, later, seen.tip))


def _first_holding(app: App, line: list[str], tip: str) -> str:
    """Bisect the base's line: what holds the tip once holds it ever after."""
    low, high = 0, len(line) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if app.repo.is_ancestor(tip, line[middle]) else (middle + 1, high)
    return line[low]


def _approval_moved(app: App, task: Task, tip: str) -> str:
    old, base = task.reviewed_oid or "", f"refs/heads/{task.base}"
    reviewed = app.repo.series(base, old)
    if reviewed is not None and reviewed == app.repo.series(base, tip):
        with app.store.transaction():
            tasks.put(task.id, reviewed_oid=tip)
            events.append("task.carried", GIT, task=task.id, epoch=task.epoch, data={"old": old, "new": tip})
        return f"{task.label} was rebased without a change: its approval is carried to {tip[:12]}"
    take(app, task, Step.MOVED, by=GIT, data={"reviewed_oid": old, "tip": tip}, reviewed_oid=None, reviewer=None)
    return f"{task.label} has new commits since its approval for {old[:12]}: IN_REVIEW again"
