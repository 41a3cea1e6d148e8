"""The agent.* keys of git's configuration, each with its type, default and meaning. Printed as docs/config.md."""

from __future__ import annotations

from git_agent.record import Record

STRATEGIES = ("merge", "squash", "rebase", "ff")


class Key(Record):
    """One key.

    kind: text, path, duration, number, switch, strategy, prefix, claims or list
    team: what a value in the team's file needs to count. harmless: nothing; trust: the file is trusted, because
        the key names a command, or copies files of the person; never: it counts only from what a person writes
        (system, global, local)
    sentence: its meaning
    least: the smallest number, or duration in seconds
    """

    name: str
    kind: str
    default: str
    team: str
    sentence: str
    least: float = 0

    @property
    def many(self) -> bool:
        """Return whether it can have several values."""
        return self.kind == "list"


# fmt: off
KEYS: tuple[Key, ...] = (
    Key("agent.base", "text", "", "harmless",
        "Branch that new tasks start from and are merged into. Default: the branch of the main worktree."),
    Key("agent.pullBase", "switch", "false", "trust",
        "Fetch the upstream of the base and fast-forward the base to it before an attempt starts from it."),
    Key("agent.branchPrefix", "prefix", "agent/", "harmless",
        "Prefix of task branches."),
    Key("agent.worktreeDir", "path", "", "harmless",
        "Directory of the worktrees, relative to the main worktree. Default: `../<repo>.worktrees`."),
    Key("agent.mergeStrategy", "strategy", "merge", "harmless",
        "Merge strategy of `git agent merge`: merge, squash, rebase or ff."),
    Key("agent.check", "text", "", "trust",
        "Command that checks the merged result before the base moves. If it fails, the task is not merged."),
    Key("agent.checkTimeout", "duration", "1h", "harmless",
        "Maximum duration of a check. A check that exceeds it is killed and counts as failed; 0 means no limit."),
    Key("agent.checkJobs", "number", "1", "harmless",
        "Number of checks that may run at once in this repository. Waiting does not count against agent.checkTimeout.",
        least=1),
    Key("agent.setup", "list", "", "trust",
        "Command to run in a new worktree. Several run in order; if one fails, the worktree is removed again."),
    Key("agent.copy", "list", "", "trust",
        "Pattern of ignored files to copy into a new worktree, as in .gitignore. See also `.worktreeinclude`."),
    Key("agent.link", "list", "", "trust",
        "Path of an ignored file or directory to link into a new worktree instead of copying it."),
    Key("agent.notify", "text", "", "trust",
        "Command to run when a person is needed. It gets the event as JSON on standard input."),
    Key("agent.run", "text", "", "trust",
        "`agent.run.<name>` is the command of agent <name>, with words such as {prompt}. Known agents have a default."),
    Key("agent.unsetEnv", "list", "", "trust",
        "Environment variable that `run` and `exec` take out, besides the session markers of known agent programs."),
    Key("agent.defaultAgent", "text", "", "harmless",
        "Name of the agent to run if none is given."),
    Key("agent.beat", "duration", "10s", "harmless",
        "Time between two heartbeats of a supervised worker. Its lease expires after twelve.", least=0.001),
    Key("agent.lease", "duration", "45m", "harmless",
        "How long a worker that claimed a task may be silent before the task returns to the queue.", least=0.001),
    Key("agent.stalled", "duration", "15m", "harmless",
        "Time without progress after which a worker is shown as stalled."),
    Key("agent.maxMessage", "number", "65536", "harmless",
        "Maximum size of a message in bytes of UTF-8.", least=1),
    Key("agent.messageRate", "number", "60", "harmless",
        "Maximum number of messages that a worker may send per minute; 0 means no limit."),
    Key("agent.maxAttempts", "number", "5", "harmless",
        "Maximum number of attempts at a task; after them it can no longer be claimed.", least=1),
    Key("agent.guard", "switch", "false", "harmless",
        "Install two more hooks that stop workers from changing task bases and branches of superseded attempts."),
    Key("agent.workersReview", "switch", "false", "never",
        "Let workers review and merge the tasks of others. Counts only from system, global and local configuration."),
    Key("agent.pathClaims", "claims", "warn", "harmless",
        "What to do about overlapping `--path` claims and changes outside of them: refuse, warn or off."),
)
# fmt: on
