"""The speaker: who runs this command. A worker is known by its worktree or token; anyone else is a person.

A git author is never evidence of either.
"""

from __future__ import annotations

from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.record import Record

HUMAN = "@human"
COORDINATOR = "@coordinator"
VISITED = "OLDPWD was"
"""How evidence begins that a person leaves, too: whoever looked into a worktree and came back. It makes no message
doubtful.
"""
GIT = "git"
"""The actor of changes that were found in git."""


class WorkerIdentity(Record):
    """Evidence that the speaker is the worker of a task.

    attempt, epoch: None if the evidence does not name them
    proved: by the worktree of the current directory, or by a token that the store knows
    agent: the configured name of the agent that runs there, if a token proves it
    """

    task: int | None
    attempt: int | None
    epoch: int | None
    proved: bool = False
    agent: str | None = None


class Speaker(Record):
    """Whoever runs the command.

    actor: the name in events
    identities: what was found in worktree, token and environment, in order of precedence; empty for a person
    evidence: for a person, what suggests that a worker typed the command; it proves nothing
    """

    actor: str
    identities: tuple[WorkerIdentity, ...] = ()
    evidence: tuple[str, ...] = ()

    @classmethod
    def of_worker(cls, identities: tuple[WorkerIdentity, ...]) -> Speaker | None:
        """Return the worker that the identities tell, named `codex 7.2` or `worker 7.2`; None if they tell none.

        Names in the environment are not believed: whoever sets GIT_AGENT_ACTOR would write events as somebody else.
        """
        first = next((c for c in identities if c.task is not None), None)
        if first is None:
            return None
        agents = (c.agent for c in identities if c.agent and (c.task, c.attempt) == (first.task, first.attempt))
        name = f"{next(agents, 'worker')} {first.task}" + (f".{first.attempt}" if first.attempt else "")
        return cls(name, identities)

    @property
    def is_worker(self) -> bool:
        """Return whether the speaker is a worker."""
        return self._first is not None

    @property
    def address(self) -> str:
        """Return the address for answers: the worker's task id, or @human."""
        return HUMAN if self._first is None else str(self._first.task)

    @property
    def verified(self) -> bool:
        """Return whether the address is proved: by worktree or token; for a person, by no sign of a worker."""
        if self._first is not None:
            return self._first.proved
        return not self.identities and all(each.startswith(VISITED) for each in self.evidence)

    @property
    def _first(self) -> WorkerIdentity | None:
        return next((c for c in self.identities if c.task is not None), None)

    def works_on(self, task: Task) -> bool:
        """Return whether the speaker is the task's worker, in this attempt or an earlier one."""
        return any(c.task == task.id for c in self.identities)

    def superseded(self, task: Task) -> bool:
        """Return whether the speaker's attempt or epoch of the task is no longer the current one."""
        return any(self._old(c, task) for c in self.identities if c.task in (None, task.id))

    @staticmethod
    def _old(identities: WorkerIdentity, task: Task) -> bool:
        attempt = identities.attempt is not None and identities.attempt != task.attempt
        return attempt or (identities.epoch is not None and identities.epoch != task.epoch)


def superseded_error(task: Task, by: str) -> AgentError:
    """Return the error for a superseded worker (exit 5).

    by: how the task was taken from it, as in `reassigned by Ada`
    """
    return AgentError(
        "superseded",
        f"your attempt at task {task.id} is not the current one: {by}",
        f"git agent show {task.id}; commits of this attempt stay on its branch",
        exit=Exit.SUPERSEDED,
    )
