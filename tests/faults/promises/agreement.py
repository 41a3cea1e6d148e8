"""Whether what `list`, `show`, `status` and `doctor` say agrees with plain git."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.faults.promises.landing import absorbed, count, is_ancestor, landed, merge_base, moved_on
from tests.faults.promises.sight import Place, Sight
from tests.faults.promises.steps import LIVE
from tests.processes import PROC
from tests.sandbox import Sandbox

SHOWN = ("state", "hold", "attempt", "branch", "base", "head_oid", "reviewed_oid", "merged_oid", "ahead", "behind")
HERE = ("hooks-", "path-", "message-")  # what the sealed world has no use for


@dataclass
class Model:
    """What is known of one task without asking the program.

    fork: its fork point; seen: with what it was compared last; approved: the tip at which it was approved
    merged: the tip with which it was completed; settled: whether it ever was, so that git alone does not tell
    """

    fork: str | None = None
    seen: tuple[Any, ...] = ()
    attempt: int = 0
    approved: str | None = None
    merged: str | None = None
    settled: bool = False


@dataclass
class Models:
    """The models of all tasks, brought up to date at each look."""

    tasks: dict[int, Model] = field(default_factory=dict)

    def follow(self, box: Sandbox, sight: Sight, tasks: dict[int, Any]) -> list[str]:
        """Follow what git shows now; name what the program says of it that is not so."""
        lines = []
        for task in tasks.values():
            model = self.tasks.setdefault(task["id"], Model())
            tip, base = sight.tip(task["branch"] or ""), sight.tip(task["base"])
            if task["state"] == "COMPLETED":
                model.settled, model.merged = True, task["head_oid"]
            elif model.merged:  # reopened, if the merge was not undone
                model.fork, model.merged = model.merged if task["state"] == "OPEN" else model.fork, None
            lines += _carried(box, task, model, sight)
            if tip is None or base is None:
                continue
            if task["attempt"] != model.attempt:  # it goes on from the one before, or begins at the base
                kept = model.fork and is_ancestor(box, model.fork, tip)
                model.attempt, model.fork = task["attempt"], model.fork if kept else merge_base(box, base, tip)
            if (now := (tip, base, *(task[key] for key in SHOWN))) != model.seen:
                merged = self._merged(box, task, model, tip, base)
                if task["state"] != "COMPLETED":  # its merge may be undone
                    model.fork = moved_on(box, model.fork, base, tip)
                lines += [*merged, *_counts(box, task, model, tip, base)]
                model.seen = now
        return lines

    def _merged(self, box: Sandbox, task: dict[str, Any], model: Model, tip: str, base: str) -> list[str]:
        if task["state"] in ("COMPLETED", "CANCELLED") or model.settled or not model.fork:
            return []
        stood = model.seen[:1] == (tip,)  # else the branch went to its base, not the base to its branch
        own = stood and is_ancestor(box, model.fork, tip) and count(box, tip, f"^{model.fork}")
        inside = own and is_ancestor(box, tip, base)
        return [f"merged unseen: task {task['id']} is {task['state']}, but {base} has {tip}"] if inside else []


def _carried(box: Sandbox, task: dict[str, Any], model: Model, sight: Sight) -> list[str]:
    """An approval may follow the branch only as long as that lands the same."""
    old, new, base = model.approved, task["reviewed_oid"], sight.tip(task["base"])
    if task["state"] != "APPROVED" or old in (None, new) or base is None:
        return []
    model.approved = new
    trees = [landed(box, base, oid, model.fork) for oid in (old or "", new)]
    return [] if trees[0] == trees[1] else [f"carried: task {task['id']} from {old} to {new}, which lands otherwise"]


def _counts(box: Sandbox, task: dict[str, Any], model: Model, tip: str, base: str) -> list[str]:
    name, lines = f"task {task['id']} ({task['state']})", []
    if task["state"] in LIVE and task["head_oid"] != tip:
        lines.append(f"head: {name} is said to be at {task['head_oid']}, but {task['branch']} is at {tip}")
    if task["state"] == "COMPLETED":
        return lines
    without = [f"^{base}", *([f"^{model.fork}"] if model.fork else [])]
    for key, real in (("ahead", count(box, tip, *without)), ("behind", count(box, base, f"^{tip}"))):
        told = task[key]
        if told != real and (told is not None or task["state"] in LIVE):
            lines.append(f"{key}: {name} is said to be {told} {key}, but it is {real} (fork point {model.fork})")
    return lines


def wrongly_completed(
    box: Sandbox, verb: str, sight: Sight, was: dict[int, Any], now: dict[int, Any], models: Models
) -> list[str]:
    """Name the tasks that are called merged although their base does not have their work. verb: what was run."""
    lines = []
    for task in now.values():
        before = was.get(task["id"], task)
        base, tip = sight.tip(task["base"]), task["head_oid"]
        fresh = task["state"] == "COMPLETED" and before["state"] not in ("COMPLETED", "CANCELLED")
        if fresh and base and tip and not _has(box, base, tip, models.tasks.get(task["id"])):
            lines.append(f"completed: task {task['id']} after '{verb}', but {task['base']} {base} lacks {tip}")
    return lines


def _has(box: Sandbox, base: str, tip: str, model: Model | None) -> bool:
    fork = model.fork if model else None
    if fork and not is_ancestor(box, fork, base):  # nothing but the merge itself can tell
        return True
    return merge_base(box, base, tip) is None or absorbed(box, base, tip)


def told_twice(box: Sandbox, tasks: dict[int, Any], shown: dict[int, Any]) -> list[str]:
    """Name where `status` and `show` differ from `list`. shown: what `show --json` says of each task."""
    told = {("status", task["id"]): task for task in box.agent_json("status")["tasks"]}
    told |= {("show", number): each["task"] for number, each in shown.items()}
    return [
        f"differ: '{verb}' says {key} {task[key]!r} of task {number}, 'list' says {tasks[number][key]!r}"
        for (verb, number), task in told.items()
        for key in SHOWN
        if task[key] != tasks[number][key]
    ]


def misjudged(tasks: dict[int, Any]) -> list[str]:
    """Name the workers that are called alive although /proc does not know them, and those called dead that run."""
    lines = []
    for task in tasks.values():
        pid, told = task["worker"]["pid"], task["worker"]["liveness"]
        if pid and PROC.exists() and (told in ("dead", "none")) == _runs(pid):
            lines.append(f"misjudged: the worker of task {task['id']}, process {pid}, is said to be {told}")
    return lines


def _runs(pid: int) -> bool:
    try:
        return (PROC / f"{pid}/stat").read_text(errors="replace").rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def miscounted(box: Sandbox, sight: Sight, tasks: dict[int, Any], attempts: dict[int, list[Any]]) -> list[str]:
    """Name the earlier attempts whose uncommitted files `prime` counts otherwise than git does.

    attempts: those of each task, as `show --json` tells them
    """
    lines = []
    places = {str(place.path): place for place in sight.places.values()}
    for number, task in tasks.items():
        now = places.get(task["worktree"] or "")
        former = [a for a in attempts[number] if a["number"] != task["attempt"] and a["worktree"] in places]
        if now is None or task["state"] not in LIVE or not former:
            continue
        text = box.agent_json("prime", str(number), cwd=now.path)["text"]
        for each in former:
            real = uncommitted(box, places[each["worktree"]])
            if not re.search(rf"files not committed: {real}( \(.*\))?, in {re.escape(each['worktree'])}", text):
                lines.append(f"miscounted: {each['worktree']} has {real} changed files; prime says: {text}")
    return lines


def uncommitted(box: Sandbox, place: Place) -> int:
    """Count the changed and untracked files of a worktree."""
    how = ("--no-replace-objects", "--no-optional-locks", "status", "--porcelain", "--untracked-files=all")
    return len(box.git(*how, cwd=place.path).splitlines())


def diagnosed(box: Sandbox, allowed: set[str], sight: Sight, tasks: dict[int, Any]) -> list[str]:
    """Name what `doctor` finds although nothing in the history causes it, and lost merges that it does not find."""
    done = box.agent("doctor", "--json", exit=None)
    if done.code not in (0, 1):
        return [f"doctor: {done}"]
    findings = [f for f in done.json()["findings"] if not f["code"].startswith(HERE)]
    lines = [f"doctor: {f['code']}: {f['what']}" for f in findings if f["code"] not in allowed]
    named = {f["task"] for f in findings if f["code"] == "merge-lost"}
    for task in tasks.values():
        base, merged = sight.tip(task["base"]), task["merged_oid"]
        unnamed = task["state"] == "COMPLETED" and base and merged and task["id"] not in named
        if unnamed and not is_ancestor(box, merged, base) and not absorbed(box, base, merged):
            lines.append(f"merge lost unseen: task {task['id']}: {base} lacks {merged}")
    return lines
