"""Every agent.* key once: its name, type, default and sentence. docs/config.md is printed from KEYS."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.domain import durations
from git_agent.domain.path_claim import MODES
from git_agent.errors import AgentError, usage
from git_agent.git import config as git_config

if TYPE_CHECKING:
    from git_agent.git.repo import Repo

TEAM_FILE = ".gitagent"
TRUST_FACT = "trusted-config"
STRATEGIES = ("merge", "squash", "rebase", "ff")


class Key(NamedTuple):
    """One key. kind: text, path, duration, number, switch, strategy, prefix, claims, list; runs: it names a command."""

    name: str
    kind: str
    default: str
    sentence: str
    runs: bool = False

    @property
    def many(self) -> bool:
        """Tell whether it may be given several times."""
        return self.kind == "list"


KEYS: tuple[Key, ...] = (
    Key(
        "agent.base",
        "text",
        "",
        "Branch that new tasks start from and are merged into; the main worktree's without it.",
    ),
    Key("agent.branchPrefix", "prefix", "agent/", "What the name of a task's branch begins with."),
    Key(
        "agent.worktreeDir",
        "path",
        "",
        "Directory of the worktrees, from the main worktree; `../<repo>.worktrees` without it.",
    ),
    Key(
        "agent.mergeStrategy",
        "strategy",
        "merge",
        "How `git agent merge` merges: merge, squash, rebase or ff.",
    ),
    Key(
        "agent.check",
        "text",
        "",
        "Command run on the merged result before the base moves; a failure refuses the merge.",
        True,
    ),
    Key(
        "agent.checkTimeout",
        "duration",
        "1h",
        "How long a check may take; then it is ended, and has failed. 0: as long as it likes.",
    ),
    Key(
        "agent.setup",
        "list",
        "",
        "Command run in a new worktree; several run in order, a failure takes the worktree back.",
        True,
    ),
    Key(
        "agent.copy",
        "list",
        "",
        "Pattern, as in .gitignore, of ignored files to copy into a new worktree; also `.worktreeinclude`.",
    ),
    Key(
        "agent.link",
        "list",
        "",
        "Path of an ignored file or directory to link into a new worktree instead of copying it.",
    ),
    Key(
        "agent.notify",
        "text",
        "",
        "Command run when a person is needed, with the event as JSON on its standard input.",
        True,
    ),
    Key(
        "agent.run",
        "text",
        "",
        "`agent.run.<name>` is the command of the agent <name>; {prompt} and the like are filled in (docs/agents.md).",
        True,
    ),
    Key("agent.defaultAgent", "text", "", "Name of the agent that is meant when none is given."),
    Key("agent.beat", "duration", "10s", "Time between two beats of a supervised worker; its lease is twelve."),
    Key(
        "agent.lease",
        "duration",
        "45m",
        "How long a worker of the queue may be silent before its task can be taken from it.",
    ),
    Key("agent.stalled", "duration", "15m", "Time without progress after which a worker is shown as stalled."),
    Key("agent.maxMessage", "number", "65536", "Largest message, in bytes of UTF-8."),
    Key("agent.messageRate", "number", "60", "Messages that a worker may send in a minute; 0 for any number."),
    Key("agent.maxAttempts", "number", "5", "Attempts at a task before it can no longer be claimed."),
    Key(
        "agent.guard",
        "switch",
        "false",
        "Refuse workers' commits and ref updates on tasks' bases and on superseded attempts, by two more hooks.",
    ),
    Key(
        "agent.pathClaims",
        "claims",
        "warn",
        "Overlapping `--path` claims, and changes outside of them: refuse, warn or off.",
    ),
)
_SWITCH = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0", ""), False)}
_BY_NAME = {key.name.lower(): key for key in KEYS}


class Setting(NamedTuple):
    """One value as it counts. origin: default, team, or git's scope (system, global, local, command)."""

    key: str
    value: str
    origin: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of a repository: git's own over the team's `.gitagent` over the defaults."""

    values: tuple[git_config.Value, ...]
    untrusted: tuple[str, ...] = field(default=())

    @classmethod
    def ask(cls, repo: Repo) -> Callable[[str | None], Config]:
        """Start reading git's configuration and the committed `.gitagent` of the main worktree's HEAD.

        The returned function waits, and makes the Config. It takes the hash that `git agent trust` recorded; without
        it, keys of the file that name commands don't count.
        """
        asked = git_config.start_reading(repo, repo.worktree, f"HEAD:{TEAM_FILE}")
        return lambda trusted: cls._of(repo, *asked(), trusted)

    @classmethod
    def _of(
        cls, repo: Repo, own: list[git_config.Value], committed: list[git_config.Value], trusted: str | None
    ) -> Config:
        team, untrusted = [], []
        for value in committed:
            if _key_of(value.key) is not None and (not _runs(value.key) or digest(repo) == trusted):
                team.append(git_config.Value(value.key, value.value, "team"))
            elif _runs(value.key):
                untrusted.append(value.key)
        return cls((*team, *own), tuple(untrusted))

    def text(self, name: str) -> str:
        """Read a key's last value, its default where there is none."""
        found = [v for v in self.values if v.key.lower() == name.lower()]
        return found[-1].value if found else _BY_NAME[name.lower()].default

    def agent(self, name: str) -> str | None:
        """Read the command of an agent; None where it has none."""
        found = [v.value for v in self.values if v.key.lower() == f"agent.run.{name.lower()}"]
        return found[-1] if found else None

    def agents(self) -> list[str]:
        """List the agents that have a command."""
        found = {
            v.key.lower().removeprefix("agent.run.") for v in self.values if v.key.lower().startswith("agent.run.")
        }
        return sorted(found)

    def several(self, name: str) -> list[str]:
        """Read all values of a key; git's own replace the team's."""
        found = [v for v in self.values if v.key.lower() == name.lower()]
        own = [v.value for v in found if v.scope != "team"]
        return [v for v in own or [v.value for v in found] if v]

    def seconds(self, name: str) -> float:
        """Read a duration in seconds. Raises AgentError (exit 2) for one that can't be read."""
        try:
            return durations.parse_duration(self.text(name))
        except AgentError as error:
            raise usage("bad-config", f"{name} is no duration: {self.text(name)}", f"git config {name} 10m") from error

    def number(self, name: str) -> int:
        """Read a whole number. Raises AgentError (exit 2) for anything else."""
        text = self.text(name)
        if not text.isdecimal():
            raise usage("bad-config", f"{name} is no number: {text}", f"git config {name} 5")
        return int(text)

    def switch(self, name: str) -> bool:
        """Read a switch as git reads one. Raises AgentError (exit 2) for anything else."""
        text = self.text(name).lower()
        if text not in _SWITCH:
            raise usage("bad-config", f"{name} is neither true nor false: {self.text(name)}", f"git config {name} true")
        return _SWITCH[text]

    @property
    def prefix(self) -> str:
        """Read agent.branchPrefix. Raises AgentError (exit 2) for one that makes no branch."""
        from git_agent.domain import names

        return names.check_prefix(self.text("agent.branchPrefix"))

    @property
    def strategy(self) -> str:
        """Read agent.mergeStrategy. Raises AgentError (exit 2) for an unknown one."""
        found = self.text("agent.mergeStrategy")
        if found not in STRATEGIES:
            raise usage(
                "bad-config",
                f"agent.mergeStrategy is no strategy: {found}",
                "one of " + ", ".join(STRATEGIES),
            )
        return found

    @property
    def path_claims(self) -> str:
        """Read agent.pathClaims. Raises AgentError (exit 2) for an unknown mode."""
        found = self.text("agent.pathClaims")
        if found not in MODES:
            says = f"agent.pathClaims is no mode: {found}"
            raise usage("bad-config", says, "one of " + ", ".join(MODES))
        return found

    def settings(self) -> list[Setting]:
        """List every key with what it is now and where that comes from."""
        return [s for key in KEYS for s in self._settings_of(key)]

    def _settings_of(self, key: Key) -> Iterable[Setting]:
        if key.name == "agent.run":
            found = [v for v in self.values if v.key.lower().startswith("agent.run.")]
        else:
            found = [v for v in self.values if v.key.lower() == key.name.lower()]
            found = found if key.many else found[-1:]
        if not found:
            return [Setting(key.name, key.default, "default", key.sentence)]
        return [Setting(_shown(key, v.key), v.value, v.scope, key.sentence) for v in found]


def digest(repo: Repo) -> str | None:
    """Hash the committed `.gitagent`; None where there is none."""
    oid = repo_blob(repo)
    return None if oid is None else hashlib.sha256(oid.encode()).hexdigest()


def repo_blob(repo: Repo) -> str | None:
    """Name the blob of the committed `.gitagent`; None where there is none."""
    return git_config.blob_oid(repo, f"HEAD:{TEAM_FILE}")


def _shown(key: Key, name: str) -> str:
    return name if key.name == "agent.run" else key.name


def _key_of(name: str) -> Key | None:
    lowered = name.lower()
    return _BY_NAME["agent.run"] if lowered.startswith("agent.run.") else _BY_NAME.get(lowered)


def _runs(name: str) -> bool:
    key = _key_of(name)
    return key is not None and key.runs


__all__: list[Any] = [
    "KEYS",
    "STRATEGIES",
    "TEAM_FILE",
    "TRUST_FACT",
    "Config",
    "Key",
    "Setting",
    "digest",
    "repo_blob",
]
