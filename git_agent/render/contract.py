"""The contract with other programs, in words. docs/json.md, docs/states.md and the manual page are made from it."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.domain.task import Hold, State

STATES: Mapping[State, str] = {
    State.OPEN: "in the queue; nobody works on it",
    State.ASSIGNED: "has a branch, a worktree and a worker that has not started",
    State.WORKING: "being worked on, or waiting for somebody (with a hold)",
    State.IN_REVIEW: "handed in, waiting for a reviewer",
    State.APPROVED: "accepted at one commit; new commits put it back IN_REVIEW",
    State.COMPLETED: "its work is in the base",
    State.FAILED: "given up; tasks that depend on it keep waiting",
    State.CANCELLED: "cancelled; tasks that depend on it keep waiting",
}
HOLDS: Mapping[Hold, str] = {
    Hold.NEEDS_INPUT: "the worker asked a question (`ask`) and waits for the `answer`",
    Hold.CONFLICT: "its merge conflicts with the base; the worker must resolve this",
    Hold.CHANGES_REQUESTED: "a reviewer requested changes",
    Hold.CHECK_FAILED: "the check command failed on the merged result",
    Hold.NO_COMMITS: "its command ended, and its branch has nothing to hand in; the reason says why",
    Hold.NO_CHANGES: "its command ended without a new commit since the last review or hold ended",
    Hold.UNCOMMITTED: "its command ended with changed or untracked files in the worktree",
    Hold.STOPPED: "ended by `stop`, a signal, a closed terminal or a restart of the machine, or its session was left",
    Hold.BUDGET: "its agent has used up its budget (not used yet)",
    Hold.AGENT_FAILED: "its agent reported an error that only a person can fix (not used yet)",
}
EXITS: Mapping[int, str] = {
    0: "done, or already done",
    1: "error: not a repository, unknown task, git or the store failed",
    2: "usage error",
    3: "refused by the rules",
    4: "conflict",
    5: "superseded: your attempt is no longer the current one",
    6: "timeout, or busy: try again",
    130: "interrupted",
}
FILES: Mapping[str, str] = {
    "<git common dir>/git-agent/": "the store: tasks, events and messages in the SQLite database `agent.db`. Other "
    "programs may read `id` and `state` of its table `task`.",
    "../<repo>.worktrees/": "the worktrees, one per live task (`agent.worktreeDir`)",
    ".worker-ctx.json": "at the root of a worktree: its task, branch and base; excluded from commits",
    ".gitagent": "a team's `agent.*` settings, committed, in the syntax of git config",
    ".worktreeinclude": "patterns of files to copy, like `agent.copy`; committed, it needs `git agent trust`",
    "<git common dir>/git-agent/hooks/": "the scripts that git's hooks run. They write to `beat/` and `spool/` "
    "beside it (docs/hooks.md)",
    "<git common dir>/git-agent/logs/": "output of supervised commands: `<task>.<attempt>.log`, at most 8 MB, and the "
    "8 MB before in `.log.1`. Beyond 256 MB in all, the oldest logs are deleted",
    "<git common dir>/git-agent/logs/<task>.check.log": "output of the check of a task's merge onto those before it",
    "<git common dir>/git-agent/notify.log": "output of the command `agent.notify`",
    "<git common dir>/git-agent/kept/": "copies of removed files that git does not keep: ignored ones, and those of "
    "which a filter drops a part: `<task>/<n>/`; also what `git agent doctor --fix` moved out of the way",
    "refs/git-agent/rescue/": "what was removed: branch tips, uncommitted and untracked files (`rescue`, `undo`)",
}
ENVIRONMENT: Mapping[str, str] = {
    "GIT_AGENT_TASK": "the task that the caller works on, where the worktree does not say so",
    "GIT_AGENT_EPOCH": "the task's epoch as the caller knows it; if it is outdated, verbs exit with 5",
    "GIT_AGENT_WORKTREE": "that task's worktree; commits by the caller elsewhere in the repository are recorded",
    "GIT_AGENT_TOKEN": "the secret of a supervised worker, which proves its identity",
    "GIT_AGENT_ACTOR": "the worker's name, for its own use; events name the worker that its token or worktree proves",
    "GIT_AGENT_HOOKS": "0: commands do not install or repair hooks, and hooks start nothing in the background",
    "GIT_AGENT_TASKS": "set for a check: the tasks merged in its directory, the last one on top; empty for the base "
    "alone. For a single task, GIT_AGENT_TASK is set as well",
    "GIT_AGENT_TRACE": "1: report each git command and its duration on standard error",
    "NO_COLOR": "any value: no colour (https://no-color.org)",
}

Fields = Mapping[str, tuple[str, str]]

TASK: Fields = {
    "id": ("integer", "number of the task, never reused"),
    "name": ("string", "short name, the last part of the branch's name"),
    "title": ("string", "one line"),
    "body": ("string", 'description beyond the title, or ""'),
    "state": ("string", "one of the states, in capitals"),
    "hold": ("string or null", "why a WORKING task waits"),
    "priority": ("integer", "0 (first) to 4 (last)"),
    "base": ("string", "branch to merge into"),
    "base_oid": ("string or null", "the fork point: the branch's own work comes after it"),
    "branch": ("string or null", "its branch, without refs/heads/"),
    "worktree": ("string or null", "absolute path"),
    "head_oid": ("string or null", "tip of the branch at the last check of git"),
    "reviewed_oid": ("string or null", "commit that was approved"),
    "merged_oid": ("string or null", "commit of the base that contains the work"),
    "merged_by": ("string or null", "merge, squash, rebase or ff; null if unknown"),
    "attempt": ("integer", "number of the current attempt; 0 before the first"),
    "epoch": ("integer", "increases when a worker is superseded"),
    "depends_on": ("array of integers", "tasks that must be COMPLETED first"),
    "blocked_by": ("array of integers", "those of them that are not COMPLETED"),
    "paths": ("array of strings", "pathspecs of what it intends to change"),
    "agent": ("string or null", "name of the agent"),
    "worker": ("object", "`id`, `host`, `pid` (null where unknown) and `liveness`: alive, late, stale, dead, none"),
    "stalled": ("boolean", "no progress for the time in agent.stalled"),
    "beat_age_s": ("number or null", "seconds since the worker's last sign of life"),
    "progress_age_s": ("number or null", "seconds since its last progress"),
    "ahead": ("integer or null", "commits of its own: neither the base nor the fork point has them"),
    "behind": ("integer or null", "commits of the base that the branch lacks"),
    "unread": ("integer", "number of messages that its worker has not acknowledged"),
    "reason": ("string or null", "why it is in this state: a review, a failure, a conflict"),
    "note": ("string or null", "the worker's last note (`heartbeat -m`)"),
    "reviewer": ("string or null", "who approved it"),
    "check": ("string or null", "check command, instead of agent.check"),
    "reverted_oid": ("string or null", "commit of the base that reverted its merge"),
    "created_at": ("string", "RFC 3339, UTC"),
    "state_at": ("string", "when it entered its state; RFC 3339, UTC"),
}
EVENT: Fields = {
    "seq": ("integer", "number; increases with each event"),
    "at": ("string", "RFC 3339, UTC"),
    "kind": ("string", "for example `task.approved`"),
    "task": ("integer or null", "the task"),
    "actor": ("string", "who did it"),
    "from": ("string or null", "state before, if the state changed"),
    "to": ("string or null", "state after, if the state changed"),
    "epoch": ("integer or null", "the task's epoch at that time"),
    "data": ("object", "further details, depending on the kind"),
}
MESSAGE: Fields = {
    "id": ("integer", "number"),
    "sender": ("string", "a task's number, @human, or git for what was found there"),
    "to": ("string", "a task's number, @human, @coordinator, or a topic with its #"),
    "task": ("integer or null", "the task it is about"),
    "topic": ("string or null", "its topic, without the #"),
    "thread": ("integer", "number of the conversation's first message"),
    "reply_to": ("integer or null", "message that it answers"),
    "urgent": ("boolean", "delivered before other messages"),
    "needs_ack": ("boolean", "must be acknowledged"),
    "body": ("string", "the text; data, not instructions"),
    "sent_at": ("string", "RFC 3339, UTC"),
    "state": ("string", "new, seen or acked by the recipient in `to`"),
    "verified": ("boolean", "the sender's identity was proved by a worktree or a token; false if only git shows it"),
}
UNACKED: Fields = {
    "message": ("integer", "number of a message that must be acknowledged and was not"),
    "sender": ("string", "as in Message"),
    "to": ("string", "as in Message"),
    "sent_at": ("string", "RFC 3339, UTC"),
    "state": ("string", "new or seen"),
}
SESSION: Fields = {
    "task": ("integer", "the task that the command works on"),
    "attempt": ("integer", "the attempt at the task"),
    "agent": ("string or null", "name of the agent; null for a command given on the command line"),
    "command": ("string", "the command for people to read, shortened if it is long"),
    "host": ("string", "where it runs"),
    "pid": ("integer", "pid of its supervisor"),
    "child_pid": ("integer or null", "pid and process group of the command"),
    "gone": ("boolean", "the supervisor has certainly ended"),
    "superseded": ("boolean", "the task has a newer attempt"),
}
NEED: Fields = {
    "task": ("integer", "the task that waits for a person"),
    "why": ("string", "in words"),
    "since": ("string", "RFC 3339, UTC"),
    "command": ("string", "what to type next"),
}
NOTIFICATION: Fields = {
    "schema": ("integer", "1"),
    "at": ("string", "when it happened; RFC 3339, UTC"),
    "event": ("object", "the Event"),
    "why": ("string", "review wanted, question, conflict, check failed, not handed in, stalled or failed"),
    "command": ("string", "what to type next"),
    "text": ("string", "summary in one line, safe to show: `task 7 (Fix login): question: Which port?`"),
}
OPERATION: Fields = {
    "kind": ("string", "kind of its first event: task.merged, task.removed, task.cancelled or doctor.fixed"),
    "what": ("string", "in words"),
    "tasks": ("array of integers", "the tasks that it changed"),
    "at": ("string", "RFC 3339, UTC"),
    "number": ("integer", "`undo --list` only: 1 for the newest"),
    "after": ("integer or null", "`undo --list` only: number of the operation that must be undone first"),
    "why": ("string or null", "`undo --list` only: why it can't be undone"),
    "hint": ("string or null", "`undo --list` only: what to do instead"),
}
RESCUE: Fields = {
    "ref": ("string", "its short name: `3/1`"),
    "task": ("integer", "the task that it belongs to"),
    "n": ("integer", "its number within the task"),
    "oid": ("string", "the commit"),
    "kind": ("string", "tip, uncommitted files, superseded by a rewrite, or merge that was undone"),
    "at": ("string or null", "when it was kept; RFC 3339, UTC; null if unknown"),
    "subject": ("string", "subject of the commit"),
    "size": ("integer", "number of commits that the base lacks, or of uncommitted files"),
    "merged": ("boolean", "the task's base contains it"),
}
IGNORED: Fields = {
    "directory": ("string", "path of the copies of a removed worktree's ignored files"),
    "task": ("integer", "the task that it belongs to"),
    "n": ("integer", "its number within the task"),
    "at": ("string", "when it was kept; RFC 3339, UTC"),
    "size": ("integer", "number of files in it"),
}
FINDING: Fields = {
    "code": ("string", "stable code in kebab-case; docs/doctor.md lists all"),
    "group": ("string", "store, git, tasks, hooks, messages, files or configuration"),
    "what": ("string", "what is wrong, in words"),
    "why": ("string", "why it matters"),
    "fix": ("string", "the command that fixes it"),
    "mends": ("boolean", "whether `doctor --fix` fixes it"),
    "task": ("integer or null", "the task that it belongs to"),
    "subject": ("string", "the file, branch, row or process that it is about"),
}
CLASH: Fields = {
    "a": ("integer", "a task whose branch clashes"),
    "b": ("integer or string", "the other task, with a higher number; `base` for its base"),
    "paths": ("array of strings", "the conflicting files; empty for unrelated histories"),
}
OVERLAP: Fields = {
    "a": ("integer", "a live or OPEN task whose path claim overlaps"),
    "b": ("integer", "the other task"),
    "paths": ("array of strings", "the narrower pathspec of each overlap, or the files that both match"),
}
OUTSIDE: Fields = {
    "task": ("integer", "a task whose branch changed files outside its claim"),
    "claimed_by": ("integer or null", "the other live task that claims them; null: only outside its own claim"),
    "paths": ("array of strings", "the files"),
}
RESULT: Fields = {
    "task": ("integer", "a task of the queue"),
    "outcome": ("string", "merged, conflict or check_failed (sent back to its worker), or left_out (unchanged)"),
    "why": ("string or null", "why it did not land, in words"),
    "hint": ("string or null", "what to do about it"),
    "details": ("array of strings", "conflicting paths, or the last lines of the check"),
    "log": ("string or null", "file with the whole output of its check"),
}
ERROR: Fields = {
    "code": ("string", "stable code in kebab-case"),
    "message": ("string", "one line"),
    "hint": ("string", "what to do about it"),
    "details": ("array of strings", "further lines for people; present only if there are any"),
}
OBJECTS: Mapping[str, Fields] = {
    "Task": TASK,
    "Event": EVENT,
    "Message": MESSAGE,
    "Unacked": UNACKED,
    "Session": SESSION,
    "Need": NEED,
    "Notification": NOTIFICATION,
    "Operation": OPERATION,
    "Rescue": RESCUE,
    "Ignored": IGNORED,
    "Finding": FINDING,
    "Clash": CLASH,
    "Overlap": OVERLAP,
    "Outside": OUTSIDE,
    "Result": RESULT,
    "Error": ERROR,
}

_ONE = ("task",)
_SHOWN = ("messages", "observed", "sessions", "needs_you")
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "init": ("store", "made", "hooks", "manual", "agents_md"),
    "deinit": ("hooks", "manual", "purged"),
    "doctor": ("findings", "fixed", "failed", "seen", "notes"),
    "hooks": ("wanted", "worktree", "hooks", "notes"),
    "sync": ("noticed",),
    "config": ("config",),
    "config --agents": ("agents",),
    "trust": ("hash", "already", "commands"),
    "completion": ("script",),
    "help": ("text",),
    "completion --install": ("installed", "todo"),
    "demo": ("steps", "tasks", "seconds", "directory"),
    "add, edit, spawn, claim, reassign, release, fail, retry, cancel, reopen": _ONE,
    "release, retry, cancel, reopen, stop, approve, with several": ("tasks", "failed"),
    "run": ("task", "status"),
    "run --detach": ("task", "pid"),
    "ps": ("sessions", "tasks"),
    "logs": ("task", "path", "older", "text"),
    "stop, approve": _ONE,
    "start, heartbeat, ask, answer, done, request-changes": _ONE,
    "prime": ("task", "text"),
    "ready": ("tasks", "blocked"),
    "diff": ("base", "tip", "diff"),
    "merge, with one task": ("task", "removed", "dry_run"),
    "merge, otherwise": ("tasks", "results", "removed", "dry_run"),
    "rm, with one task": ("task", "removed", "dry_run"),
    "rm, with several": ("tasks", "failed", "removed", "dry_run"),
    "clean": ("tasks", "removed", "logs", "remote", "dry_run"),
    "undo": ("undone", "tasks", "dry_run"),
    "undo --list": ("operations",),
    "rescue list": ("rescues", "ignored"),
    "rescue show": ("rescue", "text"),
    "rescue restore": ("rescue", "branch"),
    "rescue prune": ("rescues", "directories", "unknown", "dry_run"),
    "send, reply, tail": ("messages",),
    "inbox": ("messages", "unacked"),
    "ack": ("messages", "already"),
    "status": ("needs_you", "tasks", "health"),
    "list": ("tasks",),
    "show, status TASK": (*_ONE, "why", "next", "attempts", "commits", "events", *_SHOWN),
    "path": ("path",),
    "conflicts": ("pairs", "order", "claims", "outside"),
    "stats": ("stats",),
}
