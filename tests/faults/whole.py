"""What must hold after any command, however it ended: the store, the refs, the directories and the checkouts agree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from git_agent.verbs import VERBS
from tests.sandbox import Sandbox
from tests.tables import ask

OF_THE_WORLD = ("hooks-", "path-", "message-")  # the sealed world has no hooks, and nobody reads its mail
LIVE = ("ASSIGNED", "WORKING", "IN_REVIEW", "APPROVED")


def rows(sandbox: Sandbox, query: str) -> list[dict[str, Any]]:
    """Ask the store with no command of ours, which would mend it."""
    return ask(sandbox.store, query)


def found(sandbox: Sandbox) -> list[str]:
    """Name what `doctor` finds: a line each; none while there is no such verb."""
    if "doctor" not in VERBS or not sandbox.store.exists():
        return []
    done = sandbox.agent("doctor", "--json", exit=None)
    told = done.json()
    if "findings" not in told:
        return [f"doctor: {done}"]
    findings = [each for each in told["findings"] if not each["code"].startswith(OF_THE_WORLD)]
    return [f"doctor: {each['code']}: {each['what']}" for each in findings]


def wrong(sandbox: Sandbox, *, thorough: bool = True) -> list[str]:
    """Name everything that is not as it must be: a line each, none when all is well.

    thorough: look at each file of the worktrees and at each object, too.
    """
    seen = Seen(_heads(sandbox), _listed(sandbox), _rescued(sandbox))
    if not sandbox.store.exists():
        return _strays(sandbox, seen, {}, {})
    tasks = {row["id"]: row for row in rows(sandbox, "select * from task")}
    present = rows(sandbox, "select * from attempt where removed = 0")
    under_way = [f"intent left: {row}" for row in rows(sandbox, "select * from intent")]
    branches = {a["branch"]: a for a in present}
    worktrees = {a["worktree"]: a for a in present if a["worktree"]}
    ended = {a["worktree"] for a in present if tasks[a["task"]]["state"] not in LIVE}
    lines = [*under_way, *_strays(sandbox, seen, branches, worktrees)]
    if thorough:
        lines += [*_checkouts(sandbox, seen, ended), *_fsck(sandbox)]
        twice = "select task, kind from event where actor = 'git' group by task, kind having count(*) > 1"
        lines += [f"task {row['task']}: twice {row['kind']}" for row in rows(sandbox, twice)]
    for task in tasks.values():
        lines += _task(seen, task, [a for a in present if a["task"] == task["id"]])
    return lines


class Seen(NamedTuple):
    """What git shows: branches with their tips, worktrees with what git says of them, and the oids that are kept."""

    heads: dict[str, str]
    listed: dict[str, dict[str, str]]
    rescued: str


def _task(seen: Seen, task: dict[str, Any], present: list[dict[str, Any]]) -> list[str]:
    name, heads, listed = f"task {task['id']} ({task['state']})", seen.heads, seen.listed
    numbers = [a["number"] for a in present]
    lines = [f"{name}: branch {a['branch']} is gone" for a in present if a["branch"] not in heads]
    lines += [f"{name}: worktree {a['worktree']} is not registered" for a in present if a["worktree"] not in listed]
    if task["state"] in LIVE:
        if task["attempt"] not in numbers:
            lines.append(f"{name}: has no attempt {task['attempt']}")
        elif listed.get(task["worktree"], {}).get("locked") != f"git-agent: task {task['id']}":
            lines.append(f"{name}: its worktree is not locked for it: {listed.get(task['worktree'])}")
        elif not Path(task["worktree"], ".worker-ctx.json").is_file():
            lines.append(f"{name}: its worktree has no context file")
    elif task["state"] == "OPEN" and task["attempt"] == 0 and present:
        lines.append(f"{name}: was never given out but has {present}")
    tip = task["head_oid"]
    if task["state"] == "COMPLETED" and not present and tip not in seen.rescued:
        lines.append(f"{name}: tip {tip} is not kept")
    return lines


def half_written(sandbox: Sandbox) -> list[str]:
    """Name what a killed write of a context file left: the next write takes it away."""
    worktrees = [row["worktree"] for row in rows(sandbox, "select worktree from attempt where worktree is not null")]
    return [f"stray {p}" for worktree in worktrees for p in Path(worktree).glob(".worker-ctx.json.*")]


def _strays(sandbox: Sandbox, seen: Seen, branches: dict[str, Any], worktrees: dict[str, Any]) -> list[str]:
    common = sandbox.store.parents[1]
    home = sandbox.path.parent / f"{sandbox.path.name}.worktrees"
    lines = [f"stray branch {b}" for b in seen.heads if b.startswith("agent/") and b not in branches]
    lines += [f"stray worktree {w}" for w in seen.listed if w.startswith(f"{home}/") and w not in worktrees]
    lines += [f"stray scratch worktree {w}" for w in seen.listed if w.startswith(f"{common}/")]
    if home.exists():
        lines += [f"stray directory {p}" for p in home.iterdir() if str(p) not in worktrees]
    for place in ("git-agent/scratch", "git-agent/trash"):
        if (common / place).exists():
            lines += [f"stray {p}" for p in (common / place).iterdir()]
    known = {"agent.db", "agent.db-wal", "agent.db-shm", "worktree.lock", "landing.lock", "scratch", "trash"}
    known |= {"notify.log", "logs", "prompts", "kept", "trash.lock", "cache"}
    known |= {
        "hooks",
        "hooks.gitconfig",
        "hooks.lock",
        "hooks.made",
        "program",
        "enabled",
        "beat",
        "spool",
        "drain.lock",
        "drain.pid",
    }
    if (common / "git-agent").exists():
        lines += [f"stray {p}" for p in (common / "git-agent").iterdir() if p.name not in known]
    lines += [f"stray lock {p}" for p in common.rglob("*.lock") if p.parent.name != "git-agent"]
    lines += [f"stray {p}" for p in (common / "info").iterdir() if p.name not in ("exclude", "refs", "sparse-checkout")]
    return lines


def _checkouts(sandbox: Sandbox, seen: Seen, ended: set[str]) -> list[str]:
    """No worktree may show changes that nobody made: a base moved under a checkout looks like reversed changes."""
    lines = []
    for path in seen.listed:
        if os.path.isdir(path) and path not in ended and not Path(path, "HEAD").exists():
            # Looking must not look like work: a refreshed index is a sign of a worker.
            said = sandbox.git("--no-optional-locks", "status", "--porcelain", cwd=Path(path))
            lines += [f"{path} shows {line}" for line in said.splitlines()]
    return lines


def _fsck(sandbox: Sandbox) -> list[str]:
    done = sandbox.run("git", "fsck", "--strict", "--no-dangling", "--no-progress")
    said = (done.out + done.err).strip()
    return [f"fsck: {said}"] if done.code or said else []


def _heads(sandbox: Sandbox) -> dict[str, str]:
    lines = sandbox.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)  # type: ignore[misc]


def _rescued(sandbox: Sandbox) -> str:
    return sandbox.git("for-each-ref", "--format=%(objectname)", "refs/git-agent/rescue")


def _listed(sandbox: Sandbox) -> dict[str, dict[str, str]]:
    records = sandbox.git("worktree", "list", "--porcelain", "-z").split("\0\0")
    found = [dict(line.partition(" ")[::2] for line in record.split("\0") if line) for record in records if record]
    return {each["worktree"]: each for each in found}
