"""What an action works with: repository, store, configuration and speaker, each opened on first use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from git_agent.errors import AgentError

if TYPE_CHECKING:
    from git_agent.config import Config
    from git_agent.domain.host_clocks import ClockReading
    from git_agent.domain.process_id import ProcessId
    from git_agent.domain.speaker import Speaker, WorkerIdentity
    from git_agent.git.repo import Repo, Tips
    from git_agent.store.store import Store


def _silent(_: str) -> None:
    return None


def _read_clock() -> ClockReading:
    from git_agent.proc import clock

    return clock.read_clocks()


@dataclass
class App:
    """The context of one command.

    verb: the verb, "" when none was typed; it decides who may do this
    given: the options and arguments that were given, as the usage names them
    env: the environment
    terminal: whether stderr is an interactive terminal
    progress: called with a line when long work advances
    creates: whether the command may create the store
    examines: whether the command changes nothing in the store
    notices: lines for the front end to show after the result
    begun: the ids of the intents that this command recorded
    unrecovered: the ids of dead processes' intents that this command took over and could not recover yet
    sighted: the branches as this command last read them from git
    damaged: the tasks whose branch git can't read, with what git says
    clock: reads this host's clocks
    operation: the operation to which everything that this command does belongs; "" if each thing has its own
    """

    verb: str = ""
    given: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    terminal: bool = False
    progress: Callable[[str], None] = _silent
    creates: bool = False
    examines: bool = False
    notices: list[str] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    unrecovered: set[int] = field(default_factory=set)
    sighted: Tips | None = None
    damaged: dict[int, str] = field(default_factory=dict)
    clock: Callable[[], ClockReading] = _read_clock
    operation: str = ""

    @cached_property
    def repo(self) -> Repo:
        """Return the repository of the current directory. Raises AgentError when there is none."""
        from git_agent.git.repo import Repo

        return Repo.open()

    @cached_property
    def store_dir(self) -> str:
        """Return the store's directory."""
        return os.path.join(self.repo.common_dir, "git-agent")

    @property
    def spool_dir(self) -> str:
        """Return the directory in which hooks record what happened."""
        return os.path.join(self.store_dir, "spool")

    @cached_property
    def store(self) -> Store:
        """Return the open store. Raises AgentError when there is none and the command may not create one."""
        from git_agent.store.store import Store

        found = Store.open(self.store_dir, create=self.creates, examines=self.examines)
        found.evidence_of = self._evidence_of
        return found

    @cached_property
    def has_store(self) -> bool:
        """Return whether there is a store, or this command may create one. Read-only commands work without a store."""
        try:
            return bool(self.store)
        except AgentError as error:
            if error.code != "no-store":
                raise
            return False

    @cached_property
    def config(self) -> Config:
        """Return the configuration."""
        return self._settings(self._trusted())

    def _trusted(self) -> str | None:
        if not self.has_store:
            return None
        from git_agent.config import TRUST_FACT

        return self.store.meta.get(TRUST_FACT)

    def ask_settings(self) -> None:
        """Start reading the configuration, so that git runs while the store is loaded."""
        _ = self._settings

    @property
    def has_settings(self) -> bool:
        """Return whether the configuration was already requested, so that reading it costs nothing more."""
        return "_settings" in self.__dict__

    @cached_property
    def _settings(self) -> Callable[[str | None], Config]:
        from git_agent.config import Config

        return Config.ask(self.repo)

    def forget_settings(self) -> None:
        """Read the configuration again on its next use. A long-running command calls this to see changes."""
        for name in ("config", "_settings"):
            self.__dict__.pop(name, None)

    @cached_property
    def worker_identities(self) -> tuple[WorkerIdentity, ...]:
        """Return the worker identities found: from the current worktree, from the token, from the environment."""
        found = (*self._from_worktrees(), self._from_token(), self._from_environment())
        return tuple(c for c in found if c is not None)

    @property
    def worker_of(self) -> int | None:
        """Return the task whose worker runs the command; None for a person."""
        return next((c.task for c in self.worker_identities if c.task is not None), None)

    @cached_property
    def speaker(self) -> Speaker:
        """Return who runs the command: the worktree's worker, the environment's worker, or a person."""
        from git_agent.domain.speaker import Speaker

        if worker := Speaker.of_worker(self.worker_identities):
            return worker
        evidence = () if self.worker_identities else tuple(self._evidence())
        return Speaker(self.identity.rpartition(" <")[0], self.worker_identities, evidence)

    def _evidence(self) -> Iterator[str]:
        """Yield what suggests that a worker typed this command, to which every check says that a person did."""
        if not self.has_store:
            return
        from git_agent.git.worktrees import registry
        from git_agent.proc import ancestry

        origins = ancestry.origins(self.env)
        elsewhere = [each for each in origins if each.directory != self.repo.main_worktree]
        paths = sorted({path for each in elsewhere for path in each.above})
        known = {a.worktree: a.task for a in reversed(self.store.attempts.at_paths(paths))} if paths else {}
        for each in origins:
            if each.has_token:
                yield f"process {each.has_token} above it has the token of a worker"
            nearest = next((path for path in each.above if path in known), None) if each in elsewhere else None
            if nearest is not None:
                yield f"{each.what} the worktree of task {known[nearest]}"
        there = registry.registration(self.repo, self.repo.admin) if self.repo.admin else None
        if there is not None and there.made_at * 1000 > self.store.attempts.first_started():
            yield f"it was typed in the worktree {there.path}, which was made by hand after workers began"

    def _evidence_of(self, actor: str) -> tuple[str, ...]:
        """Return the evidence that belongs to an event of an actor: none for what git did, nor for a worker."""
        known: Speaker | None = self.__dict__.get("speaker")
        return known.evidence if known is not None and known.actor == actor else ()

    @cached_property
    def identity(self) -> str:
        """Return the person's identity in git's form: `Name <email>`."""
        return self.repo.identity()

    @property
    def may_be_worker(self) -> bool:
        """Return whether anything suggests a worker: a linked worktree or the environment. Doesn't open the store."""
        named = any(self.env.get(f"GIT_AGENT_{name}") for name in ("TASK", "EPOCH", "TOKEN"))
        return (named or bool(self._admins) or bool(self._around)) and os.path.isdir(self.store_dir)

    @cached_property
    def _admins(self) -> tuple[str, ...]:
        """Name the linked worktrees that this command may be in: by the current directory, and by GIT_DIR.

        A process in a worktree is its worker, wherever GIT_DIR points.
        """
        from git_agent.git.worktrees import registry

        return tuple(dict.fromkeys(filter(None, (registry.current_admin(self.repo.common_dir), self.repo.admin))))

    @cached_property
    def _around(self) -> tuple[str, ...]:
        """Return this directory and those above it, of which one may be recorded as a worktree; none at main's top."""
        try:
            here = os.getcwd()
        except OSError:  # the directory was removed
            return ()
        if here == self.repo.main_worktree:
            return ()
        from git_agent.proc.ancestry import above

        return above(here)

    def _from_worktrees(self) -> list[WorkerIdentity]:
        """Identify the worker by its worktree: by the recorded path, then by git's files."""
        if not self.has_store:
            return []
        from git_agent.domain.speaker import WorkerIdentity

        known = self.store.attempts.at_paths(self._around) if self._around else []
        found = dict.fromkeys([*known, *filter(None, map(self.store.attempts.by_admin, self._admins))])
        return [WorkerIdentity(each.task, each.number, each.epoch, proved=True) for each in found]

    def _from_token(self) -> WorkerIdentity | None:
        """Identify the worker by its token. An unknown token proves no identity, but its holder is not a person."""
        token = self.env.get("GIT_AGENT_TOKEN")
        if not token or not self.has_store:
            return None
        import hashlib

        from git_agent.domain.speaker import WorkerIdentity

        found = self.store.sessions.by_token(hashlib.sha256(os.fsencode(token)).hexdigest())
        if found is None:
            return WorkerIdentity(None, None, None)
        return WorkerIdentity(found.task, found.attempt, found.epoch, proved=True, agent=found.agent)

    def _from_environment(self) -> WorkerIdentity | None:
        task, epoch = (_number(self.env.get(f"GIT_AGENT_{n}")) for n in ("TASK", "EPOCH"))
        if task is None and epoch is None:
            return None
        from git_agent.domain.speaker import WorkerIdentity

        return WorkerIdentity(task, None, epoch)

    @property
    def heads(self) -> Mapping[str, str]:
        """Map the branches to their oids, read from git now."""
        return self.repo.tips()

    @property
    def sighted_heads(self) -> Mapping[str, str]:
        """Map the branches to their oids as this command last read them. Runs git only if it has not read them yet."""
        return self.heads if self.sighted is None else self.sighted.heads

    @property
    def forks(self) -> Mapping[int, str]:
        """Map tasks to the fork points of those branches whose base does not contain them, as sighted_heads does."""
        return (self.repo.start_tips()() if self.sighted is None else self.sighted).forks

    @property
    def store_is_open(self) -> bool:
        """Return whether the store was opened. This does not open it."""
        return "store" in self.__dict__

    def reopen(self) -> None:
        """Reopen the store if it was open. An unfinished transaction is rolled back."""
        if self.store_is_open:
            self.store.reopen()

    def close(self) -> None:
        """Close the store if it was opened."""
        if self.store_is_open:
            self.store.close()

    def is_gone(self, owner: ProcessId, *, over: bool = False) -> bool:
        """Return whether a process that the store names has ended. over: as for processes.is_gone"""
        from git_agent.proc import processes

        return processes.is_gone(owner, over=over, shared=lambda: self.store.integrity.journal(self.store_dir).remote)

    def notice(self, line: str) -> None:
        """Queue a line that the front end shows after the result."""
        self.notices.append(line)

    def take_notices(self) -> list[str]:
        """Return the queued lines and clear the queue. The caller must show them."""
        taken, self.notices[:] = list(self.notices), ()
        return taken

    def now(self) -> int:
        """Return the time of the database's clock, in ms since the epoch."""
        return self.store.now()


def _number(text: str | None) -> int | None:
    """Parse a number of at most 18 digits, which the database can store; None for any other text."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 18 else None
