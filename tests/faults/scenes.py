"""The commands that are hurt, each with what has to be there before it and what must be there after it."""

from __future__ import annotations

from pathlib import Path

from tests.actions.supervised import age, settle
from tests.faults.kill_at import WITH_PYGIT2
from tests.faults.scene import Scene
from tests.faults.transactions import TRANSACTIONS
from tests.sandbox import Sandbox


def _nothing(sandbox: Sandbox) -> None:
    sandbox.agent("init")


def _with_pygit2(sandbox: Sandbox) -> None:
    sandbox.agent("init")
    (sandbox.path / ".git" / WITH_PYGIT2).touch()


def _queued(sandbox: Sandbox) -> None:
    sandbox.agent("add", "Fix login")


def _released(sandbox: Sandbox) -> None:
    """The next attempt takes the place of the first, which has no commits."""
    sandbox.agent("spawn", "Fix login")
    sandbox.agent("release", "1")


def _copying(sandbox: Sandbox) -> None:
    sandbox.write(".env", "SECRET=1\n")
    (sandbox.path / "build").mkdir()
    setup = "echo x >> $GIT_AGENT_TASK.log"
    for key, value in (("agent.copy", ".env"), ("agent.link", "build"), ("agent.setup", setup)):
        sandbox.git("config", key, value)
    sandbox.agent("init")


def _spawned(sandbox: Sandbox) -> None:
    where = Path(sandbox.agent("spawn", "Fix login").out.strip())
    sandbox.commit(where, "login.py", "fixed = True\n", "Fix the login")


def _approved(sandbox: Sandbox) -> None:
    _spawned(sandbox)
    sandbox.commit(None, "other.py", "other = 1\n", "Do something else")
    sandbox.agent("done", "1")
    sandbox.agent("approve", "1")


def _elsewhere(sandbox: Sandbox) -> None:
    _approved(sandbox)
    sandbox.git("switch", "--quiet", "--create", "side")


def _checked(sandbox: Sandbox) -> None:
    _approved(sandbox)
    sandbox.git("config", "agent.check", "test -f login.py")


def _queue(sandbox: Sandbox) -> None:
    for task in ("1", "2", "3"):
        where = Path(sandbox.agent("spawn", f"Task {task}").out.strip())
        sandbox.commit(where, f"{task}.txt", f"{task}\n", f"Do {task}")
        sandbox.agent("done", task)
    sandbox.agent("approve", "1", "2", "3")
    sandbox.git("config", "agent.check", "test -e 1.txt")


def _queue_elsewhere(sandbox: Sandbox) -> None:
    _queue(sandbox)
    sandbox.git("switch", "--quiet", "--create", "side")
    sandbox.git("worktree", "add", "--quiet", str(sandbox.path.parent / "second"), "main")


def _queue_with_culprit(sandbox: Sandbox) -> None:
    _queue(sandbox)
    sandbox.git("config", "agent.check", "test ! -e 2.txt")


def _conflicting(sandbox: Sandbox) -> None:
    _approved(sandbox)
    sandbox.commit(None, "login.py", "fixed = 'otherwise'\n", "Fix it otherwise")


def _ahead(sandbox: Sandbox) -> None:
    _spawned(sandbox)
    sandbox.agent("done", "1")
    sandbox.agent("approve", "1")


def _cancelled(sandbox: Sandbox) -> None:
    where = Path(sandbox.agent("spawn", "Fix login").out.strip())
    sandbox.commit(where, "login.py", "fixed = True\n", "Fix the login")
    sandbox.write("untracked.txt", "precious\n", cwd=where)
    sandbox.agent("cancel", "1")


def _kept(sandbox: Sandbox) -> None:
    _approved(sandbox)
    sandbox.agent("merge", "1", "--keep")


def _forged(sandbox: Sandbox) -> Path:
    _spawned(sandbox)
    sandbox.agent("init")
    forge = sandbox.path.parent / "forge.git"
    sandbox.git("init", "--quiet", "--bare", str(forge))
    return forge


def _pushed(sandbox: Sandbox) -> None:
    sandbox.git("remote", "add", "origin", str(_forged(sandbox)))
    sandbox.git("push", "--quiet", "origin", "agent/1-fix-login")


def _pushed_to_url(sandbox: Sandbox) -> None:
    """Only the note of the pre-push hook tells of it, and the remote."""
    forge = _forged(sandbox)
    sandbox.git("push", "--quiet", str(forge), "agent/1-fix-login")


def _squashed(sandbox: Sandbox) -> None:
    _spawned(sandbox)
    sandbox.commit(None, "other.py", "other = 1\n", "Do something else")
    sandbox.git("merge", "--quiet", "--squash", "agent/1-fix-login")
    sandbox.git("commit", "--quiet", "--message", "Squashed")


def _rebased(sandbox: Sandbox) -> None:
    """A rebase keeps the approval: it is carried, or it ends, but it is never lost in silence."""
    _approved(sandbox)
    where = Path(sandbox.agent("path", "1").out.strip())
    sandbox.git("rebase", "--quiet", "main", cwd=where)


def _silent(sandbox: Sandbox) -> None:
    """Its worker was missed already: the next look takes the task back."""
    _queued(sandbox)
    sandbox.agent("claim")
    settle(sandbox)
    age(sandbox, 1, 7200, missed_s=60)


