"""Whose mail the one who runs the command sends and reads."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.fence import fence
from git_agent.app import App
from git_agent.domain.speaker import COORDINATOR, HUMAN, Carried
from git_agent.errors import refused
from git_agent.store import addresses, tasks


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The addresses of one correspondent, that of its messages first. verified: who it is was proved."""

    addresses: tuple[str, ...]
    verified: bool

    @property
    def of_worker(self) -> bool:
        """Tell whether it is a worker's."""
        return self.addresses[0] != HUMAN


def mailbox(app: App) -> Mailbox:
    """Tell the speaker's addresses: a worker has its task's, a person those of people and of the coordinator.

    Raises AgentError: exit 5 for a superseded worker; exit 3 where worktree and token prove two workers, for nobody
    speaks as somebody else.
    """
    speaker = app.speaker
    if not speaker.is_worker:
        return Mailbox((HUMAN, COORDINATOR), speaker.verified)
    address = speaker.address
    if not all(addresses.is_current(int(address), c.attempt, c.epoch) for c in speaker.carried if _meant(c, address)):
        fence(app, tasks.get(int(address)))
    proved = [c.task for c in speaker.carried if c.proved]
    if len(set(proved)) > 1:
        says = f"this is the worktree of task {proved[0]}, but your token is of task {proved[1]}"
        raise refused("two-workers", says, f'go to your own: cd "$(git agent path {proved[1]})"')
    return Mailbox((address,), speaker.verified)


def _meant(carried: Carried, address: str) -> bool:
    return carried.task is None or str(carried.task) == address
