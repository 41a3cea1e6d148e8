"""What doctor can find, as data: for each code what is wrong, why it matters, and the command that fixes it.

docs/doctor.md is printed from RULES. `doctor --fix` fixes the findings whose rule has `fixable`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from git_agent.record import Record


class Group(StrEnum):
    """The groups of findings, in the order of the report."""

    STORE = "store"
    GIT = "git"
    TASKS = "tasks"
    HOOKS = "hooks"
    MESSAGES = "messages"
    FILES = "files"
    CONFIGURATION = "configuration"


class Rule(Record):
    """The rule for one code.

    symptom: what is wrong
    why: why it matters
    fix: the command that fixes it, with the placeholders {task}, {subject} (a path or name) and {hint}
    fixable: whether `doctor --fix` fixes it
    """

    group: Group
    symptom: str
    why: str
    fix: str
    fixable: bool = False


_NO_DATA: Mapping[str, Any] = MappingProxyType({})


class Finding(Record):
    """One thing that is wrong.

    what: in words
    task: the task it belongs to, if any
    subject: the path, name or row that it is about
    hint: the command that fixes it, where the rule does not say it
    data: what a fix needs to know
    """

    code: str
    what: str
    task: int | None = None
    subject: str = ""
    hint: str = ""
    data: Mapping[str, Any] = _NO_DATA

    @property
    def key(self) -> tuple[str, int | None, str]:
        """Return what identifies it, in this and in a later examination."""
        return self.code, self.task, self.subject

    @property
    def rule(self) -> Rule:
        """Return the rule of its code."""
        return RULES[self.code]

    @property
    def group(self) -> Group:
        """Return its group. A finding that a whole group could not be examined belongs to that group."""
        return Group(self.subject) if self.code == "not-examined" and self.subject in list(Group) else self.rule.group

    @property
    def fix(self) -> str:
        """Return the command that fixes it."""
        return self.rule.fix.format(task=self.task, subject=shlex.quote(self.subject), hint=self.hint)


DOCTOR = "git agent doctor --fix"
_S, _G, _T, _H, _M, _F, _C = Group

# fmt: off
RULES: Mapping[str, Rule] = {
    # The store: one that can't be opened has the code and the hint of that error.
    "no-store": Rule(_S, "there is no store", "no task can be created without a store", "{hint}"),
    "sqlite-unsound": Rule(_S, "the SQLite library has the WAL-reset bug",
        "the bug can corrupt a store that several processes write to", "{hint}"),
    "store-foreign": Rule(_S, "the store's path is taken by something else",
        "no task can be started, handed in or merged until the store works again", "{hint}"),
    "store-corrupt": Rule(_S, "the store's file is not a valid database",
        "no task can be started, handed in or merged until the store works again",
        "sqlite3 {subject}/agent.db .recover >saved.sql saves what is still readable; then mv {subject} {subject}.bad,"
        " then git agent init"),
    "store-newer": Rule(_S, "a newer git agent wrote the store",
        "this version does not understand its contents", "{hint}"),
    "store-older": Rule(_S, "an older git agent wrote the store",
        "its tasks can't be examined until it is upgraded", "git agent sync", True),
    "store-not-readable": Rule(_S, "the store can't be read",
        "no task can be started, handed in or merged until the store works again", "{hint}"),
    "store-not-writable": Rule(_S, "the store can't be written",
        "commands can read, but record nothing", "{hint}"),
    "store-busy": Rule(_S, "the store stays locked",
        "no task can be started, handed in or merged until the store works again", "{hint}"),
    "store-io": Rule(_S, "reading the store fails",
        "no task can be started, handed in or merged until the store works again", "{hint}"),
    "store-failed": Rule(_S, "the store fails",
        "no task can be started, handed in or merged until the store works again", "{hint}"),
    "store-stopped": Rule(_S, "a stopped process holds the write lock",
        "no other command can write until it continues", "{hint}"),
    "store-damaged": Rule(_S, "the database's integrity check finds damage",
        "records may be lost, and every write may lose more",
        "cp -a {subject} {subject}.damaged, then sqlite3 {subject} .recover into a new file"),
    "store-mistyped": Rule(_S, "a value in the database does not have its column's type",
        "commands that read the row fail", "{hint}"),
    "store-index": Rule(_S, "an index of the database has too few or too many rows",
        "queries that use it give wrong answers; the rows themselves are intact", DOCTOR, True),
    "store-dangling": Rule(_S, "a row belongs to a task or message that does not exist",
        "nothing can reach it, and a new row in its place would be refused", DOCTOR, True),
    "store-modes": Rule(_S, "other users can access the store",
        "others could read or change tasks, messages and hooks", DOCTOR, True),
    "store-linked": Rule(_S, "the database has a second name",
        "each name has its own write-ahead log, and writing under both names corrupts the database", "{hint}"),
    "store-wal": Rule(_S, "the write-ahead log is large",
        "every command reads it, and recovery from a crash takes long", DOCTOR, True),
    "store-journal": Rule(_S, "the journal mode does not suit the file system",
        "on a network file system, WAL corrupts the database; on a local one, readers wait without WAL",
        DOCTOR, True),
    "store-holder": Rule(_S, "another program has the database open",
        "its SQLite may have the WAL-reset bug; a plain copy or an editor drops the locks that protect the file",
        "{hint}"),
    "store-replaced": Rule(_S, "a process uses a database that was deleted or replaced",
        "everything that the process records is lost", "{hint}"),
    "store-lock": Rule(_S, "a named lock is held by a process that is gone",
        "other hosts respect the lock until it times out", DOCTOR, True),
    "not-examined": Rule(_S, "something could not be examined",
        "problems there stay unknown", "{hint}"),
    # Git.
    "interrupted": Rule(_G, "a command died halfway",
        "a branch, a worktree or a merge is incomplete", "git agent sync", True),
    "stopped-half-way": Rule(_G, "a command is stopped halfway",
        "what the command locked stays busy until it continues or ends", "{hint}"),
    "branch-gone": Rule(_G, "a live task's branch was deleted",
        "its work can't be handed in, and git will eventually delete its commits", DOCTOR, True),
    "branch-lost": Rule(_G, "a live task's branch and its last commit are gone",
        "its work is lost, so there is nothing to hand in", "git agent reassign {task}"),
    "branch-damaged": Rule(_G, "git can't read a live task's branch: an object is missing or damaged",
        "its work can't be handed in, and some git commands fail for the whole repository", "{hint}"),
    "ref-damaged": Rule(_G, "a ref names a commit that is missing or damaged",
        "git commands that read all branches fail, and a task on it can't be merged", "{hint}"),
    "branch-renamed": Rule(_G, "a live task's branch was renamed",
        "git agent looks for its commits under the old name", "{hint}"),
    "branch-orphan": Rule(_G, "a branch with our prefix belongs to no task",
        "nothing will merge or remove it", "{hint}"),
    "branch-twice": Rule(_G, "one branch is checked out in two worktrees",
        "a commit in one appears as reverted changes in the other", "{hint}"),
    "base-gone": Rule(_G, "a task's base branch is gone",
        "it can't be merged", "git agent edit {task} --base BRANCH"),
    "objects-replaced": Rule(_G, "replace refs or grafts stand in for objects, or a shallow file hides history",
        "git shows other content or history than what git agent reviews and merges, since it ignores them", "{hint}"),
    "objects-borrowed": Rule(_G, "the repository borrows objects from a directory in a worktree",
        "what was merged can't be read once the worktree is gone", "{hint}"),
    "worktree-removed": Rule(_G, "a live task's worktree is no longer registered",
        "its worker can't commit", "{hint}"),
    "worktree-gone": Rule(_G, "a live task's worktree was deleted",
        "its next worker has nowhere to work", "{hint}"),
    "worktree-moved": Rule(_G, "the repository and its worktrees were moved together",
        "git can't find one from the other", DOCTOR, True),
    "worktree-unlinked": Rule(_G, "the .git file of a live task's worktree is missing or damaged",
        "git fails there, or works on another repository", DOCTOR, True),
    "worktree-covered": Rule(_G, "a worktree's .git file was replaced by something else",
        "git fails there, or works on another repository", "{hint}"),
    "worktree-misled": Rule(_G, "git's registration of a worktree leads to another repository or worktree",
        "git would run there as that repository is configured, so git agent runs none", DOCTOR, True),
    "worktree-configured": Rule(_G, "a worktree has settings of its own that may name programs",
        "they would run as whoever uses git there, so git agent runs none", "{hint}"),
    "repository-moved": Rule(_G, "a worktree can't find its repository, which was moved",
        "git fails there", DOCTOR, True),
    "repository-copied": Rule(_G, "this repository was copied with its store",
        "its worktrees belong to the original, and both stores would hold the same tasks",
        "in the copy: git agent deinit --purge --yes, then {hint}"),
    "worktree-switched": Rule(_G, "a worker's worktree is on another branch",
        "commits made there do not belong to the task", "{hint}"),
    "merge-lost": Rule(_G, "a base no longer contains the merge of a completed task",
        "its work is missing, and the tasks that wait for it are not ready", "git agent reopen {task}"),
    "handed-in-gone": Rule(_G, "a branch in review has lost the commits that were handed in",
        "there is nothing to approve or merge", "{hint}"),
    "worktree-unlocked": Rule(_G, "a live task's worktree is not locked",
        "`git worktree prune` or `remove` may delete it", DOCTOR, True),
    "worktree-half": Rule(_G, "a worktree was left incomplete",
        "its path and branch are taken, and nothing else will ever remove it", DOCTOR, True),
    "worktree-empty": Rule(_G, "git's registration of a worktree is incomplete: a killed program left it",
        "git can neither use nor remove that worktree", "{hint}"),
    "worktree-orphan": Rule(_G, "a worktree made by git agent belongs to no task",
        "it may contain work, and nothing else will ever remove it", "{hint}"),
    "directory-orphan": Rule(_G, "a former worktree's directory is left, but git no longer knows it",
        "git fails there, and it may contain work", "{hint}"),
    "scratch-left": Rule(_G, "a dead process left scratch files",
        "scratch files take up space, and may keep a worktree registered", "git agent sync", True),
    "trash-left": Rule(_G, "a removed worktree could not be deleted completely",
        "its files take up space, and no command deletes them", "sudo rm -r {subject}"),
    "lock-stale": Rule(_G, "a lock file of git is old, and no process has it open",
        "git refuses to change what it locks", DOCTOR, True),
    "lock-stopped": Rule(_G, "a stopped process holds a lock file of git",
        "git refuses to change what it locks", "{hint}"),
    # Tasks.
    "state-differs": Rule(_T, "a task's state differs from what its events say",
        "the row was changed without an event, so the wrong next steps are allowed", DOCTOR, True),
    "history-broken": Rule(_T, "a task's events do not follow from each other",
        "its state can't be proved", "git agent log {task}"),
    "task-lost": Rule(_T, "a task has events but no longer exists",
        "somebody deleted it, so its branch belongs to no task", DOCTOR, True),
    "approval-unbound": Rule(_T, "an approval is for another commit than the branch's tip",
        "unreviewed commits could pass as reviewed", DOCTOR, True),
    "attempt-missing": Rule(_T, "a live task has no record of its attempt",
        "nobody can work on it", "git agent reassign {task}"),
    "attempt-bare": Rule(_T, "an attempt's branch and worktree are both gone",
        "it is listed as something that can be removed", DOCTOR, True),
    "claim-unreadable": Rule(_T, "git can't read a task's path claim",
        "overlaps with it go unnoticed", "git agent edit {task} --path PATHSPEC"),
    "dependency-missing": Rule(_T, "a task waits for one that does not exist",
        "it can never be claimed", DOCTOR, True),
    "dependency-cycle": Rule(_T, "tasks wait for each other",
        "none of them can ever be claimed", "git agent edit {task} --after ''"),
    "dependency-count": Rule(_T, "a task's count of unfinished dependencies is wrong",
        "it would be claimed too early or never", DOCTOR, True),
    "nobody-works": Rule(_T, "a task is to be worked on, but nobody does",
        "it stays as it is until somebody begins", "git agent run {task} -- COMMAND"),
    "lease-stray": Rule(_T, "a task that nobody works on has a lease",
        "it would be shown as alive, or be reaped", DOCTOR, True),
    "worker-left": Rule(_T, "a dead supervisor left its command running",
        "two agents may work in the same worktree", "git agent sync", True),
    "worker-silent": Rule(_T, "a supervisor in another container, sandbox or machine is silent",
        "its task can't be run again until its session ends", "git agent stop {task}"),
    # Hooks.
    "hooks-missing": Rule(_H, "git does not run our hooks",
        "git works, but only the next git agent command notices what happened", "git agent init", True),
    "hooks-script": Rule(_H, "a hook script of ours is missing, changed or not executable",
        "git works, but only the next git agent command notices what happened", "git agent init", True),
    "hooks-unchained": Rule(_H, "your own hook, which ours runs, is gone", "your hook no longer runs", "{hint}"),
    "hooks-lfs": Rule(_H, "Git LFS is in use, but pre-push does not run git-lfs",
        "pushes upload no LFS files; git lfs push --all REMOTE uploads what is missing", "{hint}"),
    "hooks-program": Rule(_H, "the hooks start a program that is gone",
        "git works, but only the next git agent command notices what happened", "git agent init", True),
    "hooks-other": Rule(_H, "the hooks start a different git-agent than this one",
        "two versions use the same store", "{hint}"),
    "path-foreign": Rule(_H, "another program named git-agent comes first on PATH",
        "`git agent` starts that one", "{hint}"),
    "path-other": Rule(_H, "another installation of git agent comes first on PATH",
        "`git agent` starts that one", "{hint}"),
    "path-login": Rule(_H, "your login shell finds no git agent, or another one",
        "agent programs that run commands as `bash -lc` does, such as codex, can't use it", "{hint}"),
    # Messages.
    "message-nobody": Rule(_M, "a message is addressed to a task that does not exist",
        "nobody will ever read it", DOCTOR, True),
    "message-unread": Rule(_M, "an urgent message has been unread for an hour",
        "its sender is waiting for an answer", "{hint}"),
    # Files.
    "context-missing": Rule(_F, "a worker's worktree has no context file",
        "agents there do not know their task", DOCTOR, True),
    "context-foreign": Rule(_F, "the context file's path is taken by something else",
        "agents there do not know their task", DOCTOR, True),
    "context-wrong": Rule(_F, "a context file is unreadable, out of date, or names another task, branch or path",
        "an agent there does not know its task, or works on the wrong one", DOCTOR, True),
    "context-tracked": Rule(_F, "a context file is tracked by git",
        "each worker's commits bring it into the base", "{hint}"),
    "context-included": Rule(_F, "context files are not excluded from commits",
        "`git add .` would add them", DOCTOR, True),
    "secret-unignored": Rule(_F, "a copied file is not ignored in a worktree",
        "`git add .` would add a secret", DOCTOR, True),
    "secret-tracked": Rule(_F, "a copied file is tracked or staged in a worktree",
        "a secret is about to be published", "{hint}"),
    "secret-open": Rule(_F, "other users can read a copied file, but not its original",
        "a secret is exposed on this host", DOCTOR, True),
    # Configuration.
    "config-invalid": Rule(_C, "a setting has an invalid value",
        "commands that need it fail, perhaps in the middle of somebody's work", "{hint}"),
}
# fmt: on
