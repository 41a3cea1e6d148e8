"""What people and workers type, chosen by chance: verbs of ours, and plain git in worktrees and in the base."""

from __future__ import annotations

from collections.abc import Callable, Collection

from tests.faults.promises.steps import (
    LIVE,
    MOST,
    REWRITTEN,
    SAY,
    SWITCHED,
    UNATTENDED,
    Scene,
    Step,
    base,
    hook,
    verb,
    worker,
)


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
    next_verb = {"OPEN": "spawn", "IN_REVIEW": "approve", "FAILED": "retry"}.get(task["state"], "reopen")
    return Step(f"git agent {next_verb} {task['id']}")


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
    if any("git agent undo" in step.line for step in steps):  # nobody could say where an attempt began
        steps = [step for step in steps if not {"spawn", "reassign"} & set(step.line.split())]
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


def _commit(scene: Scene) -> Step | None:
    found = scene.worktree()
    return _written(scene, found[0]) if found else None


Move = Callable[[Scene], Step | None]
# The dates of all commits are fixed, and older than what gc keeps in logs.
KEEPING_LOGS = "git -c gc.reflogExpire=never -c gc.reflogExpireUnreachable=never"
# What may run at the same time as others. Not an approval: nobody could say which tip it saw. Nor a commit to the base.
TOGETHER: list[Move] = [
    lambda scene: Step(f"git agent spawn 'Task {scene.n}'") if len(scene.tasks) < MOST else None,
    _merge,
    _rebased,
    verb("merge {}", "APPROVED"),
    verb("done {}", "ASSIGNED", "WORKING"),
    verb("cancel {}", *LIVE),
    verb("reassign {}", *LIVE),
    verb("rm {} --force --unmerged", "CANCELLED", "COMPLETED", "FAILED"),
    lambda scene: Step("git agent clean"),
    lambda scene: Step("git agent undo"),
    lambda scene: Step("git agent status"),
    lambda scene: Step(f"{KEEPING_LOGS} gc --quiet"),
    _commit,
    worker("echo 'late {n}' > late-{n}.txt"),
]
OURS: dict[str, tuple[int, Move]] = {
    "new": (8, _new),
    "onward": (24, _onward),
    "merge": (5, _merge),
    "merge --strategy rebase": (1, _rebased),
    "at once": (4, _at_once),
    "start": (2, verb("start {}", "ASSIGNED", "WORKING", "IN_REVIEW")),
    "done": (4, verb("done {}", "ASSIGNED", "WORKING")),
    "done --allow-empty": (1, verb("done --allow-empty {}", "ASSIGNED", "WORKING")),
    "done --rebase": (3, _rebase),
    "request-changes": (2, verb("request-changes {} -m Again", "IN_REVIEW", "APPROVED")),
    "approve": (4, verb("approve {}", "IN_REVIEW")),
    "cancel": (3, verb("cancel {}", *LIVE)),
    "reopen": (2, verb("reopen {}", "CANCELLED", "COMPLETED")),
    "reassign": (2, verb("reassign {}", *LIVE)),
    "release": (1, verb("release {}", "ASSIGNED", "WORKING")),
    "fail": (1, verb("fail {} -m Stuck", *LIVE)),
    "run": (1, _run),
    "stop": (1, verb("stop {}", "WORKING")),
    "rm": (2, verb("rm {}", "CANCELLED", "COMPLETED", "FAILED", "OPEN")),
    "rm --force": (3, verb("rm {} --force --unmerged", "CANCELLED", "COMPLETED", "FAILED", "OPEN")),
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
    "amend": (2, worker("echo {n} >> own.txt && git add own.txt && git commit --quiet --amend --no-edit", *REWRITTEN)),
    "untracked": (3, worker("echo 'new {n}' > new-{n}.txt")),
    "ignored": (3, worker("echo 'secret {n}' > note-{n}.log")),
    "ignored directory": (1, worker("mkdir -p build && echo {n} > build/{n}")),
    "dirty": (2, worker("echo 'changed {n}' >> shared.txt")),
    "staged": (2, worker("echo 'staged {n}' > staged.txt && git add staged.txt && echo 'after {n}' >> staged.txt")),
    "merge base": (2, worker("git merge --quiet --no-edit main || git merge --abort", *REWRITTEN)),
    "rebase": (2, worker("git rebase --quiet main || git rebase --abort", *REWRITTEN)),
    "merge another": (1, worker("git merge --quiet --no-edit {branch} || git merge --abort", *REWRITTEN)),
    "merge with a change": (
        1,
        worker(f"git merge --quiet --no-commit --no-ff main && echo {{n}} > evil-{{n}}.txt && git add . && {SAY} Evil"),
    ),
    "pick": (1, worker("git cherry-pick {branch} >/dev/null || git cherry-pick --abort")),
    "revert": (1, worker(f"git revert --no-commit HEAD && {SAY} 'Revert {{n}}' || git revert --abort", *REWRITTEN)),
    "reset": (1, worker("git reset --quiet --hard HEAD~1", *REWRITTEN)),
    "soft": (1, worker("git reset --quiet --soft HEAD~1", *REWRITTEN)),
    "stash": (1, worker("git stash push --quiet --include-untracked")),
    "detached": (2, worker(f"git switch --quiet --detach && {DETACHED}", *SWITCHED)),
    "back": (3, worker("git switch --quiet -", *SWITCHED)),
    "aside": (2, worker(f"git switch --quiet --detach && {DETACHED} && git switch --quiet -", *SWITCHED)),
    "renamed": (1, worker("git branch --move {own} mine-{n}", "branch-renamed", *SWITCHED)),
    "deleted": (1, worker("git update-ref -d refs/heads/{own}", *SWITCHED)),
    "replaced": (1, worker("git replace -f HEAD $(git commit-tree -m Fake HEAD^{{tree}})", "objects-replaced")),
    "nested": (1, worker("git init --quiet nested-{n} && git -C nested-{n} commit --quiet --allow-empty -m Nested")),
    "push": (2, worker("git push --quiet --force origin HEAD", *REWRITTEN)),
    "renamed file": (1, worker(f"git mv shared.txt moved-{{n}}.txt && {SAY} Move")),
    "outputs": (2, worker("echo 'OUT {n}' >> run.note && git add run.note")),
    "bound": (1, worker("mkdir -p build/bound && mount --bind ../../outside build/bound 2>/dev/null || :")),
    "mounted": (
        1,
        worker("mkdir -p ram-{n} && mount -t tmpfs none ram-{n} 2>/dev/null && echo 'ram {n}' > ram-{n}/file || :"),
    ),
    "unmounted": (2, worker("for each in build/bound ram-*; do umount $each; done 2>/dev/null || :")),
    "submodule": (1, worker(f'{SUBMODULE} add "$PWD/../../library" lib && {SAY} Library')),
    "submodule commit": (
        1,
        worker(f"test -e lib/.git && cd lib && echo {{n}} > sub-{{n}}.txt && git add . && {SAY} Sub"),
    ),
    "submodule dirty": (1, worker("test -e lib/.git && echo 'sub {n}' >> lib/file")),
    "submodule moved": (1, worker(f"test -e lib/.git && git add lib && {SAY} 'Move the library'")),
    "link": (1, worker("ln -sf shared.txt link-{n}")),
    "worker's verb": (2, worker("git agent done")),
}
BASE: dict[str, tuple[int, Move]] = {
    "commit": (4, base(f"echo 'base {{n}}' >> base.txt && git add base.txt && {SAY} 'Base {{n}}'")),
    "rival": (2, base(f"echo 'base {{n}}' >> shared.txt && git add shared.txt && {SAY} 'Rival {{n}}'")),
    "amend": (1, base("echo {n} >> base.txt && git add base.txt && git commit --quiet --amend --no-edit", *REWRITTEN)),
    "reset": (1, base("git reset --quiet --hard HEAD~1", *REWRITTEN)),
    "merge": (2, base("git merge --quiet --no-edit {branch} || git merge --abort")),
    "squash": (2, base(f"git merge --squash --quiet {{branch}} && {SAY} 'Squash {{n}}' || git reset --quiet --hard")),
    "pick": (1, base("git cherry-pick {branch} >/dev/null || git cherry-pick --abort")),
    "revert": (1, base(f"git revert --no-commit HEAD && {SAY} 'Revert {{n}}' || git revert --abort", *REWRITTEN)),
    "untracked": (1, base("echo 'mine {n}' > own-{n}.txt")),
    "dirty": (1, base("echo 'mine {n}' >> shared.txt")),
    "switch": (1, base("git switch --quiet --create side-{n} || git switch --quiet main")),
    "switch back": (2, base("git switch --quiet main")),
    "submodule": (1, base(f"{SUBMODULE} update --init || :")),
    "hook that refuses": (1, base(hook("pre-commit", "! git diff --cached --name-only | grep -q ^src/"))),
    "hook that refuses merges": (
        1,
        base(hook("pre-merge-commit", "! git diff --cached --name-only | grep -q ^src/")),
    ),
    "hook that writes": (1, base(hook("post-checkout", "echo hook > hook.log"))),
    "no hooks": (2, base("rm -f .git/hooks/pre-commit .git/hooks/pre-merge-commit .git/hooks/post-checkout")),
    "killed": (2, _killed),
    "gc": (1, base("git gc --quiet --prune=now")),
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
