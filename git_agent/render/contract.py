"""What other programs may rely on, in words: states, exit codes, JSON objects, files, environment.

docs/json.md, docs/states.md and the manual page are printed from here; tests compare it with what is said and done.
"""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.domain.task import Hold, State

STATES: Mapping[State, str] = {
    State.OPEN: "in the queue: nobody has it",
    State.ASSIGNED: "has a branch, a worktree and a worker that has not begun",
    State.WORKING: "being worked on; with a hold it waits for somebody",
    State.IN_REVIEW: "handed in: waits for a reviewer",
    State.APPROVED: "accepted at one commit; a branch that moves on is IN_REVIEW again",
    State.COMPLETED: "its work is in the base",
    State.FAILED: "given up; what depends on it keeps waiting",
    State.CANCELLED: "called off; what depends on it keeps waiting",
}
HOLDS: Mapping[Hold, str] = {
    Hold.NEEDS_INPUT: "the worker asked a question (`ask`) and waits for the `answer`",
    Hold.CONFLICT: "the merge conflicts with the base; the worker resolves it",
    Hold.CHANGES_REQUESTED: "a reviewer wants changes",
    Hold.CHECK_FAILED: "the check command failed on the merged result",
    Hold.NO_COMMITS: "the agent ended without a commit, or left changes that it did not commit",
    Hold.STOPPED: "its agent was stopped by a person (`stop`)",
}
EXITS: Mapping[int, str] = {
    0: "done, or was done already",
    1: "error: not a repository, unknown task, git or the store failed",
    2: "usage",
    3: "refused by the rules",
    4: "conflict",
    5: "superseded: your attempt is not the current one",
    6: "timed out, or busy: try again",
    130: "interrupted",
}
FILES: Mapping[str, str] = {
    "<git common dir>/git-agent/": "the store: tasks, events and messages in the SQLite database `agent.db`. Other "
    "programs may read `id` and `state` of its table `task`.",
    "../<repo>.worktrees/": "the worktrees, one for each live task (`agent.worktreeDir`)",
    ".worker-ctx.json": "at the root of a worktree: which task, branch and base it is; kept out of commits",
    ".gitagent": "a team's `agent.*` values, committed, in the syntax of git config",
    ".worktreeinclude": "patterns of ignored files to copy into new worktrees, as `agent.copy`",
    "<git common dir>/git-agent/hooks/": "the scripts that git's hooks run; `beat/` and `spool/` beside it are what "
    "they write (docs/hooks.md)",
    "<git common dir>/git-agent/logs/": "what supervised commands printed: `<task>.<attempt>.log`, 8 MB each, and the "
    "8 MB before in `.log.1`; 256 MB in all, the oldest go first",
    "<git common dir>/git-agent/logs/<task>.check.log": "what the check of its merge printed, and of "
    "those that it was merged on top of",
    "<git common dir>/git-agent/notify.log": "what the command `agent.notify` printed",
    "<git common dir>/git-agent/kept/": "copies of ignored files of worktrees that were removed: `<task>/<n>/`, and "
    "what `git agent doctor --fix` moved out of the way",
    "refs/git-agent/rescue/": "what was removed: tips of branches, uncommitted and untracked files (`rescue`, `undo`)",
}
ENVIRONMENT: Mapping[str, str] = {
    "GIT_AGENT_TASK": "the task that the caller works on, outside of its worktree",
    "GIT_AGENT_EPOCH": "the epoch that the caller believes to be the task's; another one exits 5",
    "GIT_AGENT_WORKTREE": "that task's worktree: a commit of the caller elsewhere in the same repository is noted",
    "GIT_AGENT_TOKEN": "the secret of a supervised worker, which proves whose task the caller works on",
    "GIT_AGENT_ACTOR": "the name that events give the worker; messages never come from it",
    "GIT_AGENT_HOOKS": "0: no command installs or mends hooks, and the hooks start nothing in the background",
    "GIT_AGENT_TASKS": "given to a check: the tasks that are merged in its directory, the last one on top; nothing for "
    "the base alone. GIT_AGENT_TASK is given where it is one",
    "GIT_AGENT_TRACE": "1: each git that is started and its time go to standard error",
    "NO_COLOR": "anything: no colour (https://no-color.org)",
}

Fields = Mapping[str, tuple[str, str]]

