"""What a merge must land, and what a branch's own work is, computed with plain git alone."""

from __future__ import annotations

import tempfile
from typing import Any

from tests.faults.promises.sight import Sight
from tests.sandbox import Sandbox

RAW = "--no-replace-objects"
CONFLICT = "a conflict"


def is_ancestor(box: Sandbox, old: str, new: str) -> bool:
    """Tell whether a commit is an ancestor of another, or the same."""
    return box.run("git", RAW, "merge-base", "--is-ancestor", old, new).code == 0


def count(box: Sandbox, *ends: str) -> int:
    """Count commits, given as for rev-list."""
    return int(box.git(RAW, "rev-list", "--count", *ends, "--"))


def merge_base(box: Sandbox, one: str, other: str) -> str | None:
    """Return git's own merge base; None for unrelated histories."""
    return box.git(RAW, "merge-base", one, other, check=False) or None


def moved_on(box: Sandbox, fork: str | None, base: str, tip: str) -> str | None:
    """Return the fork point after a branch or its base moved: the merge base, where that descends from the old one."""
    found = merge_base(box, base, tip)
    return found if found and (fork is None or is_ancestor(box, fork, found)) else fork


def landed(box: Sandbox, base: str, tip: str, fork: str | None) -> str:
    """Return the tree that merging a branch must give, or CONFLICT.

    fork: the fork point. It counts as the merge base where the branch builds on it and the base lacks it.
    """
    if fork and not is_ancestor(box, fork, base) and is_ancestor(box, fork, tip):
        return _three_way(box, fork, base, tip)
    done = box.run("git", RAW, "merge-tree", "--write-tree", base, tip)
    return done.out.split()[0] if done.code == 0 else CONFLICT


def _three_way(box: Sandbox, fork: str, base: str, tip: str) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        env = {"GIT_DIR": str(box.path / ".git"), "GIT_WORK_TREE": scratch, "GIT_INDEX_FILE": f"{scratch}/.index"}
        box.run("git", RAW, "read-tree", "-i", "-m", "--aggressive", fork, base, tip, env=env)
        # git-merge-one-file works in the directory where the files are.
        done = box.run("git", RAW, "-C", scratch, "merge-index", "-o", "git-merge-one-file", "-a", env=env)
        tree = box.run("git", RAW, "write-tree", env=env).out.strip()
        return tree if done.code == 0 and tree else CONFLICT


def tree(box: Sandbox, commit: str) -> str:
    """Return a commit's tree."""
    return box.git(RAW, "rev-parse", f"{commit}^{{tree}}", check=False)


def absorbed(box: Sandbox, base: str, tip: str) -> bool:
    """Tell whether a base contains what a branch changed: as commits, or so that merging it changes nothing."""
    if is_ancestor(box, tip, base):
        return True
    points = box.git(RAW, "rev-list", "--max-count=30", base).split()
    return any(landed(box, point, tip, None) == tree(box, point) for point in points)


def wrongly_landed(
    box: Sandbox, before: Sight, after: Sight, was: dict[int, Any], now: dict[int, Any], model: dict[int, Any]
) -> list[str]:
    """Name what a merge landed that is not what was approved.

    was, now: the tasks by id, as `list --json` tells them; model: for each the approved tip and the fork point
    """
    lines = []
    new = [t for t in now.values() if t["state"] == "COMPLETED" and was.get(t["id"], t)["state"] != "COMPLETED"]
    for base in {t["base"] for t in new}:
        old, tip = before.tip(base), after.tip(base)
        if old is None or tip is None or old == tip:
            continue
        order = box.git(RAW, "rev-list", "--topo-order", "--reverse", f"{old}..{tip}").split()
        mine = sorted((t for t in new if t["merged_oid"] in order), key=lambda t: order.index(t["merged_oid"]))
        at = old
        for task in mine:
            name = f"landed: task {task['id']}"
            if was[task["id"]]["state"] != "APPROVED":
                lines.append(f"{name}: it was {was[task['id']]['state']}")
            approved = model[task["id"]].approved
            wanted = landed(box, at, approved, model[task["id"]].fork) if approved else "nothing"
            if (got := tree(box, task["merged_oid"])) != wanted:
                lines.append(f"{name}: the tree {got}, but {approved} on {at} gives {wanted}")
            at = task["merged_oid"]
        if at != tip:
            lines.append(f"landed: {base} went on from {at} to {tip} without a task")
    return lines
