"""The configuration: the values of the agent.* keys in git's configuration and in the team's file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from git_agent.domain import durations
from git_agent.domain.agent_programs import AGENT_PROGRAMS
from git_agent.domain.config_keys import KEYS, STRATEGIES, Key
from git_agent.domain.path_claim import MODES
from git_agent.errors import AgentError, usage
from git_agent.git import config as git_config
from git_agent.record import Record

if TYPE_CHECKING:
    from git_agent.git.repo import Repo

TEAM_FILE = ".gitagent"
_PERSONAL_SCOPES = ("system", "global", "local")


_SHOWN = 100  # characters of a bad value in an error
_DIGITS = 15  # of a number: every one of them fits into a column of the store
_MOST_S = 10 * 365 * 86400.0  # timers accept no more than 292 years
_SWITCH = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0", ""), False)}
_BY_NAME = {key.name.lower(): key for key in KEYS}


class Setting(Record):
    """One value in effect.

    origin: default, team, or git's scope (system, global, local, command); sentence: the key's meaning
    """

    key: str
    value: str
    origin: str
    sentence: str


class Config(Record):
    """The configuration of a repository: git's own over the team's `.gitagent` over the defaults.

    git: settings of git itself about hooks, signatures and filters, as they are in the current worktree
    """

    values: tuple[git_config.Value, ...]
    untrusted: tuple[str, ...] = ()
    git: tuple[git_config.Value, ...] = ()

    @classmethod
    def ask(cls, repo: Repo) -> Callable[[str | None], Config]:
        """Start reading git's configuration and the committed `.gitagent` of the main worktree's HEAD.

        The returned function waits for the result. It takes the hash that `git agent trust` recorded; without that
        hash, the file's keys that are not harmless are ignored.
        """
        asked = git_config.start_reading(repo, repo.worktree, f"HEAD:{TEAM_FILE}")
        return lambda trusted: cls._of(repo, *asked(), trusted)

    @classmethod
    def _of(
        cls, repo: Repo, own: list[git_config.Value], committed: list[git_config.Value], trusted: str | None
    ) -> Config:
        team, untrusted = [], []
        for value in committed:
            if _key_of(value.key) is not None and (not needs_trust(value.key) or digest(repo) == trusted):
                team.append(git_config.Value(value.key, value.value, "team"))
            elif needs_trust(value.key):
                untrusted.append(value.key)
        ours, gits = [v for v in own if git_config.is_ours(v)], [v for v in own if not git_config.is_ours(v)]
        counted = [v for v in (*team, *ours) if not _is_personal(v.key) or v.scope in _PERSONAL_SCOPES]
        return cls(tuple(counted), tuple(untrusted), tuple(gits))

    def text(self, name: str) -> str:
        """Return a key's last value, or its default."""
        found = [v for v in self.values if v.key.lower() == name.lower()]
        return found[-1].value if found else _BY_NAME[name.lower()].default

    def agent(self, name: str) -> str | None:
        """Return the command of an agent: the configured one, else the one that is known for it.

        Returns None without any, and where only the team's file has one that nobody has trusted.
        """
        key = f"agent.run.{name.lower()}"
        found = [v.value for v in self.values if v.key.lower() == key]
        if found or key in map(str.lower, self.untrusted):
            return found[-1] if found else None
        return AGENT_PROGRAMS.get(name.lower())

    def has_agent(self, name: str | None) -> bool:
        """Return whether an agent, or agent.defaultAgent without a name, has a command."""
        return self.agent(name or self.text("agent.defaultAgent")) is not None

    def agents(self) -> list[str]:
        """Return the names of the agents that have a command, and those for which one is known."""
        keys = {value.key.lower() for value in self.values}
        configured = {key.removeprefix("agent.run.") for key in keys if key.startswith("agent.run.")}
        return sorted(configured | AGENT_PROGRAMS.keys())

    def several(self, name: str) -> list[str]:
        """Return all values of a key; git's own configuration replaces the team's."""
        found = [v for v in self.values if v.key.lower() == name.lower()]
        own = [v.value for v in found if v.scope != "team"]
        return [v for v in own or [v.value for v in found] if v]

    def is_teams(self, name: str) -> bool:
        """Return whether a key's value comes from the team's file."""
        found = [v for v in self.values if v.key.lower() == name.lower()]
        return bool(found) and found[-1].scope == "team"

    def explain(self, name: str, error: AgentError) -> AgentError:
        """Return the error about a key's value; if the value is the team's, the error names the file.

        name: the key; error: its hint is a command that sets another value
        """
        if not self.is_teams(name):
            return error
        says, hint = f"{error.message} (in {TEAM_FILE})", f"edit {TEAM_FILE} and commit it, or {error.hint}"
        return AgentError(error.code, says, hint, exit=error.exit)

    def _bad(self, name: str, fault: str, hint: str) -> AgentError:
        text = self.text(name)
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        return self.explain(name, usage("bad-config", f"{name} {fault}: {shown}", hint))

    def seconds(self, name: str) -> float:
        """Return a duration in seconds. Raises AgentError (exit 2) if it is invalid."""
        hint = f"git config {name} 10m"
        try:
            found = durations.parse_duration(self.text(name))
        except AgentError as error:
            raise self._bad(name, "is not a duration", hint) from error
        if not _BY_NAME[name.lower()].least <= found <= _MOST_S:
            raise self._bad(name, "is not between a moment and ten years" if found else "must not be 0", hint)
        return found

    def number(self, name: str) -> int:
        """Return a whole number. Raises AgentError (exit 2) if it is invalid."""
        text, least = self.text(name), _BY_NAME[name.lower()].least
        hint = f"git config {name} {_BY_NAME[name.lower()].default}"
        if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
            raise self._bad(name, "is not a number", hint)
        if int(text) < least:
            raise self._bad(name, f"is less than {least}", hint)
        return int(text)

    def switch(self, name: str) -> bool:
        """Return a boolean, spelled as git allows. Raises AgentError (exit 2) if it is invalid."""
        text = self.text(name).lower()
        if text not in _SWITCH:
            raise self._bad(name, "is neither true nor false", f"git config {name} true")
        return _SWITCH[text]

    @property
    def colour(self) -> str:
        """Return git's setting for colour: color.agent, else color.ui, else auto."""
        found = {v.key.lower(): v.value.lower() for v in self.values if v.key.lower() in git_config.COLOUR_KEYS}
        return next((found[key] for key in git_config.COLOUR_KEYS if key in found), "auto")

    @property
    def prefix(self) -> str:
        """Return agent.branchPrefix. Raises AgentError (exit 2) if it can't begin a branch name."""
        from git_agent.domain import names

        try:
            return names.check_prefix(self.text("agent.branchPrefix"))
        except AgentError as error:
            raise self.explain("agent.branchPrefix", error) from error

    @property
    def strategy(self) -> str:
        """Return agent.mergeStrategy. Raises AgentError (exit 2) for an unknown strategy."""
        found = self.text("agent.mergeStrategy")
        if found not in STRATEGIES:
            hint = "git config agent.mergeStrategy merge"
            raise self._bad("agent.mergeStrategy", f"is not one of {', '.join(STRATEGIES)}", hint)
        return found

    @property
    def path_claims(self) -> str:
        """Return agent.pathClaims. Raises AgentError (exit 2) for an unknown mode."""
        found = self.text("agent.pathClaims")
        if found not in MODES:
            raise self._bad("agent.pathClaims", f"is not one of {', '.join(MODES)}", "git config agent.pathClaims warn")
        return found

    def settings(self) -> list[Setting]:
        """Return every key with its value and its origin."""
        return [s for key in KEYS for s in self._settings_of(key)]

    def _settings_of(self, key: Key) -> Iterable[Setting]:
        if key.name == "agent.run":
            found = [v for v in self.values if v.key.lower().startswith("agent.run.")]
        else:
            found = [v for v in self.values if v.key.lower() == key.name.lower()]
            found = found if key.many else found[-1:]
        if not found:
            return [Setting(key.name, key.default, "default", key.sentence)]
        return [Setting(v.key if key.name == "agent.run" else key.name, v.value, v.scope, key.sentence) for v in found]


def digest(repo: Repo) -> str | None:
    """Return the hash of the committed `.gitagent`, None without one."""
    return git_config.blob_digest(repo, f"HEAD:{TEAM_FILE}")


def repo_blob(repo: Repo) -> str | None:
    """Return the blob's oid of the committed `.gitagent`, None without one."""
    return git_config.blob_oid(repo, f"HEAD:{TEAM_FILE}")


def _key_of(name: str) -> Key | None:
    lowered = name.lower()
    return _BY_NAME["agent.run"] if lowered.startswith("agent.run.") else _BY_NAME.get(lowered)


def _team_use(name: str) -> str:
    key = _key_of(name)
    return "" if key is None else key.team


def needs_trust(name: str) -> bool:
    """Return whether a key of the team's file counts only once a person has trusted the file."""
    return _team_use(name) == "trust"


def _is_personal(name: str) -> bool:
    return _team_use(name) == "never"
