"""What can be wrong, as data: each code once, with why it matters and the command that mends it.

docs/doctor.md is printed from RULES; `doctor --fix` does what `mends` says.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Group(StrEnum):
    """Where something is wrong, in the order of the report."""

    STORE = "store"
    GIT = "git"
    TASKS = "tasks"
    HOOKS = "hooks"
    MESSAGES = "messages"
    FILES = "files"
    CONFIGURATION = "configuration"


class Rule(NamedTuple):
    """One kind of trouble. sign: what is seen; why: it matters; fix: the command, in which {task}, {subject} (a path, a
    name) and {helps} are filled in; mends: `doctor --fix` does it.
    """

    group: Group
    sign: str
    why: str
    fix: str
    mends: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. what: in words; task: whose, if anybody's; subject: the path, name or row it is about;
    helps: the command, where the rule leaves it open; data: what a fix needs to know.
    """

    code: str
    what: str
    task: int | None = None
    subject: str = ""
    helps: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int | None, str]:
        """Tell it from other findings, and know it again at another look."""
        return self.code, self.task, self.subject

    @property
    def rule(self) -> Rule:
        """Look its code up."""
        return RULES[self.code]

    @property
    def group(self) -> Group:
        """Say where it belongs; what could not be examined is a group itself."""
        return Group(self.subject) if self.code == "not-examined" and self.subject in list(Group) else self.rule.group

    @property
    def fix(self) -> str:
        """Name the command that mends it."""
        return self.rule.fix.format(task=self.task, subject=shlex.quote(self.subject), helps=self.helps)


DOCTOR = "git agent doctor --fix"
_S, _G, _T, _H, _M, _F, _C = Group

