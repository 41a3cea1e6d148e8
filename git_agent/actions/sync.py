"""Bring the store up to date with what git says now: new tips, first commits, moved approvals, merges by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from git_agent.actions.take import take
from git_agent.app import App
from git_agent.domain.task import LIVE, State, Step, Task
from git_agent.store import events, tasks

GIT = "git"


@dataclass(frozen=True, slots=True)
class Synced:
    """What was noticed: one line each."""

    lines: tuple[str, ...]


def sync(app: App) -> Synced:
    """Look at every unfinished task's branch and base, and record what changed since the last look.

    Costs one for-each-ref and one query where no ref moved.
    """
    heads = app.heads
    lines: list[str] = []
    moved = [sight for sight in tasks.sights() if _moved(sight, heads)]
    merged = _contained(app, {s.base for s in moved if s.base in heads}) if moved else {}
    for sight in moved:
        lines.extend(_look(app, tasks.get(sight.id), heads, merged))
    return Synced(tuple(lines))


def _moved(sight: tasks.Sight, heads: Mapping[str, str]) -> bool:
    return heads.get(sight.branch) != sight.head_oid or heads.get(sight.base) != sight.base_seen


def _contained(app: App, bases: Iterable[str]) -> dict[str, set[str]]:
    return {
        base: set(
            app.repo.git(
                "for-each-ref", f"--merged=refs/heads/{base}", "--format=%(refname:lstrip=2)", "refs/heads"
            ).text.splitlines()
        )
        for base in bases
    }


def _look(app: App, task: Task, heads: Mapping[str, str], merged: dict[str, set[str]]) -> list[str]:
    tip, base = heads.get(task.branch or ""), heads.get(task.base)
    if tip is None or base is None:
        return []
    lines = []
    inside = task.branch in merged.get(task.base, ())
    worked = bool(task.worked) or (not inside and tip != task.base_oid)
    if inside and not worked and tip != task.base_oid:
        worked = _has_own_commits(app, task, tip)
    with app.store.transaction():
        tasks.put(task.id, head_oid=tip, base_seen=base, worked=int(worked))
    task = tasks.get(task.id)
    if inside and worked:
        return [_completed(app, task, tip, base)] if _may_complete(task) else []
    if task.state is State.ASSIGNED and worked:
        take(app, task, Step.START, actor=GIT, data={"tip": tip})
        lines.append(f"{task.label} has its first commit: WORKING")
    if task.state is State.APPROVED and tip != task.reviewed_oid:
        lines.append(_approval_moved(app, task, tip))
    return lines


def _may_complete(task: Task) -> bool:
    return task.state in LIVE or task.state in (State.OPEN, State.FAILED)


def _has_own_commits(app: App, task: Task, tip: str) -> bool:
    """A branch that was merged before anybody looked: its reflog tells commits from a mere fast-forward to the base."""
    log = app.repo.git(
        "log", "--walk-reflogs", "--format=%gs", "--end-of-options", f"refs/heads/{task.branch}", ok=(0, 128)
    )
    words = ("commit", "cherry-pick", "am:", "revert")
    return any(line.startswith(words) for line in log.text.splitlines())


def _completed(app: App, task: Task, tip: str, base: str) -> str:
    path = app.repo.git(
        "rev-list",
        "--first-parent",
        "--ancestry-path",
        "--reverse",
        f"{tip}..{base}",
        "--end-of-options",
        "--",
    ).text.split()
    on_line = tip == base or tip in app.repo.git("rev-list", "--first-parent", "--max-count=2000", base).text.split()
    how, oid = ("ff", tip) if on_line else ("merge", path[0] if path else base)
    take(
        app,
        task,
        Step.MERGED,
        actor=GIT,
        data={"by": how, "oid": oid, "tip": tip},
        merged_oid=oid,
        merged_by=how,
    )
    return f"{task.label} was merged into '{task.base}' by hand: COMPLETED"


def _approval_moved(app: App, task: Task, tip: str) -> str:
    old = task.reviewed_oid or ""
    base = f"refs/heads/{task.base}"
    same = app.repo.patch_id(base, old) == (found := app.repo.patch_id(base, tip)) and found is not None
    if same:
        with app.store.transaction():
            tasks.put(task.id, reviewed_oid=tip)
            events.append("task.carried", GIT, task=task.id, epoch=task.epoch, data={"from": old, "to": tip})
        return f"{task.label} was rebased without a change: its approval is carried to {tip[:12]}"
    take(
        app,
        task,
        Step.MOVED,
        actor=GIT,
        data={"reviewed_oid": old, "tip": tip},
        reviewed_oid=None,
        reviewer=None,
    )
    return f"{task.label} has new commits since its approval for {old[:12]}: IN_REVIEW again"
