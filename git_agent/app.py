"""What an action works with: repository, store, configuration and speaker, each opened on first use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
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
    guards: whether agent.guard is on, as reconciling found it; None until then
    operation: the operation to which everything that this command does belongs; "" if each thing has its own
    """

    def __init__(
        self,
        verb: str = "",
        *,
        given: frozenset[str] = frozenset(),
        env: Mapping[str, str] = os.environ,
        terminal: bool = False,
        progress: Callable[[str], None] = _silent,
        creates: bool = False,
        examines: bool = False,
        clock: Callable[[], ClockReading] = _read_clock,
    ) -> None:
        self.verb = verb
        self.given = given
        self.env = env
        self.terminal = terminal
        self.progress = progress
        self.creates = creates
        self.examines = examines
        self.clock = clock
        self.notices: list[str] = []
        self.begun: set[int] = set()
        self.unrecovered: set[int] = set()
        self.sighted: Tips | None = None
        self.damaged: dict[int, str] = {}
        self.operation = ""
        self.guards: bool | None = None

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
        return self._settings(self.trusted)

    @cached_property
    def trusted(self) -> str | None:
        """Return the hash of the team's file that a person trusted, None for none."""
        if not self.has_store:
            return None
        from git_agent.store import meta

        return self.store.meta.get(meta.TRUSTED)

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
        for name in ("config", "_settings", "trusted"):
            self.__dict__.pop(name, None)

    @cached_property
    def worker_identities(self) -> tuple[WorkerIdentity, ...]:
        """Return the worker identities found: from the current worktree, from the token, from the environment."""
        from git_agent.identity import known_workers, named_worker

        known = known_workers(self.store, self.env, self.enclosing, self.current_admins) if self.has_store else ()
        return tuple(filter(None, (*known, named_worker(self.env))))

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
        from git_agent.identity import worker_evidence

        person = self.has_store and not self.worker_identities
        evidence = tuple(worker_evidence(self.repo, self.store, self.env)) if person else ()
        return Speaker(self.identity.rpartition(" <")[0], self.worker_identities, evidence)

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
        return (named or bool(self.current_admins) or bool(self.enclosing)) and os.path.isdir(self.store_dir)

    @cached_property
    def current_admins(self) -> tuple[str, ...]:
        """Name the linked worktrees that this command may be in: by the current directory, and by GIT_DIR.

        A process in a worktree is its worker, wherever GIT_DIR points.
        """
        from git_agent.git.worktrees import registry

        return tuple(dict.fromkeys(filter(None, (registry.current_admin(self.repo.common_dir), self.repo.admin))))

    @cached_property
    def enclosing(self) -> tuple[str, ...]:
        """Return this directory and those above it, of which one may be recorded as a worktree; none at main's top."""
        try:
            here = os.getcwd()
        except OSError:  # the directory was removed
            return ()
        if here == self.repo.main_worktree:
            return ()
        from git_agent.proc.ancestry import above

        return above(here)

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