# fmt: off
RULES: Mapping[str, Rule] = {
    # The store: what can't be opened has the code and the hint of the error that says so.
    "no-store": Rule(_S, "there is no store",
        "no task can be given out before there is one", "{helps}"),
    "sqlite-unsound": Rule(_S, "the SQLite library has the WAL-reset bug",
        "it can corrupt a store that several processes write", "{helps}"),
    "store-foreign": Rule(_S, "something else stands in the store's place",
        "no task can be given out, handed in or merged while the store can't be used", "{helps}"),
    "store-corrupt": Rule(_S, "the store's file is no sound database",
        "no task can be given out, handed in or merged while the store can't be used",
        "sqlite3 {subject}/agent.db .recover >saved.sql, for what can still be read; then mv {subject} {subject}.bad,"
        " then git agent init"),
    "store-newer": Rule(_S, "a newer git agent wrote the store",
        "this one would not understand what is in it", "{helps}"),
    "store-older": Rule(_S, "an older git agent wrote the store",
        "its tasks can't be examined before it is brought up to date", "git agent sync", True),
    "store-not-readable": Rule(_S, "the store can't be read",
        "no task can be given out, handed in or merged while the store can't be used", "{helps}"),
    "store-not-writable": Rule(_S, "the store can't be written",
        "commands can look, and record nothing", "{helps}"),
    "store-busy": Rule(_S, "the store stays locked",
        "no task can be given out, handed in or merged while the store can't be used", "{helps}"),
    "store-io": Rule(_S, "reading the store fails",
        "no task can be given out, handed in or merged while the store can't be used", "{helps}"),
    "store-failed": Rule(_S, "the store fails",
        "no task can be given out, handed in or merged while the store can't be used", "{helps}"),
    "store-stopped": Rule(_S, "a stopped process holds the write lock",
        "no other command can write until it goes on", "{helps}"),
    "store-damaged": Rule(_S, "the database's own check finds damage",
        "what was recorded may be lost, and more of it with every write",
        "cp -a {subject} {subject}.damaged, then sqlite3 {subject} .recover into a new file"),
    "store-mistyped": Rule(_S, "a value in the database is not of its column's type",
        "commands that read the row fail", "{helps}"),
    "store-index": Rule(_S, "an index of the database lacks rows, or has too many",
        "queries by it give wrong answers; the rows themselves are sound", DOCTOR, True),
    "store-dangling": Rule(_S, "a row belongs to a task or message that does not exist",
        "nobody can reach it, and a new row in its place would be refused", DOCTOR, True),
    "store-modes": Rule(_S, "the store is open to others",
        "others on this host could read or change tasks, messages and hooks", DOCTOR, True),
    "store-linked": Rule(_S, "the database has a second name",
        "each name has a write-ahead log of its own: what is written under both corrupts it", "{helps}"),
    "store-wal": Rule(_S, "the write-ahead log is large",
        "each command reads it, and a crash takes long to recover from", DOCTOR, True),
    "store-journal": Rule(_S, "the journal does not suit the file system",
        "WAL needs memory that all hosts share, and corrupts over a network; elsewhere readers wait without it",
        DOCTOR, True),
    "store-holder": Rule(_S, "another program has the database open",
        "its SQLite may have the WAL-reset bug, and a plain copy or editor drops the locks that protect it",
        "{helps}"),
    "store-replaced": Rule(_S, "a process works on a database that was deleted or replaced",
        "what it records is lost", "{helps}"),
    "store-lock": Rule(_S, "a named lock is held by a process that is gone",
        "from another host it would be respected until its time is up", DOCTOR, True),
    "not-examined": Rule(_S, "something could not be examined",
        "what is wrong there is not known", "{helps}"),
    # Git.
    "interrupted": Rule(_G, "a command died half way",
        "a branch, a worktree or a merge is half made", "git agent sync", True),
    "stopped-half-way": Rule(_G, "a command is stopped half way",
        "what it holds is busy until it goes on or ends", "{helps}"),
    "branch-gone": Rule(_G, "a live task's branch was deleted",
        "its work can't be handed in, and git will forget its commits", DOCTOR, True),
    "branch-lost": Rule(_G, "a live task's branch and its last commit are gone",
        "there is nothing left to hand in", "git agent reassign {task}"),
    "branch-renamed": Rule(_G, "a live task's branch was renamed",
        "its commits are looked for under the old name", "{helps}"),
    "branch-orphan": Rule(_G, "a branch of ours belongs to no task",
        "nobody will merge or remove it", "{helps}"),
    "branch-twice": Rule(_G, "one branch is checked out in two worktrees",
        "a commit in one shows as reversed changes in the other", "{helps}"),
    "base-gone": Rule(_G, "the branch that a task goes into is gone",
        "it can't be merged", "git agent edit {task} --base BRANCH"),
    "worktree-removed": Rule(_G, "a live task's worktree is not registered any more",
        "its worker can't commit", "{helps}"),
    "worktree-gone": Rule(_G, "a live task's worktree was deleted",
        "whoever goes on with it has nowhere to work", "{helps}"),
    "worktree-moved": Rule(_G, "repository and worktrees were moved together",
        "git finds neither from the other", DOCTOR, True),
    "worktree-unlinked": Rule(_G, "a live task's worktree has lost its .git file, or it is damaged",
        "git does not work in it, or works on another repository", DOCTOR, True),
    "worktree-covered": Rule(_G, "something else stands in the place of a worktree's .git file",
        "git does not work in it, or works on another repository", "{helps}"),
    "repository-moved": Rule(_G, "a worktree does not find its repository, which was moved",
        "git does not work in it", DOCTOR, True),
    "repository-copied": Rule(_G, "this repository was copied with its store",
        "its worktrees belong to the original: both stores would claim one task",
        "here in the copy: git agent deinit --purge --yes, then {helps}"),
    "worktree-switched": Rule(_G, "a worker's worktree is on another branch",
        "commits made there are not the task's", "{helps}"),
    "worktree-unlocked": Rule(_G, "a live task's worktree is not locked",
        "`git worktree prune` or `remove` may take it away", DOCTOR, True),
    "worktree-half": Rule(_G, "a worktree was left half made",
        "its place and branch are taken; nobody but its own process would ever take it away", DOCTOR, True),
    "worktree-orphan": Rule(_G, "a worktree of ours belongs to no task",
        "there may be work in it; nobody but its own process would ever take it away", "{helps}"),
    "directory-orphan": Rule(_G, "a former worktree's directory stands without its registration",
        "git does not work in it, and there may be work in it", "{helps}"),
    "scratch-left": Rule(_G, "scratch files of a dead process are left",
        "they take space, and a registration", "git agent sync", True),
    "lock-stale": Rule(_G, "a lock file of git is old and nobody has it open",
        "git refuses to change what it locks", DOCTOR, True),
    "lock-stopped": Rule(_G, "a stopped process holds a lock file of git",
        "git refuses to change what it locks", "{helps}"),
    # Tasks.
    "state-differs": Rule(_T, "a task's state is not what its events say",
        "somebody changed the row: what it may do next is wrong", DOCTOR, True),
    "history-broken": Rule(_T, "a task's events do not follow from each other",
        "its state can't be proved; somebody wrote to the store", "git agent log {task}"),
    "task-lost": Rule(_T, "there are events of a task that is not there",
        "somebody deleted it; its branch belongs to nobody", DOCTOR, True),
    "approval-unbound": Rule(_T, "an approval is for another commit than the branch's tip",
        "what was not reviewed could be taken for reviewed", DOCTOR, True),
    "attempt-missing": Rule(_T, "a live task has no record of its attempt",
        "nobody can work on it", "git agent reassign {task}"),
    "attempt-bare": Rule(_T, "an attempt's branch and worktree are both gone",
        "it is listed as something to be removed", DOCTOR, True),
    "claim-unreadable": Rule(_T, "git can't read a task's path claim",
        "nobody is warned of what overlaps with it", "git agent edit {task} --path PATHSPEC"),
    "dependency-missing": Rule(_T, "a task waits for one that does not exist",
        "it can never be claimed", DOCTOR, True),
    "dependency-cycle": Rule(_T, "tasks wait for each other",
        "none of them can ever be claimed", "git agent edit {task} --after ''"),
    "dependency-count": Rule(_T, "the count of what a task waits for is wrong",
        "it is claimed too early, or never", DOCTOR, True),
    "lease-stray": Rule(_T, "a task that nobody works on has a lease",
        "it would be shown as alive, or be taken back", DOCTOR, True),
    "worker-left": Rule(_T, "a dead supervisor left its command running",
        "two agents may work in one worktree", "git agent sync", True),
    # Hooks.
    "hooks-missing": Rule(_H, "git does not run our hooks",
        "git goes on, but what happens there is noticed by the next command only", "git agent init", True),
    "hooks-script": Rule(_H, "a hook script of ours is missing, changed or not executable",
        "git goes on, but what happens there is noticed by the next command only", "git agent init", True),
    "hooks-unchained": Rule(_H, "the user's own hook that ours runs is gone",
        "it does not run any more", "{helps}"),
    "hooks-program": Rule(_H, "the hooks start a program that is gone",
        "git goes on, but what happens there is noticed by the next command only", "git agent init", True),
    "hooks-other": Rule(_H, "the hooks start another git-agent than the one that runs",
        "two versions work on one store", "{helps}"),
    "path-foreign": Rule(_H, "another program named git-agent comes first on PATH",
        "`git agent` starts that one", "{helps}"),
    "path-other": Rule(_H, "another installation of git agent comes first on PATH",
        "`git agent` starts that one", "{helps}"),
    # Messages.
    "message-nobody": Rule(_M, "a message waits for a task that is not there",
        "nobody will ever read it", DOCTOR, True),
    "message-unread": Rule(_M, "an urgent message was not read for an hour",
        "somebody waits for an answer", "{helps}"),
    # Files.
    "context-missing": Rule(_F, "a worker's worktree has no context file",
        "agents there do not know their task", DOCTOR, True),
    "context-foreign": Rule(_F, "something else stands in the context file's place",
        "agents there do not know their task", DOCTOR, True),
    "context-wrong": Rule(_F, "a context file can't be read, or names another task, branch or place",
        "an agent there does not know its task, or works on the wrong one", DOCTOR, True),
    "context-tracked": Rule(_F, "a context file is tracked",
        "each worker's commit carries it into the base", "{helps}"),
    "context-included": Rule(_F, "context files are not kept out of commits",
        "`git add .` takes them into a commit", DOCTOR, True),
    "secret-unignored": Rule(_F, "a copied file is not ignored in a worktree",
        "`git add .` takes a secret into a commit", DOCTOR, True),
    "secret-tracked": Rule(_F, "a copied file is tracked or staged in a worktree",
        "a secret is about to be published", "{helps}"),
    "secret-open": Rule(_F, "a copied file is readable by others, unlike its original",
        "a secret is open on this host", DOCTOR, True),
    # Configuration.
    "config-invalid": Rule(_C, "a setting has a value that means nothing",
        "a command that needs it fails, maybe in the middle of somebody's work", "{helps}"),
}
# fmt: on

LASTING: Mapping[str, str] = {
    "store-dangling": "what it belonged to is gone; the row is in the event",
    "dependency-missing": "what it belonged to is gone; the row is in the event",
    "dependency-count": "it follows from what the task waits for",
    "store-wal": "all that the log held is in the database",
    "store-index": "an index is made of the rows",
    "store-lock": "its holder is gone",
    "store-modes": "nobody wants the store open to others again; chmod opens it",
    "secret-open": "nobody wants a secret open to others again; chmod opens it",
    "approval-unbound": "git agent approve gives it anew",
    "hooks-missing": "git agent deinit takes the hooks out",
    "hooks-script": "git agent deinit takes the hooks out",
    "hooks-program": "git agent deinit takes the hooks out",
    "repository-moved": "where it was before is not there any more",
    "worktree-moved": "where it was before is not there any more",
    "worktree-unlinked": "without its .git file the worktree is of no use",
    "message-nobody": "nobody was there to read them; the messages are kept",
    "task-lost": "the task was gone before; its events stay",
    "worktree-half": "it held nothing but what the branch has",
}
"""Fixes that leave nothing to take back, and why."""