def _removed(sandbox: Sandbox) -> None:
    """A failed task with all that a worktree can hold, removed; nothing else can be undone."""
    where = Path(sandbox.agent("spawn", "Fix login").out.strip())
    sandbox.commit(where, "login.py", "fixed = True\n", "Fix the login")
    sandbox.write("untracked.txt", "precious\n", cwd=where)
    sandbox.write("own.log", "ignored\n", cwd=where)
    sandbox.agent("fail", "1", "-m", "too hard")
    sandbox.agent("rm", "1", "--force", "--unmerged")


def _cleaned(sandbox: Sandbox) -> None:
    """Only the clean can be undone: an undo that was killed after its last step would else undo what was before."""
    for name in ("login", "logout"):
        where = Path(sandbox.agent("spawn", f"Fix {name}").out.strip())
        sandbox.commit(where, f"{name}.py", "fixed = True\n")
        sandbox.git("merge", "--quiet", "--no-edit", f"agent/{where.name}")
    sandbox.agent("clean")


def _merged(sandbox: Sandbox) -> None:
    _approved(sandbox)
    sandbox.agent("merge", "1")


def _merged_elsewhere(sandbox: Sandbox) -> None:
    _elsewhere(sandbox)
    sandbox.agent("merge", "1")


def _called_off(sandbox: Sandbox) -> None:
    _spawned(sandbox)
    sandbox.agent("cancel", "1")


def _ailing(sandbox: Sandbox) -> None:
    """What only `doctor` sees."""
    _spawned(sandbox)
    sandbox.agent("list")
    sandbox.store.parent.chmod(0o755)
    context = Path(sandbox.agent("path", "1").out.strip()) / ".worker-ctx.json"
    context.write_text(context.read_text().replace('"task_id": 1', '"task_id": 7'))


_LOGIN = {"1-fix-login/login.py": "fixed = True\n"}
_LOOSE = {"1-fix-login/untracked.txt": "precious\n", "1-fix-login/own.log": "ignored\n"}

SCENES = {
    scene.name: scene
    for scene in (
        Scene("spawn", ("spawn", "Fix login"), _nothing, "ASSIGNED"),
        Scene("spawn-pygit2", ("spawn", "Fix login"), _with_pygit2, "ASSIGNED"),
        Scene("spawn-furnished", ("spawn", "Fix login"), _copying, "ASSIGNED"),
        Scene("spawn-queued", ("spawn", "1"), _queued, "ASSIGNED"),
        Scene("claim", ("claim",), _queued, "ASSIGNED"),
        Scene("claim-again", ("claim",), _released, "ASSIGNED", {}),
        Scene("reassign", ("reassign", "1"), _spawned, "ASSIGNED", _LOGIN),
        Scene("merge", ("merge", "1"), _approved, "COMPLETED"),
        Scene("merge-elsewhere", ("merge", "1"), _elsewhere, "COMPLETED"),
        Scene("merge-squash", ("merge", "1", "--strategy", "squash"), _approved, "COMPLETED"),
        Scene("merge-rebase", ("merge", "1", "--strategy", "rebase"), _approved, "COMPLETED"),
        Scene("merge-rebase-elsewhere", ("merge", "1", "--strategy", "rebase"), _elsewhere, "COMPLETED"),
        Scene("merge-ff", ("merge", "1", "--strategy", "ff"), _ahead, "COMPLETED"),
        Scene("merge-checked", ("merge", "1"), _checked, "COMPLETED"),
        Scene("merge-keep", ("merge", "1", "--keep"), _approved, "COMPLETED", _LOGIN),
        Scene("queue", ("merge", "--all"), _queue, "COMPLETED"),
        Scene("queue-elsewhere", ("merge", "--all"), _queue_elsewhere, "COMPLETED"),
        Scene("queue-culprit", ("merge", "--all"), _queue_with_culprit, "COMPLETED WORKING"),
        Scene("merge-conflict", ("merge", "1"), _conflicting, "WORKING", _LOGIN),
        Scene("rm", ("rm", "1", "--force", "--unmerged"), _cancelled, "CANCELLED"),
        Scene("clean", ("clean",), _kept, "COMPLETED"),
        Scene("sync-first", ("sync",), _spawned, "WORKING"),
        Scene("sync-pushed", ("sync",), _pushed, "IN_REVIEW"),
        Scene("sync-asked", ("sync",), _pushed_to_url, "IN_REVIEW"),
        Scene("sync-squashed", ("sync",), _squashed, "COMPLETED"),
        Scene("sync-carried", ("sync",), _rebased, "APPROVED"),
        Scene("list-reaps", ("list",), _silent, "OPEN"),
        Scene("done-rebase", ("done", "1", "--rebase"), _spawned, "IN_REVIEW", _LOGIN),
        Scene("undo-rm", ("undo",), _removed, "FAILED", {**_LOGIN, **_LOOSE}),
        Scene("undo-clean", ("undo",), _cleaned, "COMPLETED"),
        Scene("undo-merge", ("undo",), _merged, "APPROVED", _LOGIN),
        Scene("undo-merge-elsewhere", ("undo",), _merged_elsewhere, "APPROVED", _LOGIN),
        Scene("undo-cancel", ("undo",), _called_off, "WORKING", _LOGIN),
        Scene("rescue-restore", ("rescue", "restore", "1/1"), _removed, "FAILED"),
        Scene("rescue-prune", ("rescue", "prune", "--older-than", "0s", "--yes"), _removed, "FAILED"),
        Scene("doctor-fix", ("doctor", "--fix"), _ailing, "WORKING", _LOGIN),
        *TRANSACTIONS,
    )
}
