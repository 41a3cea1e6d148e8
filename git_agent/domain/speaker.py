"""Who speaks: a worker, known by its worktree or its token, or a person. Never a git author."""

from __future__ import annotations

from dataclasses import dataclass, field

from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit

HUMAN = "@human"
COORDINATOR = "@coordinator"
GIT = "git"
"""The actor of what git was seen to have done."""


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """A claim to be the worker of a task. attempt or epoch is None when the claim does not name it; proved: by the
    worktree that one stands in, or by a token that the store knows.
    """

    task: int | None
    attempt: int | None
    epoch: int | None
    proved: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """The one who runs the command. identities: each identity found (worktree, token, environment), the one that counts
    first; none for a person.
    """

    actor: str
    identities: tuple[WorkerIdentity, ...] = field(default=())

    @property
    def is_worker(self) -> bool:
        """Tell whether a worker speaks."""
        return self._first is not None

    @property
    def address(self) -> str:
        """Say where an answer goes: the worker's task id, or @human."""
        return HUMAN if self._first is None else str(self._first.task)

    @property
    def verified(self) -> bool:
        """Tell whether the address is proved: by worktree or token; a person's is, where nothing claims otherwise."""
        return not self.identities if self._first is None else self._first.proved

    @property
    def _first(self) -> WorkerIdentity | None:
        return next((c for c in self.identities if c.task is not None), None)

    def works_on(self, task: Task) -> bool:
        """Tell whether this is the task's worker, of this attempt or of an earlier one."""
        return any(c.task == task.id for c in self.identities)

    def superseded(self, task: Task) -> bool:
        """Tell whether the speaker carries an attempt or epoch of the task that is not the current one."""
        return any(self._old(c, task) for c in self.identities if c.task in (None, task.id))

    @staticmethod
    def _old(identities: WorkerIdentity, task: Task) -> bool:
        attempt = identities.attempt is not None and identities.attempt != task.attempt
        return attempt or (identities.epoch is not None and identities.epoch != task.epoch)


def superseded_error(task: Task, by: str) -> AgentError:
    """Make the error of a worker that came back late (exit 5). by: who took the task from it."""
    return AgentError(
        "superseded",
        f"your attempt at task {task.id} is not the current one: {by}",
        f"git agent show {task.id}; commits of this attempt stay on its branch",
        exit=Exit.SUPERSEDED,
    )