TASK: Fields = {
    "id": ("integer", "number of the task, never used again"),
    "name": ("string", "short name, the end of the branch's name"),
    "title": ("string", "one line"),
    "body": ("string", 'what else was said of it; "" for nothing'),
    "state": ("string", "one of the states, in capitals"),
    "hold": ("string or null", "why a WORKING task waits"),
    "priority": ("integer", "0 comes first, 4 last"),
    "base": ("string", "branch to merge into"),
    "base_oid": ("string or null", "commit of the base that the branch started from"),
    "branch": ("string or null", "its branch, without refs/heads/"),
    "worktree": ("string or null", "absolute path"),
    "head_oid": ("string or null", "tip of the branch when git was last looked at"),
    "reviewed_oid": ("string or null", "commit that the approval is for"),
    "merged_oid": ("string or null", "commit of the base that has the work"),
    "merged_by": ("string or null", "merge, squash, rebase or ff; null where git could not tell"),
    "attempt": ("integer", "how often it was given to a worker"),
    "epoch": ("integer", "grows when a worker is superseded"),
    "depends_on": ("array of integers", "tasks that have to be COMPLETED before"),
    "blocked_by": ("array of integers", "those of them that are not"),
    "paths": ("array of strings", "pathspecs of what it means to change"),
    "agent": ("string or null", "name of the agent"),
    "worker": ("object", "`id`, `host`, `pid` (null where unknown) and `liveness`: alive, late, stale, dead, none"),
    "stalled": ("boolean", "no progress for agent.stalled"),
    "beat_age_s": ("number or null", "seconds since the worker was last heard of"),
    "progress_age_s": ("number or null", "seconds since its work last moved"),
    "ahead": ("integer or null", "commits over the base"),
    "behind": ("integer or null", "commits of the base that it lacks"),
    "unread": ("integer", "messages that its worker has not acknowledged"),
    "reason": ("string or null", "why it is as it is: a review's text, a failure, a conflict"),
    "note": ("string or null", "the worker's last note (`heartbeat -m`)"),
    "reviewer": ("string or null", "who approved it"),
    "check": ("string or null", "check command in place of agent.check"),
    "reverted_oid": ("string or null", "commit of the base that reverted its merge"),
    "created_at": ("string", "RFC 3339, UTC"),
    "state_at": ("string", "when it came into its state; RFC 3339, UTC"),
}
EVENT: Fields = {
    "seq": ("integer", "number; grows in the order of events"),
    "at": ("string", "RFC 3339, UTC"),
    "kind": ("string", "`task.approved` and the like"),
    "task": ("integer or null", "the task"),
    "actor": ("string", "who did it"),
    "from": ("string or null", "state before, where the state changed"),
    "to": ("string or null", "state after"),
    "epoch": ("integer or null", "the task's epoch then"),
    "data": ("object", "what else is known, by kind"),
}
MESSAGE: Fields = {
    "id": ("integer", "number"),
    "sender": ("string", "a task's number or @human"),
    "to": ("string", "a task's number, @human, @coordinator, or a topic with its #"),
    "task": ("integer or null", "the task it is about"),
    "topic": ("string or null", "its topic, without the #"),
    "thread": ("integer", "first message of the conversation"),
    "reply_to": ("integer or null", "message that it answers"),
    "urgent": ("boolean", "comes before the others"),
    "needs_ack": ("boolean", "wants to be acknowledged"),
    "body": ("string", "the text: data, never instructions to a program"),
    "sent_at": ("string", "RFC 3339, UTC"),
    "state": ("string", "new, seen or acked, by the one in `to`"),
    "verified": ("boolean", "the sender was proved, by a worktree or a token; false for what only git was seen to do"),
}
UNACKED: Fields = {
    "message": ("integer", "number of a message that wants to be acknowledged and is not"),
    "sender": ("string", "as in Message"),
    "to": ("string", "as in Message"),
    "sent_at": ("string", "RFC 3339, UTC"),
    "state": ("string", "new or seen"),
}
SESSION: Fields = {
    "task": ("integer", "the task that the command works on"),
    "attempt": ("integer", "of the task"),
    "agent": ("string or null", "name of the agent; null for a command that was typed"),
    "command": ("string", "as it can be read, cut where it is long"),
    "host": ("string", "where it runs"),
    "pid": ("integer", "its supervisor"),
    "child_pid": ("integer or null", "the command, and its process group"),
    "gone": ("boolean", "the supervisor has surely ended"),
    "superseded": ("boolean", "the task is another attempt's by now"),
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
    "why": ("string", "review wanted, question, conflict, check failed, no commits, stalled or failed"),
    "command": ("string", "what to type next"),
    "text": ("string", "all of it in one line for a person, safe to show: `task 7 (Fix login): question: Which port?`"),
}
OPERATION: Fields = {
    "kind": ("string", "the kind of its first event: task.merged, task.removed, task.cancelled, doctor.fixed"),
    "what": ("string", "in words"),
    "tasks": ("array of integers", "the tasks that it changed"),
    "at": ("string", "RFC 3339, UTC"),
    "number": ("integer", "`undo --list` only: 1 for the newest"),
    "after": ("integer or null", "`undo --list` only: the number of the one to be undone before it"),
    "why": ("string or null", "`undo --list` only: why it can't be undone"),
    "hint": ("string or null", "`undo --list` only: what helps then"),
}
RESCUE: Fields = {
    "ref": ("string", "its short name: `3/1`"),
    "task": ("integer", "the task that it is of"),
    "n": ("integer", "its number among the task's"),
    "oid": ("string", "the commit"),
    "kind": ("string", "tip, uncommitted files, superseded by a rewrite, merge that was undone"),
    "at": ("string or null", "when it was kept; RFC 3339, UTC; null when that is not known any more"),
    "subject": ("string", "of the commit"),
    "size": ("integer", "commits that the base lacks, or files that were not committed"),
    "merged": ("boolean", "the task's base has it"),
}
IGNORED: Fields = {
    "directory": ("string", "that holds copies of ignored files of a worktree that was removed"),
    "task": ("integer", "the task that it is of"),
    "n": ("integer", "its number among the task's directories"),
    "at": ("string", "when it was kept; RFC 3339, UTC"),
    "size": ("integer", "files in it"),
}
FINDING: Fields = {
    "code": ("string", "stable word in kebab-case; docs/doctor.md lists them"),
    "group": ("string", "store, git, tasks, hooks, messages, files or configuration"),
    "what": ("string", "what is wrong, in words"),
    "why": ("string", "why it matters"),
    "fix": ("string", "the command that mends it"),
    "mends": ("boolean", "`doctor --fix` does it"),
    "task": ("integer or null", "whose it is"),
    "subject": ("string", "the file, branch, row or process that it is about"),
}
CLASH: Fields = {
    "a": ("integer", "a task whose branch clashes"),
    "b": ("integer or string", "the other task, of a higher number; `base` for its base"),
    "paths": ("array of strings", "the files; none where the histories have nothing in common"),
}
OVERLAP: Fields = {
    "a": ("integer", "a live or OPEN task whose path claim overlaps"),
    "b": ("integer", "with that of this one"),
    "paths": ("array of strings", "the narrower pathspecs where they meet, or the files that both match"),
}
OUTSIDE: Fields = {
    "task": ("integer", "a task whose branch changed what it did not claim"),
    "claimed_by": ("integer or null", "the live task that claims it; null for what its own claim does not have"),
    "paths": ("array of strings", "the files"),
}
RESULT: Fields = {
    "task": ("integer", "a task of the queue"),
    "outcome": ("string", "merged, conflict or check_failed (sent back to their worker), left_out (as it was)"),
    "why": ("string or null", "in words, where it did not land"),
    "hint": ("string or null", "what helps"),
    "details": ("array of strings", "paths that conflict, or the last lines of the check"),
    "log": ("string or null", "file with all that its check printed"),
}
ERROR: Fields = {
    "code": ("string", "stable word in kebab-case"),
    "message": ("string", "one line"),
    "hint": ("string", "what helps"),
    "details": ("array of strings", "further lines, for people; only where there are any"),
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
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "init": ("store", "made", "hooks", "manual", "agents_md"),
    "deinit": ("hooks", "manual", "purged"),
    "doctor": ("findings", "fixed", "failed", "seen", "notes"),
    "hooks": ("wanted", "worktree", "hooks"),
    "sync": ("noticed",),
    "config": ("config",),
    "trust": ("hash", "already", "commands"),
    "completion": ("script",),
    "completion --install": ("installed", "todo"),
    "demo": ("steps", "tasks", "seconds", "directory"),
    "add, edit, spawn, claim, reassign, release, fail, retry, cancel, reopen": _ONE,
    "run": ("task", "status"),
    "run --detach": ("task", "pid"),
    "ps": ("sessions", "tasks"),
    "logs": ("task", "path", "older", "text"),
    "stop": _ONE,
    "start, heartbeat, ask, answer, done, request-changes": _ONE,
    "prime": ("task", "text"),
    "ready": ("tasks", "blocked"),
    "diff": ("base", "tip", "diff"),
    "approve, with one task": _ONE,
    "approve, with several": ("tasks",),
    "merge, with one task": ("task", "removed", "dry_run"),
    "merge, otherwise": ("tasks", "results", "removed", "dry_run"),
    "rm": ("task", "removed", "dry_run"),
    "clean": ("tasks", "removed", "dry_run"),
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
    "show, status TASK": ("task", "why", "next", "attempts", "commits", "events", "observed", "sessions", "needs_you"),
    "path": ("path",),
    "conflicts": ("pairs", "order", "claims", "outside"),
    "stats": ("stats",),
}
