"""Ways to break a repository, each with what `doctor` must find: real files, real rows, real git."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from tests.sandbox import Sandbox
from tests.tables import change

LONG_AGO = 1_700_000_000


@dataclass(frozen=True)
class Break:
    """One way. codes: of the findings that it makes; left: those of them that --fix leaves to a person; batch: breaks
    of one batch don't touch each other.
    """

    do: Callable[[Sandbox], None]
    codes: frozenset[str]
    left: frozenset[str]
    batch: str


def prepare(sandbox: Sandbox) -> None:
    """Make tasks in most states: 1 WORKING, 2 APPROVED, 3 OPEN after 1, 4 COMPLETED and kept, 5 WORKING; a secret."""
    sandbox.write(".env", "SECRET=1\n").chmod(0o600)
    sandbox.git("config", "agent.copy", ".env")
    sandbox.agent("init")
    for title in ("Fix login", "Write docs"):
        sandbox.agent("spawn", title)
    sandbox.agent("add", "Deploy", "--after", "1")
    for title in ("Add colours", "Sort sums"):
        sandbox.agent("spawn", title)
    for number, verbs in ((1, ()), (2, ("done", "approve")), (4, ("done", "approve", "merge")), (5, ())):
        where = sandbox.worktree(number)
        sandbox.commit(where, f"work-{number}.txt", f"{number}\n", f"Work on {number}")
        for verb in verbs:
            sandbox.agent(verb, str(number), *(["--keep"] if verb == "merge" else []))
    sandbox.agent("send", "1", "How far are you?")
    sandbox.agent("list")


def sql(*statements: str) -> Callable[[Sandbox], None]:
    """Write to the store as any program could."""

    def do(sandbox: Sandbox) -> None:
        change(sandbox.store, *statements)

    return do


def old(sandbox: Sandbox, *paths: str) -> None:
    """Make files in the git directory that were last touched long ago."""
    for path in paths:
        file = sandbox.write(f".git/{path}", "")
        os.utime(file, (LONG_AGO, LONG_AGO))


def _lost_index_rows(sandbox: Sandbox) -> None:
    """While its definition says otherwise, an index is not kept; then it is defined as before."""
    message = "INSERT INTO message (sender, urgent, needs_ack, body, verified, sent_at) VALUES ('x', 0, 0, 'x', 0, 1)"
    for condition, then in ((" WHERE 0", message), ("", "SELECT 1")):
        text = f"sql = 'CREATE INDEX message_task ON message (task, id){condition}'"
        sql("PRAGMA writable_schema=ON", f"UPDATE sqlite_schema SET {text} WHERE name = 'message_task'")(sandbox)
        sql(then)(sandbox)


def _registered(sandbox: Sandbox, name: str, *, half: bool) -> None:
    home = sandbox.path.parent / f"{sandbox.path.name}.worktrees"
    reason = ("--lock", "--reason", "git-agent: task 9")
    sandbox.git("worktree", "add", "--quiet", "--detach", *reason, str(home / name), "main")
    if half:  # killed a while ago: what is being made just now is left alone
        (sandbox.path / f".git/worktrees/{name}/index").unlink()
        (home / name / "README.md").unlink()
    os.utime(sandbox.path / f".git/worktrees/{name}/commondir", (LONG_AGO, LONG_AGO))


def _without_head(sandbox: Sandbox) -> None:
    _registered(sandbox, "9-headless", half=False)
    (sandbox.path / ".git/worktrees/9-headless/HEAD").unlink()


def _without_row(sandbox: Sandbox) -> None:
    tables = ("lease WHERE task", "attempt WHERE task", "task WHERE id")
    sql("DELETE FROM delivery", *(f"DELETE FROM {table} = 5" for table in tables))(sandbox)


def _without_hooks(sandbox: Sandbox) -> None:
    shutil.rmtree(sandbox.path / ".git/hooks")
    for section in ("include", "includeIf.gitdir:worktrees/[0-9]*-*"):
        sandbox.git("config", "--remove-section", section, check=False)


def _context(sandbox: Sandbox, how: str) -> None:
    where = sandbox.worktree(5)
    path = where / ".worker-ctx.json"
    if how == "wrong":
        path.write_text(path.read_text().replace('"task_id": 5', '"task_id": 6'))
        return
    path.unlink()
    if how == "foreign":
        path.symlink_to(sandbox.write("victim.log", "precious\n"))


def _excluded(sandbox: Sandbox) -> None:
    exclude = sandbox.path / ".git/info/exclude"
    exclude.write_text("".join(line for line in exclude.read_text().splitlines(True) if "worker-ctx" not in line))


def _git(*args: str, task: int | None = None) -> Callable[[Sandbox], None]:
    def do(sandbox: Sandbox) -> None:
        sandbox.git(*args, cwd=None if task is None else sandbox.worktree(task))

    return do


def _emptied(sandbox: Sandbox) -> None:
    sandbox.agent("done", "5")
    sandbox.git("reset", "--quiet", "--hard", "main~1", cwd=sandbox.worktree(5))


def _without_commit(sandbox: Sandbox) -> None:
    sandbox.commit(sandbox.worktree(5), "lost.txt", "lost\n")
    _delete_object(sandbox, sandbox.git("rev-parse", "agent/5-sort-sums"))


def _unreadable_tag(sandbox: Sandbox) -> None:
    oid = sandbox.git("commit-tree", "-m", "lost", "main^{tree}")
    sandbox.git("tag", "lost", oid)
    _delete_object(sandbox, oid)


def _hide_history(sandbox: Sandbox) -> None:
    sandbox.write(".git/shallow", sandbox.git("rev-parse", "main") + "\n")


def _borrow_objects(sandbox: Sandbox) -> None:
    lent = sandbox.worktree(5) / ".objects"
    lent.mkdir()
    sandbox.write(".git/objects/info/alternates", f"{lent}\n")


def _delete_object(sandbox: Sandbox, oid: str) -> None:
    (sandbox.path / f".git/objects/{oid[:2]}/{oid[2:]}").unlink()


def _gone(sandbox: Sandbox) -> None:
    """A person removed both, and `rm` of ours was never run."""
    sandbox.git("worktree", "remove", "--force", str(sandbox.worktree(4)))
    sandbox.git("branch", "--quiet", "-D", "agent/4-add-colours")


_OURS = ("update-ref", "--create-reflog", "-m", "branch: Created by git agent")
_LATE = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) - 7200000"
_DEAD = "(SELECT host FROM intent), 'another boot', 1, 1"
_LOCK = "name, fence, host, boot_id, pid, pid_start, taken_at"
_INTENT = "INSERT INTO intent (kind, task, data, host, boot_id, pid, pid_start, at) VALUES"


def _break(batch: str, codes: str, do: Callable[[Sandbox], None], *, left: bool | str = False) -> Break:
    every = frozenset(codes.split())
    stays = every if left is True else frozenset(left.split()) if left else frozenset()
    return Break(do, every, stays, batch)


def _host() -> str:
    return os.uname().nodename


_SILENT = (
    "INSERT INTO session (task, epoch, host, boot_id, pid, pid_start, started_at, machine, pid_namespace, expires_at)"
    " VALUES (3, 1, 'h', 'b', 1, 1, 1, 'm', 'n', 1)"
)
_ENDED = (
    "INSERT INTO session (task, epoch, host, boot_id, pid, pid_start, started_at, ended_at)"
    " VALUES (1, 1, 'h', 'b', 1, 1, 1, 2)"
)


BREAKS = {
    "modes of the directory": _break("a", "store-modes", lambda s: (s.path / ".git/git-agent").chmod(0o755)),
    "modes of the database": _break("b", "store-modes", lambda s: (s.path / ".git/git-agent/agent.db").chmod(0o644)),
    "second name of the database": _break(
        "b", "store-linked", lambda s: os.link(s.path / ".git/git-agent/agent.db", s.path / "other.log"), left=True
    ),
    "row of no task": _break("a", "store-dangling", sql("INSERT INTO path_claim VALUES (99, 'src')")),
    "lock of a dead process": _break(
        "a",
        "store-lock",
        sql(f"INSERT OR REPLACE INTO lock ({_LOCK}) VALUES ('reap', 9, '{_host()}', 'another boot', 1, 1, {_LATE})"),
    ),
    "index that lacks rows": _break("c", "store-index", _lost_index_rows),
    "blob in a message": _break("b", "store-mistyped", sql("UPDATE message SET body = x'ff' WHERE id = 1"), left=True),
    "rollback journal": _break("b", "store-journal", sql("PRAGMA journal_mode=DELETE")),
    "intent of a dead process": _break(
        "b", "interrupted", sql(f"{_INTENT} ('spawn', 3, '{{\"new\": false}}', '{_host()}', 'another boot', 1, 1, 1)")
    ),
    "branch deleted": _break("a", "branch-gone", _git("update-ref", "-d", "refs/heads/agent/1-fix-login")),
    "branch that git can't read": _break("h", "branch-damaged", _without_commit, left=True),
    "tag that git can't read": _break("i", "ref-damaged", _unreadable_tag, left=True),
    "branch renamed": _break("b", "branch-renamed", _git("branch", "-m", "agent/1-fix-login", "mine"), left=True),
    "branch of nobody": _break("b", "branch-orphan", _git(*_OURS, "refs/heads/agent/77-x", "main"), left=True),
    "branch in two worktrees": _break(
        "c", "branch-twice", _git("worktree", "add", "--quiet", "--force", "../twice", "agent/1-fix-login"), left=True
    ),
    "base deleted": _break("b", "base-gone", sql("UPDATE task SET base = 'gone' WHERE id = 3"), left=True),
    "registration deleted": _break(
        "d",
        "worktree-removed directory-orphan",
        lambda s: shutil.rmtree(s.path / ".git/worktrees/1-fix-login"),
        left=True,
    ),
    "worktree deleted": _break("e", "worktree-gone", lambda s: shutil.rmtree(s.worktree(1)), left=True),
    "branch in review set back": _break("f", "handed-in-gone", _emptied, left=True),
    "session of a silent container": _break("a", "worker-silent", sql(_SILENT), left=True),
    "lease deleted": _break("f", "nobody-works", sql("DELETE FROM lease WHERE task = 1", _ENDED), left=True),
    "base set back behind a merge": _break("f", "merge-lost", _git("reset", "--quiet", "--hard", "main~1"), left=True),
    "commit replaced": _break("c", "objects-replaced", _git("replace", "main", "main~1"), left=True),
    "history hidden": _break("e", "objects-replaced", _hide_history, left=True),
    "objects in a worktree": _break("c", "objects-borrowed", _borrow_objects, left=True),
    "another branch in a worktree": _break(
        "e", "worktree-switched", _git("switch", "--quiet", "--create", "side", task=5), left=True
    ),
    "worktree's .git deleted": _break("c", "worktree-unlinked", lambda s: (s.worktree(1) / ".git").unlink()),
    "worktree led to another repository": _break(
        "j",
        "worktree-misled",
        lambda s: s.write(".git/worktrees/5-sort-sums/commondir", "../../../elsewhere\n") and None,
    ),
    "worktree with programs of its own": _break(
        "i",
        "worktree-configured",
        lambda s: s.write(".git/worktrees/5-sort-sums/config.worktree", "[core]\n\tpager = less\n") and None,
        left=True,
    ),
    "worktree unlocked": _break(
        "a", "worktree-unlocked", lambda s: s.git("worktree", "unlock", str(s.worktree(5))) and None
    ),
    "worktree locked as initializing": _break(
        "b",
        "worktree-unlocked",
        lambda s: (s.path / ".git/worktrees/5-sort-sums/locked").write_text("initializing\n") and None,
    ),
    "worktree half made": _break("a", "worktree-half", lambda s: _registered(s, "9-half", half=True)),
    "registration without gitdir": _break(
        "b", "worktree-empty", lambda s: old(s, "worktrees/9-empty/commondir"), left=True
    ),
    "registration without HEAD": _break("c", "worktree-empty", _without_head, left=True),
    "worktree of nobody": _break("b", "worktree-orphan", lambda s: _registered(s, "9-whole", half=False), left=True),
    "trash that nothing names": _break(
        "a", "trash-left", lambda s: s.write("../my repo.worktrees/.trash-1-a/file", "") and None, left=True
    ),
    "old locks": _break(
        "a", "lock-stale", lambda s: old(s, "index.lock", "refs/heads/x.lock", "worktrees/1-fix-login/index.lock")
    ),
    "scratch of a dead process": _break("b", "scratch-left", lambda s: old(s, "git-agent/scratch/99999999-a.alive")),
    "state rewritten": _break("a", "state-differs", sql("UPDATE task SET state = 'FAILED' WHERE id = 3")),
    "epoch and version rewritten": _break(
        "e", "state-differs", sql("UPDATE task SET epoch = 7, version = 9 WHERE id = 2")
    ),
    "event that does not follow": _break(
        "c",
        "history-broken",
        sql(
            "INSERT INTO event (at, kind, task, actor, source, target, epoch, version, data)"
            " VALUES (1, 'task.started', 2, 'x', 'ASSIGNED', 'WORKING', 0, 77, '{}')"
        ),
        left=True,
    ),
    "task row deleted": _break(
        "d", "task-lost branch-orphan worktree-orphan", _without_row, left="branch-orphan worktree-orphan"
    ),
    "approval rewritten": _break(
        "a", "approval-unbound", sql(f"UPDATE task SET reviewed_oid = '{'a' * 40}' WHERE id = 2")
    ),
    "attempt deleted": _break("c", "attempt-missing", sql("DELETE FROM attempt WHERE task = 5"), left=True),
    "attempt removed by hand": _break("a", "attempt-bare", _gone),
    "parent that is not there": _break("a", "dependency-missing", sql("INSERT INTO task_dep VALUES (3, 99)")),
    "cycle of dependencies": _break(
        "b",
        "dependency-cycle",
        sql("INSERT INTO task_dep VALUES (1, 3)", "UPDATE task SET unresolved = 1 WHERE id = 1"),
        left=True,
    ),
    "wrong count of dependencies": _break("c", "dependency-count", sql("UPDATE task SET unresolved = 5 WHERE id = 3")),
    "claim that git can't read": _break(
        "b", "claim-unreadable", sql("INSERT INTO path_claim VALUES (2, ':(bogus)')"), left=True
    ),
    "lease of an open task": _break(
        "a", "lease-stray", sql("INSERT INTO lease VALUES (3, 'hand', NULL, 1, 1, NULL, NULL, NULL)")
    ),
    "hooks deleted": _break("a", "hooks-missing", _without_hooks),
    "hook script deleted": _break(
        "b", "hooks-script", lambda s: (s.path / ".git/git-agent/hooks/post-commit").unlink()
    ),
    "pre-push without git-lfs": _break(
        "b", "hooks-lfs", lambda s: (s.path / ".git/lfs/objects/ab").mkdir(parents=True), left=True
    ),
    "program of the hooks gone": _break(
        "c", "hooks-program", lambda s: (s.path / ".git/git-agent/program").write_text("/nowhere/git-agent\n") and None
    ),
    "message to nobody": _break("a", "message-nobody", sql("UPDATE delivery SET recipient = '99'")),
    "urgent message unread": _break(
        "b",
        "message-unread",
        sql(f"UPDATE message SET urgent = 1, sent_at = {_LATE}"),
        left=True,
    ),
    "context file deleted": _break("a", "context-missing", lambda s: _context(s, "missing")),
    "context file a link": _break("b", "context-foreign", lambda s: _context(s, "foreign")),
    "context file of another task": _break("e", "context-wrong", lambda s: _context(s, "wrong")),
    "context file tracked": _break(
        "d", "context-tracked", _git("add", "--force", ".worker-ctx.json", task=2), left=True
    ),
    "context file not excluded": _break("a", "context-included", _excluded),
    "secret not ignored": _break(
        "b", "secret-unignored", lambda s: s.write(".gitignore", "*.log\n", cwd=s.worktree(2)) and None
    ),
    "secret staged": _break("a", "secret-tracked", _git("add", "--force", ".env", task=2), left=True),
    "secret readable by others": _break("c", "secret-open", lambda s: (s.worktree(2) / ".env").chmod(0o644)),
    "setting that means nothing": _break(
        "b",
        "config-invalid",
        lambda s: (
            [s.git("config", f"agent.{k}", "bogus") for k in ("pathClaims", "mergeStrategy", "maxMessage")] and None
        ),
        left=True,
    ),
}
