"""What people and workers type, chosen by chance: verbs of ours, and plain git in worktrees and in the base."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from shlex import quote
from typing import Any, NamedTuple

from tests.faults.promises.sight import Place, Sight

MOST = 5  # tasks
SAY = "git commit --quiet --message"
LIVE = ("ASSIGNED", "WORKING", "IN_REVIEW", "APPROVED")
REWRITTEN = ("merge-lost", "handed-in-gone", "approval-unbound")
UNATTENDED = ("nobody-works", "worker-left")
SWITCHED = ("worktree-switched", "branch-gone", "branch-lost", *REWRITTEN)


class Step(NamedTuple):
    """What is typed once.

    line: for a shell
    where: the directory, relative to the main worktree
    finds: the codes that doctor may report from then on
    """

    line: str
    where: str = "."
    finds: tuple[str, ...] = ()

    @property
    def at_once(self) -> bool:
        """Tell whether it is several commands that run at the same time, ours among them."""
        return self.line.endswith(" & wait")

    @property
    def ours(self) -> bool:
        """Tell whether it is a verb of ours."""
        return self.line.startswith("git agent ")

    def shown(self) -> str:
        """Return the line of a script that does it again in the main worktree."""
        return self.line if self.where == "." else f"(cd {quote(self.where)} && {self.line})"


class Scene(NamedTuple):
    """What a choice is made from. n: the number of the step, so that no two write the same."""

    chance: random.Random
    n: int
    sight: Sight
    tasks: dict[int, Any]

    def task(self, *states: str) -> Any:
        """Choose a task in one of some states; None when there is none."""
        fitting = [task for task in self.tasks.values() if not states or task["state"] in states]
        return self.chance.choice(fitting) if fitting else None

    def worktree(self) -> tuple[str, Place] | None:
        """Choose a worktree of a task, most often of a live one."""
        found = {name: place for name, place in self.sight.places.items() if name != "."}
        live = {t["worktree"] for t in self.tasks.values() if t["state"] in LIVE}
        of_live = [name for name in found if str(found[name].path) in live]
        names = of_live if of_live and self.chance.random() < 0.9 else sorted(found)
        return (name := self.chance.choice(names), found[name])[0:2] if names else None

    def branch(self) -> str | None:
        """Choose a branch of a task."""
        found = sorted(ref[11:] for ref in self.sight.refs if ref.startswith("refs/heads/agent/"))
        return self.chance.choice(found) if found else None


def _verb(template: str, *states: str) -> Callable[[Scene], Step | None]:
    def make(scene: Scene) -> Step | None:
        task = scene.task(*states)
        ours = scene.chance.random() < 0.9  # now and then a task in any state
        task = task if ours else scene.task()
        return Step(f"git agent {template.format(task['id'])}") if task else None

    return make


def _new(scene: Scene) -> Step | None:
    if len(scene.tasks) >= MOST:
        return None
    after = scene.task()
    how = scene.chance.choice(["spawn", "spawn", "spawn", "add", f"add --after {after['id']}" if after else "add"])
    return Step(f"git agent {how} 'Task {scene.n}'")


def _onward(scene: Scene) -> Step | None:
    """Do what comes next, so that histories get somewhere."""
    task = scene.task(*LIVE) or scene.task()
    if task is None:
        return _new(scene)
    if task["state"] == "WORKING" and task["ahead"] and not task["hold"]:
        return Step(f"git agent done {task['id']}")
    if task["state"] in ("ASSIGNED", "WORKING"):
        where = next((name for name, p in scene.sight.places.items() if str(p.path) == task["worktree"]), None)
        return (
            _written(scene, where) if where and scene.chance.random() < 0.7 else Step(f"git agent start {task['id']}")
        )
    if task["state"] == "APPROVED":
        return _merge(scene)
    verb = {"OPEN": "spawn", "IN_REVIEW": "approve", "FAILED": "retry"}.get(task["state"], "reopen")
    return Step(f"git agent {verb} {task['id']}")


def _written(scene: Scene, where: str) -> Step:
    own = f"own{scene.n}.txt"
    file = scene.chance.choice([own, own, "shared.txt", "src/app.py", "table.crlf", "page.ident", "run.note"])
    return Step(f"echo 'line {scene.n}' >> {file} && git add {file} && {SAY} 'Work {scene.n}'", where)


def _merge(scene: Scene) -> Step | None:
    task = scene.task("APPROVED")
    strategy = scene.chance.choice(["", "", " --strategy squash", " --strategy rebase", " --strategy ff"])
    keep = scene.chance.choice(["", "", "", " --keep"])
    which = "--all" if scene.chance.random() < 0.3 else str(task["id"]) if task else None
    return Step(f"git agent merge {which}{strategy}{keep}") if which else None


def _rebased(scene: Scene) -> Step | None:
    task = scene.task("APPROVED")
    return Step(f"git agent merge {task['id']} --strategy rebase") if task else None


def _at_once(scene: Scene) -> Step | None:
    """Let two or three commands run at the same time: verbs of ours, and plain git."""
    found = [move(scene) for move in scene.chance.sample(TOGETHER, 3)]
    steps = [step for step in found if step is not None][: scene.chance.choice([2, 2, 3])]
    finds = tuple(code for step in steps for code in step.finds)
    line = " & ".join(f"{{ {step.shown()}; }}" for step in steps)
    return Step(f"{line} & wait", finds=finds) if len(steps) > 1 else None


def _restore(scene: Scene) -> Step | None:
    found = sorted(r for r in scene.sight.refs if r.startswith("refs/git-agent/rescue/"))
    name = scene.chance.choice(found).removeprefix("refs/git-agent/rescue/") if found else None
    return Step(f"git agent rescue restore {name}", finds=("branch-orphan",)) if name else None


def _rebase(scene: Scene) -> Step | None:
    task = scene.task("ASSIGNED", "WORKING")
    return Step(f"git agent done --rebase {task['id']}") if task else None


def _run(scene: Scene) -> Step | None:
    task = scene.task("ASSIGNED", "WORKING")
    return Step(f"git agent run --detach {task['id']} -- sleep 300", finds=UNATTENDED) if task else None


def _killed(scene: Scene) -> Step | None:
    """Kill a supervisor, as a machine without memory does."""
    running = any(task["worker"]["pid"] for task in scene.tasks.values())
    pid = """git agent ps --json | sed 's/.*"pid": \\([0-9]*\\).*/\\1/'"""
    return Step(f"kill -9 $({pid})", finds=UNATTENDED) if running else None


def _worker(line: str, *finds: str) -> Callable[[Scene], Step | None]:
    """Make what a worker types in its worktree; {n} is the number of the step, {branch} a branch of some task."""

    def make(scene: Scene) -> Step | None:
        found = scene.worktree()
        if found is None:
            return None
        names = {"branch": quote(scene.branch() or "main"), "own": quote(found[1].branch or "HEAD")}
        return Step(line.format(n=scene.n, **names), found[0], finds)

    return make


def _hook(name: str, line: str) -> str:
    file = f".git/hooks/{name}"
    return f"printf '#!/bin/sh\\n{line}\\n' > {file} && chmod +x {file}"


def _base(line: str, *finds: str) -> Callable[[Scene], Step | None]:
    """Make what a person types in the main worktree."""

    def make(scene: Scene) -> Step | None:
        branch = scene.branch()
        if branch is None:
            return None
        return Step(line.format(n=scene.n, branch=quote(branch)), ".", finds)

    return make


def _commit(scene: Scene) -> Step | None:
    found = scene.worktree()
    return _written(scene, found[0]) if found else None


Move = Callable[[Scene], Step | None]
# What may run at the same time as others. Not an approval: nobody could say which tip it saw. Nor a commit to the base.
TOGETHER: list[Move] = [
    lambda scene: Step(f"git agent spawn 'Task {scene.n}'") if len(scene.tasks) < MOST else None,
    _merge,
    _rebased,
    _verb("merge {}", "APPROVED"),
    _verb("done {}", "ASSIGNED", "WORKING"),
    _verb("cancel {}", *LIVE),
    _verb("reassign {}", *LIVE),
    _verb("rm {} --force --unmerged", "CANCELLED", "COMPLETED", "FAILED"),
    lambda scene: Step("git agent clean"),
    lambda scene: Step("git agent undo"),
    lambda scene: Step("git agent status"),
    lambda scene: Step("git gc --quiet"),
    _commit,
    _worker("echo 'late {n}' > late-{n}.txt"),
]
OURS: dict[str, tuple[int, Move]] = {
    "new": (8, _new),
    "onward": (24, _onward),
    "merge": (5, _merge),
    "merge --strategy rebase": (1, _rebased),
    "at once": (4, _at_once),
    "start": (2, _verb("start {}", "ASSIGNED", "WORKING", "IN_REVIEW")),
    "done": (4, _verb("done {}", "ASSIGNED", "WORKING")),
    "done --allow-empty": (1, _verb("done --allow-empty {}", "ASSIGNED", "WORKING")),
    "done --rebase": (3, _rebase),
    "request-changes": (2, _verb("request-changes {} -m Again", "IN_REVIEW", "APPROVED")),
    "approve": (4, _verb("approve {}", "IN_REVIEW")),
    "cancel": (3, _verb("cancel {}", *LIVE)),
    "reopen": (2, _verb("reopen {}", "CANCELLED", "COMPLETED")),
    "reassign": (2, _verb("reassign {}", *LIVE)),
    "release": (1, _verb("release {}", "ASSIGNED", "WORKING")),
    "fail": (1, _verb("fail {} -m Stuck", *LIVE)),
    "run": (1, _run),
    "stop": (1, _verb("stop {}", "WORKING")),
    "rm": (2, _verb("rm {}", "CANCELLED", "COMPLETED", "FAILED", "OPEN")),
    "rm --force": (3, _verb("rm {} --force --unmerged", "CANCELLED", "COMPLETED", "FAILED", "OPEN")),
    "clean": (2, lambda scene: Step("git agent clean")),
    "undo": (4, lambda scene: Step("git agent undo")),
    "rescue restore": (1, _restore),
    "doctor --fix": (1, lambda scene: Step("git agent doctor --fix", finds=("branch-orphan",))),
    "look": (1, lambda scene: Step(f"git agent {scene.chance.choice(['status', 'ready', 'conflicts', 'sync'])}")),
}
SUBMODULE = "git -c protocol.file.allow=always submodule --quiet"
DETACHED = f"echo {{n}} > d-{{n}}.txt && git add d-{{n}}.txt && {SAY} D-{{n}}"
WORKER: dict[str, tuple[int, Move]] = {
    "commit": (14, _commit),
    "amend": (2, _worker("echo {n} >> own.txt && git add own.txt && git commit --quiet --amend --no-edit", *REWRITTEN)),
    "untracked": (3, _worker("echo 'new {n}' > new-{n}.txt")),
    "ignored": (3, _worker("echo 'secret {n}' > note-{n}.log")),
    "ignored directory": (1, _worker("mkdir -p build && echo {n} > build/{n}")),
    "dirty": (2, _worker("echo 'changed {n}' >> shared.txt")),
    "staged": (2, _worker("echo 'staged {n}' > staged.txt && git add staged.txt && echo 'after {n}' >> staged.txt")),
    "merge base": (2, _worker("git merge --quiet --no-edit main || git merge --abort", *REWRITTEN)),
    "rebase": (2, _worker("git rebase --quiet main || git rebase --abort", *REWRITTEN)),
    "merge another": (1, _worker("git merge --quiet --no-edit {branch} || git merge --abort", *REWRITTEN)),
    "merge with a change": (
        1,
        _worker(
            f"git merge --quiet --no-commit --no-ff main && echo {{n}} > evil-{{n}}.txt && git add . && {SAY} Evil"
        ),
    ),
    "pick": (1, _worker("git cherry-pick {branch} >/dev/null || git cherry-pick --abort")),
    "revert": (1, _worker(f"git revert --no-commit HEAD && {SAY} 'Revert {{n}}' || git revert --abort", *REWRITTEN)),
    "reset": (1, _worker("git reset --quiet --hard HEAD~1", *REWRITTEN)),
    "soft": (1, _worker("git reset --quiet --soft HEAD~1", *REWRITTEN)),
    "stash": (1, _worker("git stash push --quiet --include-untracked")),
    "detached": (2, _worker(f"git switch --quiet --detach && {DETACHED}", *SWITCHED)),
    "back": (3, _worker("git switch --quiet -", *SWITCHED)),
    "aside": (2, _worker(f"git switch --quiet --detach && {DETACHED} && git switch --quiet -")),
    "renamed": (1, _worker("git branch --move {own} mine-{n}", "branch-renamed", *SWITCHED)),
    "deleted": (1, _worker("git update-ref -d refs/heads/{own}", *SWITCHED)),
    "replaced": (1, _worker("git replace -f HEAD $(git commit-tree -m Fake HEAD^{{tree}})", "objects-replaced")),
    "nested": (1, _worker("git init --quiet nested-{n} && git -C nested-{n} commit --quiet --allow-empty -m Nested")),
    "push": (2, _worker("git push --quiet --force origin HEAD", *REWRITTEN)),
    "renamed file": (1, _worker(f"git mv shared.txt moved-{{n}}.txt && {SAY} Move")),
    "outputs": (2, _worker("echo 'OUT {n}' >> run.note && git add run.note")),
    "bound": (1, _worker("mkdir -p build/bound && mount --bind ../../outside build/bound 2>/dev/null || :")),
    "mounted": (
        1,
        _worker("mkdir -p ram-{n} && mount -t tmpfs none ram-{n} 2>/dev/null && echo 'ram {n}' > ram-{n}/file || :"),
    ),
    "unmounted": (2, _worker("for each in build/bound ram-*; do umount $each; done 2>/dev/null || :")),
    "submodule": (1, _worker(f'{SUBMODULE} add "$PWD/../../library" lib && {SAY} Library')),
    "submodule commit": (
        1,
        _worker(f"test -e lib/.git && cd lib && echo {{n}} > sub-{{n}}.txt && git add . && {SAY} Sub"),
    ),
    "submodule dirty": (1, _worker("test -e lib/.git && echo 'sub {n}' >> lib/file")),
    "submodule moved": (1, _worker(f"test -e lib/.git && git add lib && {SAY} 'Move the library'")),
    "link": (1, _worker("ln -sf shared.txt link-{n}")),
    "worker's verb": (2, _worker("git agent done")),
}
BASE: dict[str, tuple[int, Move]] = {
    "commit": (4, _base(f"echo 'base {{n}}' >> base.txt && git add base.txt && {SAY} 'Base {{n}}'")),
    "rival": (2, _base(f"echo 'base {{n}}' >> shared.txt && git add shared.txt && {SAY} 'Rival {{n}}'")),
    "amend": (1, _base("echo {n} >> base.txt && git add base.txt && git commit --quiet --amend --no-edit", *REWRITTEN)),
    "reset": (1, _base("git reset --quiet --hard HEAD~1", *REWRITTEN)),
    "merge": (2, _base("git merge --quiet --no-edit {branch} || git merge --abort")),
    "squash": (2, _base(f"git merge --squash --quiet {{branch}} && {SAY} 'Squash {{n}}' || git reset --quiet --hard")),
    "pick": (1, _base("git cherry-pick {branch} >/dev/null || git cherry-pick --abort")),
    "revert": (1, _base(f"git revert --no-commit HEAD && {SAY} 'Revert {{n}}' || git revert --abort", *REWRITTEN)),
    "untracked": (1, _base("echo 'mine {n}' > own-{n}.txt")),
    "dirty": (1, _base("echo 'mine {n}' >> shared.txt")),
    "switch": (1, _base("git switch --quiet --create side-{n} || git switch --quiet main")),
    "switch back": (2, _base("git switch --quiet main")),
    "submodule": (1, _base(f"{SUBMODULE} update --init || :")),
    "hook that refuses": (1, _base(_hook("pre-commit", "! git diff --cached --name-only | grep -q ^src/"))),
    "hook that refuses merges": (
        1,
        _base(_hook("pre-merge-commit", "! git diff --cached --name-only | grep -q ^src/")),
    ),
    "hook that writes": (1, _base(_hook("post-checkout", "echo hook > hook.log"))),
    "no hooks": (2, _base("rm -f .git/hooks/pre-commit .git/hooks/pre-merge-commit .git/hooks/post-checkout")),
    "killed": (2, _killed),
    "gc": (1, _base("git gc --quiet --prune=now")),
}
ALL = {
    **OURS,
    **{f"worker: {name}": move for name, move in WORKER.items()},
    **{f"base: {name}": move for name, move in BASE.items()},
}


def choose(scene: Scene, only: Collection[str] = ()) -> Step:
    """Choose the next step. only: the moves to choose from, by their names in ALL; all when left out."""
    if not scene.tasks:
        return Step("git agent spawn 'Task 0'")
    moves = [ALL[name] for name in sorted(only) or ALL]
    weights = [max(weight, 5) if only else weight for weight, _ in moves]
    while True:
        _, move = scene.chance.choices(moves, weights)[0]
        if (step := move(scene)) is not None:
            return step
